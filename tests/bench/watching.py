"""P6: the watcher with 200 simulated engines: memory, and processor time while idle."""

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from aiohttp import web

from tests.bench.report import Line
from tests.stack import Stack

Handler = Callable[[web.Request], Awaitable[web.Response]]

_ENGINES = 200
_IDLE_SECONDS = 15
_ADD = """
from engines.models import Engine
Engine.objects.bulk_create(
    Engine(name=f"Sim {{n}}", slug=f"sim-{{n}}", url="unix://{path}", api_version="1.41") for n in range({count})
)
"""
_UP = 'from engines.models import EngineState\nprint(EngineState.objects.filter(status="UP").count())\n'


def measure(stack: Stack) -> list[Line]:
    """In a console of its own, with nothing else to do."""
    with simulated() as path:
        stack.manage(script=_ADD.format(path=path, count=_ENGINES))
        deadline = time.monotonic() + 60
        while int(stack.manage(script=_UP).strip().splitlines()[-1]) < _ENGINES:
            assert time.monotonic() < deadline, "not every engine came up"
        [pid] = stack.children("manage.py\0watch")
        busy = _cpu(pid)
        time.sleep(_IDLE_SECONDS)
        share = (_cpu(pid) - busy) / _IDLE_SECONDS * 100
        rss = _rss(pid)
    return [
        Line("P6", f"watcher, {_ENGINES} engines: resident memory", f"{rss:.0f} MB", rss, 150, "MB"),
        Line("P6", f"watcher, {_ENGINES} engines, idle: share of a core", f"{share:.1f} %", share, 2, "%"),
    ]


@contextlib.contextmanager
def simulated(listing: Handler | None = None) -> Iterator[Path]:
    """A server that answers as a quiet engine does, in a thread of its own; `listing` answers for its containers."""
    with tempfile.TemporaryDirectory(prefix="sim-", dir="/tmp") as directory:
        path = Path(directory) / "e.sock"
        loop = asyncio.new_event_loop()
        ready = threading.Event()

        runner = web.AppRunner(_app(listing), shutdown_timeout=0.1)

        async def serve() -> None:
            await runner.setup()
            await web.UnixSite(runner, str(path)).start()
            ready.set()

        thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.run_forever()), daemon=True)
        thread.start()
        ready.wait(10)
        yield path
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)


def _app(listing: Handler | None) -> web.Application:
    async def info(_: web.Request) -> web.Response:
        return web.json_response({"ServerVersion": "1", "NCPU": 1})

    async def ping(_: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(3600)
        return response

    app = web.Application()
    app.router.add_get("/{version}/info", info)
    app.router.add_get("/{version}/events", events)
    app.router.add_get("/{version}/_ping", ping)
    if listing:
        app.router.add_get("/{version}/containers/json", listing)
    return app


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _rss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
