"""Connections that become streams: each refusal and each fault is told, and the way both ways is what it was before."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from engines.client import hijack
from engines.client.connect import call, connect
from engines.client.endpoint import Address, Endpoint
from engines.client.errors import EngineError, EngineReplied, EngineTimeout, NotAnEngine
from engines.client.hijack import Hijacked

pytestmark = pytest.mark.asyncio


async def scripted(path: Path, reply: bytes, *, close: bool = True) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        if close:
            writer.close()
        else:
            await reader.read()

    return await asyncio.start_unix_server(answer, str(path))


def at(path: Path) -> Endpoint:
    return Endpoint("scripted", Address("unix", path=str(path)), "1.41", path.parent)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b'HTTP/1.1 409 Conflict\r\nContent-Length: 18\r\n\r\n{"message":"busy"}', EngineReplied),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nwords", EngineReplied),
        (b"HTTP/1.1 500 Oh\r\n\r\n", EngineReplied),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: -5\r\n\r\n", EngineReplied),
        (b"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:9/\r\n\r\n", NotAnEngine),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", NotAnEngine),
        (b"HTTP/1.1 1e3 x\r\n\r\n", NotAnEngine),
        (b"A: " + b"b" * 200_000 + b"\r\n\r\n", NotAnEngine),
        (b"", NotAnEngine),
        (b"HTTP/1.1 200", NotAnEngine),
        (b'HTTP/1.1 409 Conflict\r\nContent-Length: 99\r\n\r\n{"mess', EngineReplied),
    ],
)
async def test_what_is_no_stream_is_told(tmp_path, reply, kind):
    async with await scripted(tmp_path / "s", reply):
        with pytest.raises(kind):
            async with Hijacked(at(tmp_path / "s"), "/exec/a/start", body={}):
                pass


async def test_who_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(hijack, "_HANDSHAKE_SECONDS", 0.2)
    async with await scripted(tmp_path / "s", b"HTTP/1.1 101 ", close=False):
        with pytest.raises(EngineTimeout):
            async with Hijacked(at(tmp_path / "s"), "/exec/a/start", body={}):
                pass


async def test_nobody_there_is_told(tmp_path):
    with pytest.raises(EngineError, match="no socket"):
        async with Hijacked(at(tmp_path / "nothing"), "/exec/a/start", body={}):
            pass


async def test_what_is_not_read_is_not_taken_from_the_engine(tmp_path):
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    server = await asyncio.start_unix_server(flood, str(tmp_path / "s"))
    async with server, Hijacked(at(tmp_path / "s"), "/exec/a/start", body={}) as stream:
        assert await stream.read()
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 2 << 20


@pytest.mark.parametrize("kind", ["unix_engine", "tls_engine", "ssh_engine", "plain_engine"])
async def test_every_way_passes_on_both_ways(request, kind):
    endpoint = request.getfixturevalue(kind)
    client = connect(endpoint)
    body = {"Image": "busybox:local", "Cmd": ["cat"], "OpenStdin": True, "Tty": True}
    made = call(client, "POST", "/containers/create", params={"name": f"hijacked-{kind}"}, body=body)["Id"]
    try:
        call(client, "POST", f"/containers/{made}/start")
        params = {"stream": "1", "stdin": "1", "stdout": "1"}
        async with Hijacked(endpoint, f"/containers/{made}/attach", params=params) as stream:
            await stream.write(b"over there\n")
            got = b""
            async with asyncio.timeout(10):
                while got.count(b"over there\r\n") < 2:
                    got += await stream.read()
                call(client, "DELETE", f"/containers/{made}", params={"force": "1"})
                while await stream.read():
                    pass
        with pytest.raises(EngineReplied) as refused:
            async with Hijacked(endpoint, f"/containers/{made}/attach", params=params):
                pass
        assert refused.value.status == 404 and "No such container" in refused.value.reason
    finally:
        with contextlib.suppress(EngineReplied):
            call(client, "DELETE", f"/containers/{made}", params={"force": "1"})
