"""The log socket on a real engine: every byte, once, in order; and how it ends."""

import asyncio
import contextlib
import json
import struct
from urllib.parse import urlencode

import pytest
from channels.db import database_sync_to_async

from engines.client.connect import call, connect
from engines.client.endpoint import Endpoint
from engines.models import Engine, EngineLimits
from tests.live.conftest import Socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture
def engine(register, unix_engine: Endpoint) -> Engine:
    """Instead of the row without an engine: the cast has its roles on a real one."""
    return register(unix_engine, "real")


def place(container: str, **query: object) -> str:
    return f"/ws/engines/real/containers/{container}/logs/?{urlencode(query, doseq=True)}"


def frames_of(message: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(message):
        stream, length = struct.unpack_from(">BxxxL", message, at)
        found.append((stream, message[at + 8 : at + 8 + length]))
        at += 8 + length
    return found


class Log:
    """What a browser has read of a log: the text of each stream, and the messages around it."""

    def __init__(self) -> None:
        self.streams = {1: b"", 2: b""}
        self.told: list[dict] = []
        self.code = 0

    @property
    def lines(self) -> list[str]:
        """Whole lines of out, without timestamps."""
        return [line.split(" ", 1)[1] for line in self.streams[1].decode().splitlines()]

    @property
    def seen(self) -> list[str]:
        """What a browser asks with to go on."""
        asked = []
        for stream, text in self.streams.items():
            stamps = [line.split(b" ", 1)[0].decode() for line in text[: text.rfind(b"\n") + 1].splitlines()]
            if stamps:
                asked.append(f"{stream},{stamps.count(stamps[-1])},{stamps[-1]}")
        return asked

    async def read(self, socket: Socket, until=lambda log: False) -> "Log":
        """Until the socket closes, or what is read is enough."""
        while not until(self):
            message = await socket.receive_output(timeout=30)
            if message["type"] == "websocket.close":
                self.code = message.get("code", 1000)
                break
            if message.get("text"):
                self.told.append(json.loads(message["text"]))
            for stream, text in frames_of(message.get("bytes") or b""):
                self.streams[stream] += text
        return self


async def ended(unix_engine: Endpoint, container: str) -> None:
    await asyncio.to_thread(call, connect(unix_engine, 30), "POST", f"/containers/{container}/wait")


async def test_the_log_of_an_ended_container_comes_whole_with_its_end(dial, cast, make, unix_engine):
    container = make("log-ended", Cmd=["sh", "-c", "echo one; echo two >&2; exit 3"])
    await ended(unix_engine, container)
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket)
    assert log.code == 1000
    assert log.lines == ["one"]
    assert log.streams[2].endswith(b"Z two\n")
    first, last = log.told
    assert first == {"type": "start", "id": container, "name": "log-ended", "tty": False, "running": False}
    assert (last["type"], last["running"], last["restarted"], last["exit_code"]) == ("ended", False, False, 3)
    assert last["finished_at"].startswith("20")
