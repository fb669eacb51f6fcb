"""P8: what the console adds to the echo of a key, over the engine's own exec stream; and what a terminal costs that
floods a browser which never reads."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed

from engines.client.connect import call, connect
from engines.client.hijack import Hijacked
from tests.bench.report import Line, quantile
from tests.rig.hosts import Host
from tests.stack import Browser, Stack

_KEYS = 300
_STALLED = 8
_FLOOD_SECONDS = 6
#: Every key comes back from a process, not from the kernel.
_ECHO = "sh -c 'stty raw -echo; echo ready; exec cat'"

Typed = Callable[[bytes], Awaitable[None]]
Shown = Callable[[], Awaitable[bytes]]


def measure(stack: Stack, browser: Browser, host: Host, slug: str) -> Iterator[Line]:
    """One container, both ways in turn."""
    client = connect(host.endpoint)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    made = call(client, "POST", "/containers/create", params={"name": "bench-terminal"}, body=body)
    container = made["Id"] if isinstance(made, dict) else ""
    call(client, "POST", f"/containers/{container}/start")
    try:
        address = f"ws{stack.url.removeprefix('http')}/ws/engines/{slug}/containers/{container}/terminal/"
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies)
        yield from asyncio.run(_echo(host, container, address, cookie, stack.url))
        yield asyncio.run(_stalled(stack, address, cookie))
    finally:
        call(client, "DELETE", f"/containers/{container}", params={"force": "1"})


async def _echo(host: Host, container: str, address: str, cookie: str, origin: str) -> list[Line]:
    async with (
        _raw(host, container) as (type_raw, show_raw),
        _terminal(address, cookie, origin, _ECHO) as (typed, shown),
    ):
        theirs, ours = [], []
        for _ in range(_KEYS):
            theirs.append(await _once(type_raw, show_raw))
            ours.append(await _once(typed, shown))
    p50, p95 = quantile(ours, 0.5), quantile(ours, 0.95)
    raw50, raw95 = quantile(theirs, 0.5), quantile(theirs, 0.95)
    figure = f"p50 {p50:.1f}, p95 {p95:.1f} ms; raw p50 {raw50:.1f}, p95 {raw95:.1f}"
    return [Line("P8", "echo of a key in a terminal: p95 over the raw stream, ms", figure, p95 - raw95, 15, "ms")]


async def _once(typed: Typed, shown: Shown) -> float:
    """Milliseconds from one key to its echo."""
    began = time.perf_counter()
    await typed(b"x")
    while b"x" not in await shown():
        pass
    took = (time.perf_counter() - began) * 1000
    # As fast as a person types.
    await asyncio.sleep(0.02)
    return took


@contextlib.asynccontextmanager
async def _raw(host: Host, container: str) -> AsyncIterator[tuple[Typed, Shown]]:
    client = connect(host.endpoint)
    words = ["sh", "-c", "stty raw -echo; echo ready; exec cat"]
    body = {"Cmd": words, "Tty": True, "AttachStdin": True, "AttachStdout": True}
    made = call(client, "POST", f"/containers/{container}/exec", body=body)
    identity = made["Id"] if isinstance(made, dict) else ""
    async with Hijacked(host.endpoint, f"/exec/{identity}/start", body={"Tty": True}) as stream:
        while b"ready" not in await stream.read():
            pass
        yield stream.write, stream.read


@contextlib.asynccontextmanager
async def _terminal(address: str, cookie: str, origin: str, command: str) -> AsyncIterator[tuple[Typed, Shown]]:
    async with _dialled(address, cookie, origin, command) as socket:

        async def shown() -> bytes:
            message = await socket.recv()
            return message if isinstance(message, bytes) else b""

        while b"ready" not in await shown():
            pass
        yield socket.send, shown


@contextlib.asynccontextmanager
async def _dialled(address: str, cookie: str, origin: str, command: str) -> AsyncIterator[ClientConnection]:
    headers = {"Cookie": cookie}
    start = {"type": "start", "mode": "exec", "shell": "own", "command": command, "cols": 80, "rows": 24}
    async with dial(address, additional_headers=headers, origin=origin, compression=None, proxy=None) as socket:
        await socket.send(json.dumps(start))
        yield socket
        # Ended, not left: it would wait for its browser, and an engine whose stream is not read removes no container.
        with contextlib.suppress(ConnectionClosed):
            await socket.send('{"type":"end"}')
            async for _ in socket:
                pass


async def _stalled(stack: Stack, address: str, cookie: str) -> Line:
    [web] = stack.children("console.web")
    async with contextlib.AsyncExitStack() as opened:
        # What the first one alone loads is not the price of each.
        async with _dialled(address, cookie, stack.url, "true") as first:
            async for _ in first:
                pass
        before, most = _rss(web), 0.0
        sockets = [
            await opened.enter_async_context(_dialled(address, cookie, stack.url, "yes")) for _ in range(_STALLED)
        ]
        began = time.monotonic()
        while time.monotonic() - began < _FLOOD_SECONDS:
            await asyncio.sleep(0.2)
            most = max(most, _rss(web))
        # At once: one after the other would take longer than a browser may go without reading.
        await asyncio.gather(*(socket.send('{"type":"end"}') for socket in sockets))
    each = (most - before) / _STALLED
    figure = f"{_STALLED} terminals, {before:.0f} MB before, {most:.0f} MB at most"
    return Line("P8", "terminal that floods a browser that never reads: MB of each", figure, each, 4, "MB")


def _rss(pid: int) -> float:
    """Resident memory in MB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
