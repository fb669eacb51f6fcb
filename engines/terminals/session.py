"""Terminals that are open in this process. One outlives its socket for a minute, so that a browser that lost the
network comes back to the same shell, with nothing lost and nothing doubled.

Nothing grows. What was shown and not yet seen by the browser is at most UNSEEN_BYTES: then the engine is not read, and
what the process shows waits there. What was typed and not yet taken by the engine is at most UNTAKEN_BYTES.
"""

import asyncio
import contextvars
import functools
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings

from engines.client.endpoint import Endpoint
from engines.client.errors import EngineError, EngineReplied
from engines.client.record import recording
from engines.terminals import book
from engines.terminals.actions import Opening
from engines.terminals.cast import Cast, Full
from engines.terminals.process import Process, ended, started, vigil
from engines.terminals.types import Ending, Size

log = logging.getLogger(__name__)

UNSEEN_BYTES = 128 << 10
UNTAKEN_BYTES = 256 << 10
#: What a page that is opened again is shown of what was there before.
KEPT_BYTES = 256 << 10
#: How long a terminal waits for its browser to come back.
AWAY_SECONDS = 60
#: A browser that lets the process wait for this long is taken for one that is away: an engine whose stream is not read
#: may take 20 s to remove that container (measured).
STALLED_SECONDS = 15
#: While nobody is there to be asked, rights are asked after this often.
RECHECK_SECONDS = 4
#: Of one person, in this process.
MOST = 8
_WARN_SECONDS = 60
#: Ending takes one second; the supervisor kills what has not ended after 8.
_STOP_SECONDS = 4
_TICK_SECONDS = 0.5
_PIECE_BYTES = 32 << 10

LEFT = Ending("left", "It was left.")
WITHDRAWN = Ending("withdrawn", "Its person was logged out, or may not any more.")
UNOPENED = Ending("unopened", "Its browser was gone before it was open.")
_STOPPED = Ending("stopped", "The console ended.")
_IDLE = Ending("idle", "Nothing was typed for too long.")
_FULL = Ending("full", "Its recording is as long as one may be.")
_UNWRITTEN = Ending("broken", "Its recording could not be written.")
_BROKEN = Ending("broken", "The console made a mistake.")


class TooMany(Exception):
    """The person has as many terminals open as one may."""


class TooMuch(Exception):
    """More was typed than was asked for, or seen than was shown."""


class Session:
    """One terminal. `owner` is who may come back to it: user, login, engine and container."""

    #: Once it was started.
    opening: Opening

    def __init__(self, begin: Callable[[], Opening], owner: tuple[object, ...], may: Callable[[], bool]) -> None:
        """`begin` writes down what is opened, `may` says whether the owner still may; both in a thread."""
        self.key = secrets.token_urlsafe(24)
        self.owner = owner
        #: Set and replaced whenever something below changes.
        self.changed = asyncio.Event()
        self.ending: Ending | None = None
        self.seconds_left: int | None = None
        #: Bytes typed: as they came in, and as the engine took them.
        self.accepted = self.taken = 0
        #: Bytes shown: the first one that is kept, how many were seen, and how many there are.
        self.kept_from = self.seen = self.shown = 0
        self.viewer: object | None = None
        self._begin, self._may = begin, may
        self._kept, self._typed = bytearray(), bytearray()
        self._room, self._input, self._resized = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._size: Size | None = None
        self._last_typed = self._last_seen = self._alone_since = time.monotonic()
        self._stop: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._cast: Cast | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open it. Raises what `begin` raises, EngineError and OSError; TooMany, and then nothing was begun.

        Once it is begun it goes on without whoever waits here, so that its end is written down.
        """
        if sum(each.owner[0] == self.owner[0] and each.ending is None for each in _open.values()) >= MOST:
            raise TooMany
        _open[self.key] = self
        self._task = asyncio.create_task(self._live())
        await asyncio.shield(self._ready)

    def join(self, viewer: object, seen: int | None) -> None:
        """`viewer` looks at it from now on, and nobody else. One that has seen nothing is shown what is kept."""
        self.viewer, self._last_seen = viewer, time.monotonic()
        self.seen = seen if seen is not None and self.kept_from <= seen <= self.shown else self.kept_from
        self._room.set()
        self._tell()

    def leave(self, viewer: object) -> None:
        """`viewer` is gone, and may come back."""
        if self.viewer is viewer:
            self.viewer, self._alone_since = None, time.monotonic()

    def end(self, ending: Ending) -> None:
        """End it, unless it ends already."""
        if not self._stop.done():
            self._stop.set_result(ending)

    async def over(self) -> None:
        """Once it has ended and that is written down."""
        if self._task is not None:
            await asyncio.shield(self._task)

    def type(self, data: bytes) -> None:
        """Take what was typed. Raises TooMuch."""
        if len(self._typed) + len(data) > UNTAKEN_BYTES:
            raise TooMuch
        self.accepted += len(data)
        self._typed += data
        self.stay()
        self._input.set()

    def stay(self) -> None:
        """Somebody is there, though nothing was typed."""
        self._last_typed = time.monotonic()

    def see(self, count: int) -> None:
        """The browser has got that many bytes of what was shown. Raises TooMuch."""
        if not self.seen <= count <= self.shown:
            raise TooMuch
        self.seen = count
        self._last_seen = time.monotonic()
        self._room.set()

    def resize(self, size: Size) -> None:
        self._size = size
        self._resized.set()

    def after(self, count: int) -> bytes:
        """What was shown after the first `count` bytes, as far as it is kept and in a piece one may send."""
        return bytes(self._kept[count - self.kept_from :][:_PIECE_BYTES])

    async def _live(self) -> None:
        try:
            self.opening = await asyncio.to_thread(self._begin)
        except Exception as error:
            _open.pop(self.key, None)
            self._ready.set_exception(error)
            return
        began = time.monotonic()
        with recording() as requests:
            try:
                ending = self._stop.result() if self._stop.done() else await self._opened()
            except Exception as error:
                ending = _failed(error)
                if not self._ready.done():
                    self._ready.set_exception(error)
        if not self._ready.done():
            self._ready.set_result(None)
        ending = await self._recorded(ending)
        self.ending = ending
        self._tell()
        # Whoever comes back still learns how it ended.
        asyncio.get_running_loop().call_later(AWAY_SECONDS, _open.pop, self.key, None)
        opening, seconds = self.opening, time.monotonic() - began
        conclude = functools.partial(book.concluded, opening.intent, opening.recording, self._cast, ending)
        await asyncio.to_thread(conclude, seconds=seconds, shown_bytes=self.shown, requests=requests)

    async def _opened(self) -> Ending:
        """Open it, and how it ended. Raises EngineError and OSError when it could not be opened."""
        self._cast = await asyncio.to_thread(self.opening.cast)
        async with started(self.opening.endpoint, self.opening.container, self.opening.asked) as process:
            self._ready.set_result(None)
            return await self._ended(process)

    async def _ended(self, process: Process) -> Ending:
        """How it ended; what then still runs of it is ended as well."""
        try:
            ending = await self._until_ended(process)
        except asyncio.CancelledError:
            ending = _STOPPED
        if ending.reason == "exited" or not self.opening.asked.words or await ended(process):
            return ending
        return Ending(ending.reason, f"{ending.sentence} Its process may still run.")

    async def _recorded(self, ending: Ending) -> Ending:
        if self._cast is not None:
            try:
                await asyncio.to_thread(self._cast.close)
            except OSError:
                return _UNWRITTEN
        return ending

    async def _until_ended(self, process: Process) -> Ending:
        """Pass on both ways until something ends it."""
        # With a context of their own: pings and sizes are not what the trail keeps.
        aside = contextvars.Context()
        beside = [
            asyncio.create_task(self._pass_in(process)),
            asyncio.create_task(self._pass_sizes(process), context=aside),
        ]
        deciding: list[asyncio.Task[Ending]] = [
            asyncio.create_task(self._pass_out(process)),
            asyncio.create_task(self._watch()),
            asyncio.create_task(_lost(self.opening.endpoint), context=aside.copy()),
            asyncio.create_task(self._record()),
        ]
        try:
            done, _ = await asyncio.wait([*deciding, self._stop], return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in (*beside, *deciding):
                task.cancel()
            await asyncio.gather(*beside, *deciding, return_exceptions=True)

    async def _pass_out(self, process: Process) -> Ending:
        try:
            while runs := await process.read():
                for stream, data in runs:
                    if self._cast is not None:
                        await self._cast.show(stream, data)
                    self._show(data)
                while self._is_full:
                    self._room.clear()
                    await self._room.wait()
            code = await process.exit_code()
        except EngineReplied:
            return Ending("gone", "The container is gone, or the engine was started anew.")
        except EngineError as error:
            return Ending("lost", str(error))
        if code is None:
            return Ending("lost", "The engine does not pass it on any more.")
        return Ending("exited", f"It ended with exit code {code}.", code)

    @property
    def _is_full(self) -> bool:
        """Whether the process waits for the browser."""
        return self.shown - self.seen >= UNSEEN_BYTES

    def _show(self, data: bytes) -> None:
        self._kept += data
        self.shown += len(data)
        # Never of what was not seen yet.
        surplus = min(len(self._kept) - KEPT_BYTES, self.seen - self.kept_from)
        if surplus > 0:
            del self._kept[:surplus]
            self.kept_from += surplus
        self._tell()

    async def _pass_in(self, process: Process) -> None:
        with suppress(EngineError):
            while True:
                while not self._typed:
                    self._input.clear()
                    await self._input.wait()
                piece = bytes(self._typed[:_PIECE_BYTES])
                await process.write(piece)
                del self._typed[: len(piece)]
                self.taken += len(piece)
                self._tell()

    async def _pass_sizes(self, process: Process) -> None:
        size: Size | None = self.opening.asked.size
        while True:
            if size is not None and self.opening.tty:
                if self._cast is not None:
                    self._cast.resize(size)
                with suppress(EngineError):
                    await process.resize(size)
            await self._resized.wait()
            self._resized.clear()
            size, self._size = self._size, None

    async def _watch(self) -> Ending:
        """Until nobody types for too long, or comes back in time, or may any more."""
        asked = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            left = settings.TERMINAL_IDLE_SECONDS - (now - self._last_typed)
            warned = round(left) if left <= min(_WARN_SECONDS, settings.TERMINAL_IDLE_SECONDS / 2) else None
            if left <= 0:
                return _IDLE
            if warned != self.seconds_left:
                self.seconds_left = warned
                self._tell()
            if self.viewer is not None:
                if self._is_full and now - self._last_seen > STALLED_SECONDS:
                    self.leave(self.viewer)
                    self._tell()
                continue
            if now - self._alone_since > AWAY_SECONDS:
                return LEFT
            if now - asked >= RECHECK_SECONDS:
                asked = now
                if not await asyncio.to_thread(self._may):
                    return WITHDRAWN

    async def _record(self) -> Ending:
        if self._cast is None:
            return await asyncio.Future()
        try:
            return await self._cast.keep()
        except Full:
            return _FULL
        except OSError:
            return _UNWRITTEN

    def _tell(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


async def _lost(endpoint: Endpoint) -> Ending:
    """Once the engine does not answer any more: a terminal may rightly be silent for hours."""
    try:
        return await vigil(endpoint)
    except EngineError as error:
        return Ending("lost", str(error))


def _failed(error: Exception) -> Ending:
    if isinstance(error, EngineError):
        return Ending("lost", str(error))
    if isinstance(error, OSError):
        return _UNWRITTEN
    log.error("a terminal broke", exc_info=error)
    return _BROKEN


_open: dict[str, Session] = {}


async def end_all() -> None:
    """End every terminal: this process is about to end, and their processes would live on."""
    going = [each for each in _open.values() if each.ending is None]
    for each in going:
        each.end(_STOPPED)
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            await asyncio.gather(*(each.over() for each in going))


def found(key: object, owner: tuple[object, ...]) -> Session | None:
    """The terminal of this key, when it is `owner`'s and goes on."""
    session = _open.get(key) if isinstance(key, str) else None
    return session if session is not None and session.owner == owner else None
