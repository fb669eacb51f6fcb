"""The audit trail: what was going to be done, and what came of it. Rows are added, never changed or removed."""

from typing import Any, NoReturn

from django.db import models


class AppendOnly(Exception):
    """Somebody tried to change or remove an audit entry through the ORM."""


class _Entries(models.QuerySet["AuditEntry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class AuditEntry(models.Model):
    """One entry. Written by `engines.trail` alone. No foreign keys: what it names may go, the entry stays as it was.

    An act leaves two entries, its INTENT before and its OUTCOME after; what needs no intent (a login, a denial)
    leaves one EVENT. Database triggers refuse UPDATE and DELETE.
    """

    class Phase(models.TextChoices):
        INTENT = "INTENT"
        OUTCOME = "OUTCOME"
        EVENT = "EVENT"

    class Outcome(models.TextChoices):
        SUCCEEDED = "SUCCEEDED", "succeeded"
        FAILED = "FAILED", "failed"
        DENIED = "DENIED", "denied"
        CANCELLED = "CANCELLED", "cancelled"
        LOST = "LOST", "lost"

    # Counts from 1 without gaps; given by the trail. An "auto" field since SQLite then keeps rows in this order.
    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    phase = models.CharField(max_length=8, choices=Phase.choices)
    # A Permission's value, or another name of `engines.trail.acts`.
    act = models.CharField(max_length=48)
    # Empty for an INTENT.
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    # Of an OUTCOME: `seq` of its INTENT.
    intent = models.BigIntegerField(null=True, unique=True)
    actor_pk = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    # Where the request came from, and which login or token it used (`session 1f2e3d4c`, `token deploy`).
    address = models.CharField(max_length=45, blank=True)
    via = models.CharField(max_length=80, blank=True)
    engine_pk = models.BigIntegerField(null=True)
    engine_name = models.CharField(max_length=64, blank=True)
    # What it was done to: a container's id, a team's name.
    subject = models.CharField(max_length=255, blank=True)
    # Only names that `engines.trail.acts` allows for this act.
    parameters = models.JSONField(default=dict)
    operation = models.UUIDField(null=True, db_index=True)
    sentence = models.TextField(blank=True)
    # The Engine API requests made: [{"method", "path", "status", "ms"}]
    requests = models.JSONField(default=list)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = _Entries.as_manager()

    class Meta:
        ordering = ["-seq"]
        # Those by person, act, engine, outcome and words are made by `engines.trail.index`.

    def __str__(self) -> str:
        return f"#{self.seq} {self.act}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class AuditHead(models.Model):
    """One row: where the chain ends. Locked by whoever adds an entry, so that entries follow one another."""

    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"#{self.seq}"


class AuditUnfinished(models.Model):
    """An INTENT without an OUTCOME yet: what goes on now, or was cut off."""

    seq = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"#{self.seq}"


class AuditSink(models.Model):
    """How far the trail was handed to a place outside the console."""

    class Kind(models.TextChoices):
        FILE = "file"
        SYSLOG = "syslog"

    kind = models.CharField(max_length=6, choices=Kind.choices, primary_key=True)
    # The last entry that it took.
    seq = models.BigIntegerField(default=0)
    # Since when it takes none, and why; empty while it does.
    failing_since = models.DateTimeField(null=True)
    sentence = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} up to #{self.seq}"
