"""What the console keeps about containers: how people like their list, and what terminals showed."""

import uuid

from django.conf import settings
from django.db import models

from engines.models.engine import Engine


class ListChoice(models.Model):
    """What a person chose for a list: the names of its columns, in order."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_choices")
    # Such as containers.
    name = models.CharField(max_length=40)
    columns = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="list_choice_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"


class Recording(models.Model):
    """What a terminal showed, as asciicast v2; never what was typed. The file is `recordings/<pk>.cast` below DATA_DIR.

    Names are kept as they were: a recording outlives its engine, its container and its person.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    engine = models.ForeignKey(Engine, on_delete=models.SET_NULL, null=True, related_name="recordings")
    engine_name = models.CharField(max_length=64)
    container_id = models.CharField(max_length=64)
    container_name = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    user_name = models.CharField(max_length=150)
    # What ran, as a shell would write it; `attach` for its own first process.
    command = models.CharField(max_length=1024)
    started_at = models.DateTimeField(auto_now_add=True)
    # Empty while the terminal is open, or when the console ended before it did.
    ended_at = models.DateTimeField(null=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    # SHA-256 of the file in hex, once it has ended; the audit trail holds it as well.
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.user_name} in {self.container_name}"

    @property
    def lasted(self) -> float | None:
        """Seconds from its beginning to its end; None where no end is known."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None
