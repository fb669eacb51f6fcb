"""Operations: long jobs on an engine, and their logs.

    QUEUED ──claim──▶ RUNNING ──▶ SUCCEEDED | FAILED | CANCELLED
       │                 └─ heartbeat stops ─▶ LOST
       └──cancel──▶ CANCELLED

Every arrow is one conditional UPDATE on the status it leaves, so each is taken at most once.
"""

import uuid

from django.conf import settings
from django.db import models

from engines.models.engine import Engine


class Operation(models.Model):
    """A long job. The row is the queue of record: a Celery message holds its id and nothing else."""

    class Status(models.TextChoices):
        QUEUED = "QUEUED", "queued"
        RUNNING = "RUNNING", "running"
        SUCCEEDED = "SUCCEEDED", "succeeded"
        FAILED = "FAILED", "failed"
        CANCELLED = "CANCELLED", "cancelled"
        LOST = "LOST", "lost"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Empty once the engine is removed; its name stays, as the history does.
    engine = models.ForeignKey(Engine, on_delete=models.SET_NULL, null=True, related_name="operations")
    engine_name = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    title = models.CharField(max_length=255)
    # The typed input of the kind, as JSON. Fields that may hold secrets are sealed: see engines.operations.sealed.
    spec = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    # One sentence when it did not succeed.
    sentence = models.TextField(blank=True)
    # {"total": n, "current": n, "unit": "steps"|"bytes", "items": [{"id", "name", "state", …}]}
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    # The Engine API requests made: [{"method", "path", "status", "ms"}]
    requests = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_by_name = models.CharField(max_length=150)
    # Sent by the form; the same form sent twice starts one operation.
    form_token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    # Who runs it: a claim's own random mark. Whoever lost it may not write any more.
    fence = models.UUIDField(null=True)
    # `seq` of the audit entry that said it would be done; its outcome is written when it ends.
    intent = models.BigIntegerField(null=True, editable=False)
    cancel_requested_at = models.DateTimeField(null=True)
    cancelled_by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["status", "created_at"], name="operation_by_status"),
            models.Index(fields=["engine", "-created_at"], name="operation_by_engine"),
        ]

    def __str__(self) -> str:
        return f"{self.title} on {self.engine_name}"

    @property
    def is_over(self) -> bool:
        """Whether the final status is reached: nothing about it changes any more."""
        return self.status not in {self.Status.QUEUED, self.Status.RUNNING}


class LogChunk(models.Model):
    """A piece of an operation's log: whole lines. `seq` counts from 1 without gaps; a cursor is the last one read."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="chunks")
    seq = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(name="one_chunk_per_number", fields=["operation", "seq"])]

    def __str__(self) -> str:
        return f"{self.operation_id} #{self.seq}"
