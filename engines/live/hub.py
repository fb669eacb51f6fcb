"""One reader per operation and process: it reads the log once, however many sockets watch.

A frame is encoded once and kept for a moment. A socket takes frames at its own pace by its own cursor; one that
has fallen behind what is kept reads the database itself. So no queue grows, and nobody waits for the slowest.
"""

import asyncio
import contextlib
import json
import logging
import uuid
from collections import OrderedDict
from dataclasses import asdict

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from engines import hints
from engines.live.database import ask
from engines.operations import queries
from engines.operations.queries import LogPart, Snapshot

log = logging.getLogger(__name__)

_KEPT_CHARACTERS = 4 << 20
#: Hints may be lost: the reader looks by itself this often.
_LOOK_SECONDS = 2.0


def chunk_frame(part: LogPart) -> str:
    """The JSON frame of a piece of log."""
    return json.dumps({"type": "chunk", **asdict(part)}, separators=(",", ":"))


class Reader:
    """The log and state of one operation, as far as it was read; `changed` is set and replaced at each advance."""

    def __init__(self, operation_id: uuid.UUID) -> None:
        self.operation_id = operation_id
        self.snapshot: Snapshot | None = None
        #: Cursor up to which `snapshot` is known to be complete: a finished operation has no more log than this.
        self.latest = -1
        self.changed = asyncio.Event()
        self.watchers = 0
        #: The reader ended by an error: sockets close, and the browsers come again.
        self.broken = False
        self._kept = 0
        self._frames: OrderedDict[int, tuple[int, str]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    def start(self, cursor: int) -> None:
        """Begin reading at `cursor`."""
        self.latest = cursor
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        """End the reader: nobody watches any more."""
        if self._task is not None:
            self._task.cancel()

    async def frame_after(self, cursor: int) -> tuple[int, str] | None:
        """The next cursor and frame after `cursor`; None when that is all so far."""
        kept = self._frames.get(cursor)
        if kept is not None:
            return kept
        if cursor >= self.latest:
            return None
        part = await ask(queries.read_log, self.operation_id, cursor)
        return (part.next, chunk_frame(part)) if part.next > cursor else None

    async def _read(self) -> None:
        channel = await self._subscribe()
        try:
            while True:
                await self._catch_up()
                if self.snapshot is None or self.snapshot.is_over:
                    return
                channel = await self._wait(channel)
        finally:
            await self._unsubscribe(channel)

    async def _catch_up(self) -> None:
        # The row first: what it says is over can have no log that the reads after it miss.
        snapshot = await ask(queries.snapshot, self.operation_id)
        while True:
            part = await ask(queries.read_log, self.operation_id, self.latest)
            if part.next == self.latest:
                break
            self._keep(part)
            self.latest = part.next
            self._tell()
        # Only what differs wakes the sockets: most hints are about the log alone.
        if snapshot != self.snapshot:
            self.snapshot = snapshot
            self._tell()

    def _keep(self, part: LogPart) -> None:
        frame = chunk_frame(part)
        self._frames[part.after] = (part.next, frame)
        self._kept += len(frame)
        while self._kept > _KEPT_CHARACTERS and len(self._frames) > 1:
            _, (_, oldest) = self._frames.popitem(last=False)
            self._kept -= len(oldest)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("the reader of operation %s broke", self.operation_id, exc_info=task.exception())
            self.broken = True
            self._tell()

    def _tell(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def _subscribe(self) -> str | None:
        layer = get_channel_layer()
        try:
            channel: str = await layer.new_channel()
            await layer.group_add(hints.operation_group(self.operation_id), channel)
        except (OSError, RedisError):
            return None
        return channel

    async def _unsubscribe(self, channel: str | None) -> None:
        # Else this process would hear of the operation until it ends.
        if channel is not None:
            with contextlib.suppress(OSError, RedisError):
                await get_channel_layer().group_discard(hints.operation_group(self.operation_id), channel)

    async def _wait(self, channel: str | None) -> str | None:
        """Until a hint comes or it is time to look; the channel to go on with."""
        if channel is None:
            await asyncio.sleep(_LOOK_SECONDS / 4)
            return await self._subscribe()
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await get_channel_layer().receive(channel)
        except TimeoutError:
            pass
        except (OSError, RedisError):
            return None
        return channel


_readers: dict[uuid.UUID, Reader] = {}


def join(operation_id: uuid.UUID, cursor: int) -> Reader:
    """The reader of this operation, started when this is its first watcher. Pair with `leave`."""
    reader = _readers.get(operation_id)
    if reader is None:
        reader = _readers[operation_id] = Reader(operation_id)
        reader.start(cursor)
    reader.watchers += 1
    return reader


def leave(reader: Reader) -> None:
    """One watcher fewer; the last one ends the reader."""
    reader.watchers -= 1
    if reader.watchers == 0:
        reader.stop()
        if _readers.get(reader.operation_id) is reader:
            del _readers[reader.operation_id]
