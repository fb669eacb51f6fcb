"""The log viewer on a page of its own, its sockets played by scripts, and what such a socket sends."""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from aiohttp import web
from django.template.loader import render_to_string

OUT, ERR = 1, 2
START = datetime(2026, 11, 25, 7, tzinfo=UTC)
SHEET = '<link rel="stylesheet" href="/static/css/logview.css">'


def body(*names: str) -> str:
    """The page's body, with the log of containers of these names."""
    sources = [
        {"id": name * 8, "name": name, "socket": f"/ws/{name}/", "download": f"/{name}/download/", "page": f"/{name}/"}
        for name in names
    ]
    return f"<body><main>{SHEET}{render_to_string('logs/log.html', {'sources': sources})}</main></body>"


def stamp(seconds: float, nanos: int = 0) -> str:
    """So long after START, as an engine writes it."""
    moment = START + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond * 1000 + nanos:09}Z"


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def lines(texts: Iterable[str | bytes], at: float = 0, stream: int = OUT, step: float = 0.001) -> bytes:
    """A frame of lines, one each `step` seconds."""
    encoded = (text if isinstance(text, bytes) else text.encode() for text in texts)
    return frame(
        stream, b"".join(stamp(at + step * n).encode() + b" " + text + b"\n" for n, text in enumerate(encoded))
    )


async def started(socket: web.WebSocketResponse, name: str = "web", running: bool = True) -> None:
    await socket.send_json({"type": "start", "id": name * 8, "name": name, "tty": False, "running": running})


async def ended(socket: web.WebSocketResponse, code: int | None = 0, **more: object) -> None:
    running = code is None
    plain = {"running": running, "restarted": False, "exit_code": code, "oom_killed": False}
    finished = "" if running else "2026-11-25T08:00:00Z"
    await socket.send_json({"type": "ended", **plain, "finished_at": finished, **more})
