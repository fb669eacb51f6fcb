"""What the function of a kind gets to work with, and what it may raise."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from engines.client.endpoint import Endpoint
from engines.client.stream import AsyncEngine
from engines.operations.log import LogWriter

T = TypeVar("T")


class OperationFailed(Exception):
    """The operation ends as FAILED with this sentence. `result` is kept beside it."""

    def __init__(self, sentence: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.result = result or {}


@dataclass(frozen=True)
class Job:
    """A running operation: its typed input, the way to its engine, and where to tell what happens."""

    id: UUID
    spec: dict[str, Any]
    endpoint: Endpoint
    engine: AsyncEngine
    log: LogWriter


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which goes on when this is cancelled: that is raised once it has ended.

    For what must not be left half done. The operation counts as alive meanwhile.
    """
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        # What it raised counts no more.
        _ = task.cancelled() or task.exception()
        raise cancelled
    return task.result()
