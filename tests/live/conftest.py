"""Sockets as a browser opens them: with a session cookie and an Origin, through the whole ASGI application."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from console.asgi import application
from engines import hints
from engines.live import gate


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked again every few seconds is asked again sooner."""
    monkeypatch.setattr(gate, "RECHECK_SECONDS", 0.1)


class Socket(ApplicationCommunicator):
    """A socket and what it receives. (channels.testing would need another server's package.)"""

    accepted = False

    async def open(self) -> None:
        """The handshake; `accepted` says how it went."""
        await self.send_input({"type": "websocket.connect"})
        self.accepted = (await self.receive_output(timeout=5))["type"] == "websocket.accept"

    async def frame(self) -> dict:
        """The next frame."""
        message = await self.receive_output(timeout=5)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def frames_until(self, kind: str) -> list[dict]:
        """Every frame up to the first of type `kind`."""
        frames = [await self.frame()]
        while frames[-1]["type"] != kind:
            frames.append(await self.frame())
        return frames

    async def say(self, text: str) -> None:
        """Send a message, as the browser's side."""
        await self.send_input({"type": "websocket.receive", "text": text})

    async def close_code(self, seconds: float = 5) -> int:
        """The code the server closes with, whatever it sends before."""
        while True:
            message = await self.receive_output(timeout=seconds)
            if message["type"] == "websocket.close":
                return message.get("code", 1000)


async def settled(socket: Socket, engine_pk: int) -> None:
    """Until the socket was let in and hears of this engine: the group is joined after the handshake."""
    while True:
        await hints.announce_change(engine_pk, "state")
        if not await socket.receive_nothing(timeout=0.05):
            await socket.frame()
            break
    while not await socket.receive_nothing(timeout=0.1):
        await socket.frame()


@pytest.fixture
def login() -> Callable[[User | None], Client]:
    """A logged-in browser."""

    def enter(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return enter


@pytest.fixture
def dial(login):
    """Opens a socket as `user` (or with an existing `browser`); yields it after the handshake."""

    @asynccontextmanager
    async def open_socket(
        path: str, user: User | None = None, *, browser: Client | None = None, origin: str | None = ""
    ):
        browser = browser or await database_sync_to_async(login)(user)
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
        headers = [(b"cookie", cookie.encode())]
        if origin is not None:
            headers.append((b"origin", (origin or settings.ORIGINS[0]).encode()))
        path, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": [],
            "client": ["192.0.2.7", 50000],
        }
        socket = Socket(application, scope)
        await socket.open()
        yield socket
        await socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await socket.wait(timeout=5)

    return open_socket
