"""The asynchronous way to an engine: what it sends is read with limits, and every fault becomes one sentence."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engines.client import errors, stream
from engines.client.endpoint import Address, Endpoint, TlsMaterial
from engines.client.route import Route
from engines.client.stream import AsyncEngine, messages
from tests.rig.certs import Authority
from tests.rig.hosts import host

pytestmark = pytest.mark.asyncio


def at(path: Path) -> Endpoint:
    return Endpoint("scripted", Address("unix", path=str(path)), "1.41", path.parent)


async def scripted(path: Path, reply: bytes, *, linger: float = 0) -> asyncio.Server:
    """A server that answers everything with `reply`, then closes after `linger` seconds."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        await asyncio.sleep(linger)
        writer.close()

    return await asyncio.start_unix_server(answer, str(path))


def http(body: bytes, status: str = "200 OK", header: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}\r\n".encode() + body


async def heard(endpoint: Endpoint) -> list[dict]:
    async with AsyncEngine(endpoint) as engine, engine.request("GET", "/events") as response:
        return [message async for message in messages(response)]


async def test_messages_come_one_per_line_however_they_are_cut(tmp_path):
    body = b'{"a": 1}\r\n{"b":\n'.replace(b'{"b":\n', b'{"b": 2}\n') + b'{"c": 3}'
    async with await scripted(tmp_path / "s", http(body)):
        assert await heard(at(tmp_path / "s")) == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(
    "reply",
    [
        http(b"[1]\n"),
        http(b"nonsense\n"),
        http(b"[" * 100_000 + b"\n"),
        http(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:9/\r\n"),
        b"SSH-2.0-OpenSSH\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}\n',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n" + b'{"a": 1}\n\r\n',
    ],
)
async def test_what_is_no_engine_or_is_cut_is_an_error_and_never_an_end(tmp_path, reply):
    async with await scripted(tmp_path / "s", reply):
        with pytest.raises(errors.NotAnEngine):
            await heard(at(tmp_path / "s"))


async def test_a_message_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MESSAGE_BYTES", 1000)
    async with await scripted(tmp_path / "s", http(b'{"a": "' + b"x" * 5000)):
        with pytest.raises(errors.NotAnEngine, match="longer"):
            await heard(at(tmp_path / "s"))


async def test_an_engine_s_refusal_is_told_in_its_words(tmp_path):
    async with await scripted(tmp_path / "s", http(b'{"message": "no such image"}', "404 Not Found")):
        with pytest.raises(errors.EngineReplied, match="no such image") as refusal:
            await heard(at(tmp_path / "s"))
    assert refusal.value.status == 404


async def test_a_call_that_is_not_answered_times_out(tmp_path):
    async with await scripted(tmp_path / "s", b"", linger=5), AsyncEngine(at(tmp_path / "s")) as engine:
        began = time.monotonic()
        with pytest.raises(errors.EngineTimeout):
            await engine.json("GET", "/info", seconds=0.2)
        assert time.monotonic() - began < 2


async def test_no_socket_is_told_as_such(tmp_path):
    with pytest.raises(errors.EngineUnreachable, match="no socket"):
        await heard(at(tmp_path / "none"))


async def test_a_real_engine_s_pings_keep_the_vigil_and_its_silence_ends_it(fresh_host):
    async with AsyncEngine(fresh_host.endpoint) as engine:
        vigil = asyncio.create_task(engine.vigil(every=0.2, misses=1))
        await asyncio.sleep(0.6)
        assert not vigil.done()
        fresh_host.engine.suspend()
        try:
            with pytest.raises(errors.EngineTimeout):
                await asyncio.wait_for(vigil, 3)
        finally:
            fresh_host.engine.resume()


@pytest.mark.parametrize(
    ("material", "code"),
    [
        (lambda host: replace(host.endpoint.tls, ca=Authority().pem), "tls-unknown-ca"),
        (lambda host: TlsMaterial(ca=host.endpoint.tls.ca), "tls-client-certificate"),
        (lambda host: replace(Authority().client_material(), ca=host.endpoint.tls.ca), "tls-client-certificate"),
    ],
)
async def test_certificate_faults_have_the_same_codes_as_elsewhere(tls_host, material: Callable, code: str):
    endpoint = replace(tls_host.endpoint, tls=material(tls_host))
    with pytest.raises(errors.EngineTlsError) as fault:
        async with AsyncEngine(endpoint) as engine:
            await engine.ping()
    assert fault.value.code == code


async def test_tls_and_ssh_engines_answer(tls_engine, ssh_engine):
    for endpoint in (tls_engine, ssh_engine):
        async with AsyncEngine(endpoint) as engine:
            assert (await engine.json("GET", "/info"))["Name"]


async def test_an_engine_that_is_down_behind_ssh_is_told_as_such(rig, run_dir):
    with host("ssh", run_dir, name="sshdown") as made:
        made.engine.kill()
        async with AsyncEngine(made.endpoint) as engine:
            with pytest.raises(errors.EngineError) as fault:
                await engine.ping()
    assert fault.value.code == "ssh-socket"


async def test_no_part_of_a_build_argument_is_recorded(tmp_path):
    server = await scripted(tmp_path / "s", http(b"{}"))
    async with server, AsyncEngine(at(tmp_path / "s")) as engine:
        await engine.json("POST", "/build", params={"t": "a:1", "buildargs": '{"TOKEN": "x&canary#"}', "q": "1"})
        assert [request.path for request in engine.requests] == ["/v1.41/build?t=a:1&buildargs=…&q=1"]


async def test_what_a_commit_gives_its_image_is_not_recorded(tmp_path):
    server = await scripted(tmp_path / "s", http(b"{}"))
    async with server, AsyncEngine(at(tmp_path / "s")) as engine:
        await engine.json("POST", "/commit", params=[("container", "a"), ("changes", "ENV A=canary&"), ("pause", "1")])
        assert [request.path for request in engine.requests] == ["/v1.41/commit?container=a&changes=…&pause=1"]


async def test_ssh_hosts_that_do_not_answer_hold_up_no_other_engine(tmp_path, monkeypatch):
    release = threading.Event()
    true_route = stream.route

    def slow_through_ssh(endpoint: Endpoint) -> Route:
        if endpoint.address.scheme == "ssh":
            release.wait(20)
        return true_route(replace(endpoint, address=Address("unix", path=str(tmp_path / "s"))))

    monkeypatch.setattr(stream, "route", slow_through_ssh)
    away = replace(at(tmp_path / "s"), address=Address("ssh", host="away", port=22, user="u"))
    waiting = [asyncio.create_task(AsyncEngine(away).__aenter__()) for _ in range(40)]
    server = await scripted(tmp_path / "s", http(b"{}"))
    try:
        async with server, asyncio.timeout(5), AsyncEngine(at(tmp_path / "s")) as engine:
            assert await engine.json("GET", "/version") == {}
    finally:
        release.set()
        for engine in await asyncio.gather(*waiting):
            await engine.__aexit__(None, None, None)
