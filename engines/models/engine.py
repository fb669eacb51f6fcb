"""Registered Docker Engines and how each is reached."""

import uuid

from django.conf import settings
from django.db import models

from engines import secrets


class Tag(models.Model):
    """A word that engines carry, such as `production`: roles can be granted on all engines that carry it."""

    name = models.SlugField(max_length=64, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Engine(models.Model):
    """A registered Docker Engine. Key material is stored encrypted, bound to the row's `key_id` and the field."""

    name = models.CharField(max_length=64, unique=True)
    slug = models.SlugField(max_length=64, unique=True)
    url = models.CharField(max_length=255)
    enabled = models.BooleanField(default=True)
    tags = models.ManyToManyField(Tag, related_name="engines", blank=True)
    # Known before the first save, unlike the primary key, so that secrets can be bound to it.
    key_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    tls_ca = models.TextField(blank=True)
    tls_cert = models.TextField(blank=True)
    tls_key_sealed = models.TextField(blank=True, editable=False)
    ssh_key_sealed = models.TextField(blank=True, editable=False)
    ssh_host_key = models.TextField(blank=True)
    api_version = models.CharField(max_length=16, blank=True)
    # `ID` of GET /info. Cloned machines share it: a hint for the reader, never an identity.
    engine_id = models.CharField(max_length=128, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def tls_key(self) -> str:
        """The private key in PEM, or empty. Raises SecretUnreadable."""
        return self._open(self.tls_key_sealed, "tls_key")

    @tls_key.setter
    def tls_key(self, pem: str) -> None:
        self.tls_key_sealed = self._seal(pem, "tls_key")

    @property
    def ssh_key(self) -> str:
        """The private key in OpenSSH format, or empty. Raises SecretUnreadable."""
        return self._open(self.ssh_key_sealed, "ssh_key")

    @ssh_key.setter
    def ssh_key(self, pem: str) -> None:
        self.ssh_key_sealed = self._seal(pem, "ssh_key")

    def place(self, field: str) -> str:
        """What the sealed `field` is bound to."""
        return f"engine.{self.key_id}.{field}"

    def _seal(self, plaintext: str, field: str) -> str:
        if not plaintext:
            return ""
        return secrets.encrypt(plaintext, place=self.place(field), keys=settings.ENCRYPTION_KEYS)

    def _open(self, sealed: str, field: str) -> str:
        if not sealed:
            return ""
        return secrets.decrypt(sealed, place=self.place(field), keys=settings.ENCRYPTION_KEYS)
