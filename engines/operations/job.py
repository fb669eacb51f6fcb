"""What the function of a kind gets to work with, and what it may raise."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engines.client.endpoint import Endpoint
from engines.client.stream import AsyncEngine
from engines.operations.log import LogWriter


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
