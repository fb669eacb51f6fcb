"""The row of a running operation, written by whoever holds its fence and by nobody else."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from engines import access
from engines.models import LogChunk, Operation
from engines.operations.kinds import KINDS
from engines.trail import write as trail

Status = Operation.Status

#: A running operation that has not been heard of for this long has lost its worker.
LOST_AFTER = timedelta(seconds=30)
LOST_SENTENCE = "Its worker stopped without a word. What the engine had done by then stays; run it again."


class FenceLost(Exception):
    """Somebody else has ended this operation: stop, and write nothing more."""


class Ledger:
    """Synchronous; used from one thread of the worker. Every write is conditional on status RUNNING and our fence."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._seq = LogChunk.objects.filter(operation=operation).count()
        self._mine = Operation.objects.filter(pk=operation.pk, status=Status.RUNNING, fence=operation.fence)

    def append(self, chunks: list[str], progress: dict[str, Any] | None) -> None:
        """Add `chunks` to the log, and replace the progress unless None, in one transaction. Raises FenceLost."""
        changes: dict[str, Any] = {"heartbeat_at": timezone.now()}
        if progress is not None:
            changes["progress"] = progress
        with transaction.atomic():
            if not self._mine.update(**changes):
                raise FenceLost
            LogChunk.objects.bulk_create(
                LogChunk(operation=self.operation, seq=self._seq + number, text=text)
                for number, text in enumerate(chunks, start=1)
            )
        self._seq += len(chunks)

    def beat(self) -> None:
        """Say that the operation is alive. Raises FenceLost."""
        if not self._mine.update(heartbeat_at=timezone.now()):
            raise FenceLost

    def cancel_requested(self) -> bool:
        """Whether somebody asked to cancel. Raises FenceLost."""
        row = self._mine.values_list("cancel_requested_at", flat=True).first()
        if row is None and not self._mine.exists():
            raise FenceLost
        return row is not None

    def withdrawn(self) -> str:
        """Why this may not go on, as a sentence; empty while it may. Rights are asked again at every step."""
        operation = Operation.objects.select_related("created_by", "engine").get(pk=self.operation.pk)
        starter, engine = operation.created_by, operation.engine
        if engine is None:
            return f"{operation.engine_name} was removed from this console."
        if not engine.enabled:
            return f"{engine.name} was disabled."
        if starter is None:
            return f"{operation.created_by_name}, who started this, was removed from this console."
        if access.can(starter, KINDS[operation.kind].permission, engine):
            return ""
        if access.must_enrol(starter):
            return f"{operation.created_by_name}, who started this, needs a second factor first."
        return f"{operation.created_by_name}, who started this, may not do it on {engine.name} any more."

    def finish(self, status: Status, sentence: str, result: dict[str, Any], requests: list[dict[str, Any]]) -> bool:
        """End the operation, and write its outcome to the audit trail. False when somebody else already did."""
        with transaction.atomic():
            ended = self._mine.update(
                status=status, sentence=sentence, result=result, requests=requests, finished_at=timezone.now()
            )
            if ended:
                trail.conclude_operation(self.operation.pk, status, sentence, requests)
        return bool(ended)


def claim(operation_id: uuid.UUID) -> Operation | None:
    """Take a queued operation. None when there is nothing to take: started already, cancelled, or gone."""
    now = timezone.now()
    fence = uuid.uuid4()
    taken = Operation.objects.filter(pk=operation_id, status=Status.QUEUED).update(
        status=Status.RUNNING, fence=fence, started_at=now, heartbeat_at=now
    )
    if not taken:
        return None
    return Operation.objects.select_related("engine", "created_by").get(pk=operation_id)


def end_lost() -> list[uuid.UUID]:
    """End as LOST every running operation whose worker has gone silent; their ids."""
    silent = Operation.objects.filter(status=Status.RUNNING, heartbeat_at__lt=timezone.now() - LOST_AFTER)
    lost = []
    for pk, fence in silent.values_list("pk", "fence"):
        with transaction.atomic():
            ended = silent.filter(pk=pk, fence=fence).update(
                status=Status.LOST, sentence=LOST_SENTENCE, finished_at=timezone.now()
            )
            if ended:
                trail.conclude_operation(pk, Status.LOST, LOST_SENTENCE)
        if ended:
            lost.append(pk)
    return lost
