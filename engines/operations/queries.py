"""Reads of operations and their logs."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import Length

from engines.models import LogChunk, Operation
from engines.operations.kinds import KINDS

#: About as much text as one frame or one block of a download holds.
BATCH_CHARACTERS = 512 * 1024
_BATCH_ROWS = 64
_TAIL_ROWS = 40


@dataclass(frozen=True)
class LogPart:
    """Log text after cursor `after` up to cursor `next`; both equal when there was nothing new."""

    after: int
    next: int
    text: str


@dataclass(frozen=True)
class Snapshot:
    """What a watcher needs of the row beside the log."""

    status: str
    sentence: str
    progress: dict[str, Any]
    is_over: bool


def read_log(operation_id: uuid.UUID, after: int) -> LogPart:
    """The next batch of the log after cursor `after`."""
    texts, size, cursor = [], 0, after
    rows = LogChunk.objects.filter(operation_id=operation_id, seq__gt=after).order_by("seq")
    for seq, text in rows.values_list("seq", "text")[:_BATCH_ROWS]:
        texts.append(text)
        cursor, size = seq, size + len(text)
        if size >= BATCH_CHARACTERS:
            break
    return LogPart(after, cursor, "".join(texts))


def snapshot(operation_id: uuid.UUID) -> Snapshot | None:
    """The present state of the row, or None when it is gone."""
    operation = Operation.objects.filter(pk=operation_id).only("status", "sentence", "progress").first()
    if operation is None:
        return None
    return Snapshot(operation.status, operation.sentence, operation.progress, operation.is_over)


async def whole_log(operation_id: uuid.UUID) -> AsyncIterator[str]:
    """The log as it stands, in pieces: the same text whether the operation runs or is over."""
    rows = LogChunk.objects.filter(operation_id=operation_id).order_by("seq")
    async for text in rows.values_list("text", flat=True).aiterator(chunk_size=_BATCH_ROWS):
        yield text


def log_tail(operation_id: uuid.UUID) -> str:
    """The last lines, for a page without scripts."""
    rows = LogChunk.objects.filter(operation_id=operation_id).order_by("-seq")
    texts = reversed(rows.values_list("text", flat=True)[:_TAIL_ROWS])
    return "\n".join("".join(texts).splitlines()[-200:])


def log_characters(operation_id: uuid.UUID) -> int:
    """How long the log is."""
    total = LogChunk.objects.filter(operation_id=operation_id).aggregate(size=Sum(Length("text")))["size"]
    return int(total or 0)


def filtered(operations: QuerySet[Operation], *, status: str, kind: str, engine: str, text: str) -> QuerySet[Operation]:
    """`operations` narrowed by what the list's form says; empty values narrow nothing."""
    if status in Operation.Status.values:
        operations = operations.filter(status=status)
    if kind in KINDS:
        operations = operations.filter(kind=kind)
    if engine:
        operations = operations.filter(engine__slug=engine)
    if text:
        operations = operations.filter(title__icontains=text)
    return operations
