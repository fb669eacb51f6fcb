"""A small server whose sockets follow a script, with the console's own modules and style sheets, under its policy."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web

STATIC = Path(__file__).resolve().parents[2] / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'"
)

#: What one socket does, given the cursor it was opened with (0 without one). Returning closes it with code 1000.
Script = Callable[[web.WebSocketResponse, int], Awaitable[None]]


class ScriptedServer:
    """Serves one page at `url`. `cursors` are those of the sockets opened so far.

    Each socket plays its script of `scripts`, in turn; the last one again and again.
    """

    def __init__(self, body: str, module: str, *scripts: Script) -> None:
        self.cursors: list[int] = []
        self.url = ""
        sheets = "".join(f'<link rel="stylesheet" href="/static/css/{path.name}">' for path in _sheets())
        self._page = (
            f'<!doctype html><html lang="en"><head><title>Scripted</title>{sheets}'
            f'<script type="module" src="/static/js/{module}"></script></head>{body}</html>'
        )
        self._scripts = scripts
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()], daemon=True)

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def tell(self, event: asyncio.Event) -> None:
        """Set `event`, for which a script waits."""
        self._loop.call_soon_threadsafe(event.set)

    def cut(self) -> None:
        """Close all sockets that are open, as a server does that goes away."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    async def _cut(self) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.SERVICE_RESTART)

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        app = web.Application()
        app.add_routes([web.get("/ws/{rest:.*}", self._socket), web.static("/static", STATIC)])
        app.add_routes([web.get("/{rest:.*}", self._document)])
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._started.set()
        await self._stop.wait()
        await self._cut()
        await runner.cleanup()

    async def _document(self, request: web.Request) -> web.Response:
        if request.path == "/favicon.ico":
            raise web.HTTPNoContent
        headers = {"Content-Security-Policy": POLICY}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        script = self._scripts[min(len(self.cursors), len(self._scripts) - 1)]
        cursor = int(request.query.get("after", "0"))
        self.cursors.append(cursor)
        self._sockets.add(socket)
        try:
            with suppress(ConnectionError):
                await script(socket, cursor)
            await socket.close()
        finally:
            self._sockets.discard(socket)
        return socket


async def chunk(socket: web.WebSocketResponse, after: int, *lines: str) -> None:
    """Send `lines` as the chunk that follows cursor `after`; each line counts one."""
    text = "".join(f"{line}\n" for line in lines)
    await socket.send_json({"type": "chunk", "after": after, "next": after + len(lines), "text": text})


async def progress(socket: web.WebSocketResponse, *items: dict[str, object], unit: str = "steps") -> None:
    over = sum(item["state"] in {"done", "cached", "error"} for item in items)
    value = {"unit": unit, "current": over, "total": len(items), "items": list(items)}
    await socket.send_json({"type": "progress", "progress": value})


async def finished(socket: web.WebSocketResponse, status: str = "SUCCEEDED") -> None:
    await socket.send_json({"type": "finished", "status": status})


async def stay(socket: web.WebSocketResponse) -> None:
    """Keep the socket open until the other side, or the test, closes it."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


def _sheets() -> list[Path]:
    # The layers are declared by the first.
    return [STATIC / "css" / f"{name}.css" for name in ("tokens", "base", "layout", "parts", "log")]
