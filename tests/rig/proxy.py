"""A proxy between console and engine that makes the faults of networks, switchable while connections are open."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Place = Path | tuple[str, int]
Mode = Literal["pass", "stall", "blackhole", "refuse"]
_TICK_SECONDS = 0.01


class Proxy:
    """From `listen` to `upstream`, each a unix socket's path or (host, port). Use as a context manager.

    `mode`: pass; stall (open connections fall silent), blackhole (new ones are accepted and never served),
    refuse (new ones are reset). `delay` in seconds per block, `rate` in bytes/s, both ways; 0 for none.
    `cut_after`: each connection is reset after so many bytes from the engine.
    """

    def __init__(self, listen: Place, upstream: Place) -> None:
        self.mode: Mode = "pass"
        self.delay = 0.0
        self.rate = 0.0
        self.cut_after: int | None = None
        self.accepted = 0
        self.listen = listen
        self._upstream = upstream
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        if not isinstance(self.listen, Path):
            self.listen = self._server.sockets[0].getsockname()[:2]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def kill_all(self) -> None:
        """Reset every open connection, on both sides; returns when it is done."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._reset_all, done.set)
        done.wait(10)

    async def _serve(self) -> asyncio.Server:
        if isinstance(self.listen, Path):
            return await asyncio.start_unix_server(self._client, self.listen)
        return await asyncio.start_server(self._client, *self.listen)

    async def _close(self) -> None:
        self._server.close()
        self._reset_all(lambda: None)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        self.accepted += 1
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._pass_on(reader, writer)
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuse":
            _reset(writer)
            return
        # Polled, because any thread may set the mode at any time.
        while self.mode == "blackhole":  # noqa: ASYNC110
            await asyncio.sleep(_TICK_SECONDS)
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            _reset(writer)
            return
        self._open.add(far_writer)
        try:
            await asyncio.gather(self._pump(reader, far_writer, None), self._pump(far_reader, writer, self._cut))
        finally:
            self._open.discard(far_writer)
            far_writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, Path):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection(*self._upstream)

    def _cut(self, sent: int, block: bytes) -> bytes | None:
        """What of `block` may still pass when this connection is to be cut within it."""
        if self.cut_after is None or sent + len(block) < self.cut_after:
            return None
        return block[: max(0, self.cut_after - sent)]

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cut: Callable[[int, bytes], bytes | None] | None,
    ) -> None:
        sent = 0
        while block := await reader.read(4096 if self.rate else 65536):
            while self.mode == "stall":  # noqa: ASYNC110
                await asyncio.sleep(_TICK_SECONDS)
            if pause := self.delay + (len(block) / self.rate if self.rate else 0):
                await asyncio.sleep(pause)
            last = cut(sent, block) if cut else None
            writer.write(block if last is None else last)
            await writer.drain()
            if last is not None:
                self._reset_all(lambda: None, {writer})
                return
            sent += len(block)
        if writer.can_write_eof():
            writer.write_eof()

    def _reset_all(self, done: Callable[[], object], only: set[asyncio.StreamWriter] | None = None) -> None:
        for writer in list(self._open if only is None else only):
            _reset(writer)
        done()


def _reset(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    if end is not None and end.family != socket.AF_UNIX:
        # The other side may have closed it already.
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
