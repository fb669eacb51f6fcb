"""Runs one operation in a worker: the work, its log and its keeper side by side; the first to end decides."""

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar, cast

from django.db import DatabaseError, connections
from django.utils.module_loading import import_string

from engines import hints, reach
from engines.client.errors import EngineError
from engines.client.stream import AsyncEngine
from engines.models import Engine, Operation
from engines.operations import sealed
from engines.operations.job import Job, OperationFailed
from engines.operations.kinds import KINDS
from engines.operations.ledger import FenceLost, Ledger, claim
from engines.operations.log import LogWriter
from engines.secrets import SecretUnreadable

log = logging.getLogger(__name__)
Status = Operation.Status
T = TypeVar("T")
Work = Callable[[Job], Awaitable[dict[str, Any]]]

#: Set when this worker is told to stop: every operation it runs ends at once, with a sentence.
STOPPING = threading.Event()

_LOOK_SECONDS = 0.25
#: How often it says that it is alive, and asks whether its starter still may: withdrawn rights end it within 5 s.
_BEAT_SECONDS = 4
#: An engine that answers none of this many pings in a row, this many seconds apart, is given up.
_VIGIL_SECONDS = 10
_VIGIL_MISSES = 3


class _Cancelled(Exception):
    """Somebody asked to cancel, or may not run this any more."""


class _WorkerStopping(Exception):
    """This worker is told to stop."""


def execute(operation_id: uuid.UUID) -> None:
    """Claim the operation and run it to its end. Does nothing when it is not there to be claimed."""
    operation = claim(operation_id)
    if operation is None:
        return
    # One thread with one database connection writes all of it, in order.
    with ThreadPoolExecutor(1, thread_name_prefix=f"operation-{operation_id.hex[:8]}") as thread:
        try:
            asyncio.run(_Run(operation, thread).to_the_end())
        finally:
            thread.submit(connections.close_all).result()


class _Run:
    def __init__(self, operation: Operation, thread: ThreadPoolExecutor) -> None:
        self._operation = operation
        self._thread = thread
        self._ledger = Ledger(operation)
        self._log = LogWriter(self._append)
        self._requests: list[dict[str, Any]] = []

    async def to_the_end(self) -> None:
        """Run, and write the one final status."""
        await self._announce_row()
        try:
            status, sentence, result = await self._outcome()
            sentence += await self._end_of_log()
            if await self._sync(self._ledger.finish, status, sentence, result, self._requests):
                await self._announce()
                await self._announce_row()
        except FenceLost:
            log.warning("operation %s was ended by somebody else", self._operation.pk)

    async def _end_of_log(self) -> str:
        """Store what is left of the log; a sentence when that fails, since the work itself may have succeeded."""
        try:
            await self._log.flush()
        except DatabaseError:
            log.exception("the end of the log of operation %s was not stored", self._operation.pk)
            return " The end of its log could not be stored."
        return ""

    async def _outcome(self) -> tuple[Status, str, dict[str, Any]]:
        try:
            return Status.SUCCEEDED, "", await self._work_beside_keeper()
        except FenceLost:
            raise
        except OperationFailed as failure:
            return Status.FAILED, str(failure), failure.result
        except (EngineError, SecretUnreadable) as failure:
            return Status.FAILED, str(failure), {}
        except _Cancelled as reason:
            return Status.CANCELLED, str(reason), {}
        except _WorkerStopping:
            return Status.LOST, "The console was stopped while this ran. Run it again.", {}
        except Exception:
            # The trace is for the console's own log; it may hold what a viewer must not see.
            log.exception("operation %s failed unexpectedly", self._operation.pk)
            return Status.FAILED, "The console itself failed while running this; its own log says why.", {}

    async def _work_beside_keeper(self) -> dict[str, Any]:
        await self._ask_rights()
        endpoint = await self._sync(reach.endpoint, cast(Engine, self._operation.engine))
        spec = sealed.opened(self._operation)
        function: Work = import_string(KINDS[self._operation.kind].function)
        engine, beating = AsyncEngine(endpoint), asyncio.ensure_future(self._beat())
        try:
            async with engine:
                job = Job(self._operation.pk, spec, endpoint, engine, self._log)
                return await first(
                    function(job), self._keep(), self._log.pump(), engine.vigil(_VIGIL_SECONDS, _VIGIL_MISSES)
                )
        finally:
            beating.cancel()
            self._requests = [asdict(request) for request in engine.requests if not request.path.endswith("/_ping")]

    async def _keep(self) -> None:
        """Ends by raising: cancelled, not permitted any more, worker stopping, or fence lost."""
        asked = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if STOPPING.is_set():
                raise _WorkerStopping
            if await self._sync(self._ledger.cancel_requested):
                raise _Cancelled("")
            if time.monotonic() - asked > _BEAT_SECONDS:
                asked = time.monotonic()
                await self._ask_rights()

    async def _beat(self) -> None:
        """Says that it is alive, also while what was cancelled is put right. The keeper tells what goes wrong."""
        with suppress(FenceLost):
            while True:
                await asyncio.sleep(_BEAT_SECONDS)
                with suppress(DatabaseError):
                    await self._sync(self._ledger.beat)

    async def _ask_rights(self) -> None:
        if reason := await self._sync(self._ledger.withdrawn):
            raise _Cancelled(reason)

    async def _append(self, chunks: list[str], progress: dict[str, Any] | None) -> None:
        await self._sync(self._ledger.append, chunks, progress)
        await self._announce()

    async def _announce(self) -> None:
        await hints.try_to(hints.announce_advance, self._operation.pk)

    async def _announce_row(self) -> None:
        if self._operation.engine_id is not None:
            await hints.try_to(hints.announce_change, self._operation.engine_id, "operations")

    async def _sync(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


async def first(main: Awaitable[T], *others: Awaitable[object]) -> T:
    """The result of `main`, with `others` running beside it; the first to raise ends all."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in (main, *others)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # An error of the keeper counts before the broken stream that it may have caused.
        for task in [*tasks[1:], tasks[0]]:
            if task.done():
                task.result()
        return tasks[0].result()  # type: ignore[return-value]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
