"""The log socket on a real engine: every byte, once, in order; and how it ends."""

import asyncio
import io
import json
import struct
import tarfile
from pathlib import Path
from urllib.parse import urlencode

import pytest
from channels.db import database_sync_to_async

from engines.client.connect import call, connect
from engines.client.endpoint import Endpoint
from engines.live import logs
from engines.models import Engine, EngineLimits
from tests.live.conftest import Socket
from tests.rig.proxy import Proxy

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


def touch(unix_engine: Endpoint, container: str, name: str) -> None:
    """Make an empty file in the root of a container."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    assert connect(unix_engine, 30).put_archive(container, "/", archive.getvalue())


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


async def test_lines_come_while_they_are_written(dial, cast, make, unix_engine):
    container = make("log-live", Cmd=["sh", "-c", "echo first; while [ ! -e /go ]; do usleep 20000; done; echo more"])
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket, lambda log: log.lines == ["first"])
        assert log.told[0]["running"] is True
        await asyncio.to_thread(touch, unix_engine, container, "go")
        await log.read(socket)
    assert log.lines == ["first", "more"]
    assert (log.told[-1]["type"], log.told[-1]["exit_code"]) == ("ended", 0)


@pytest.mark.parametrize("tty", [False, True])
async def test_one_line_of_a_megabyte_is_one_line(dial, cast, make, unix_engine, tty):
    script = "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end"
    container = make(f"log-long-{tty}", Cmd=["sh", "-c", script], Tty=tty)
    await ended(unix_engine, container)
    async with dial(place(container), cast["viewer"]) as socket:
        log = await Log().read(socket)
    assert [len(line.rstrip("\r")) for line in log.lines] == [1_000_000, 3]


async def test_bytes_that_are_no_text_come_as_they_are(dial, cast, make, unix_engine):
    script = r"printf '\377\000\033[2J<script>\342\200\256\r\n'"
    container = make("log-hostile", Cmd=["sh", "-c", script])
    await ended(unix_engine, container)
    async with dial(place(container), cast["viewer"]) as socket:
        log = await Log().read(socket)
    # The engine keeps its log as JSON, and so no bytes that are no UTF-8.
    assert log.streams[1].split(b" ", 1)[1] == b"\xef\xbf\xbd\x00\x1b[2J<script>\xe2\x80\xae\r\n"


async def test_a_resumed_log_has_neither_a_gap_nor_a_double_wherever_it_was_cut(dial, cast, make, unix_engine):
    script = "i=0; while [ $i -lt 3000 ]; do echo $i; echo e$i >&2; i=$((i+1)); done"
    container = make("log-resumed", Cmd=["sh", "-c", script])
    await ended(unix_engine, container)
    async with dial(place(container), cast["viewer"]) as socket:
        whole = await Log().read(socket)
    assert whole.lines == [str(number) for number in range(3000)]
    for share in (1, 500, 40_001, 90_000):
        cut = Log()
        cut.streams = {stream: text[:share] for stream, text in whole.streams.items()}
        had = {stream: text[: text.rfind(b"\n") + 1] for stream, text in cut.streams.items()}
        async with dial(place(container, seen=cut.seen), cast["viewer"]) as socket:
            rest = await Log().read(socket)
        assert {stream: had[stream] + rest.streams[stream] for stream in had} == whole.streams


async def test_a_resumed_log_of_which_the_engine_has_dropped_what_was_seen_says_so(dial, cast, make, unix_engine):
    script = "echo first; while [ ! -e /go ]; do usleep 20000; done; for i in $(seq 2000); do echo line $i; done"
    kept = {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10k"}}}
    container = make("log-rotated", Cmd=["sh", "-c", script], HostConfig=kept)
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket, lambda log: log.lines == ["first"])
    await asyncio.to_thread(touch, unix_engine, container, "go")
    await ended(unix_engine, container)
    async with dial(place(container, follow=1, seen=log.seen), cast["viewer"]) as socket:
        rest = await Log().read(socket)
    assert [told["type"] for told in rest.told] == ["start", "gap", "ended"]
    assert rest.lines[-1] == "line 2000"


async def test_a_container_that_starts_again_is_told_and_goes_on(dial, cast, make, unix_engine):
    container = make("log-again", Cmd=["sh", "-c", "echo run; exec sleep 1000000"], StopSignal="SIGKILL")
    client = connect(unix_engine, 30)
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket, lambda log: log.lines == ["run"])
        await asyncio.to_thread(call, client, "POST", f"/containers/{container}/restart")
        await log.read(socket)
    assert (log.told[-1]["type"], log.code) == ("ended", 1000)
    assert log.told[-1]["exit_code"] == 137
    async with dial(place(container, follow=1, seen=log.seen), cast["viewer"]) as socket:
        again = await Log().read(socket, lambda log: len(log.lines) == 1)
    assert again.lines == ["run"]


async def test_a_removed_container_closes_its_log(dial, cast, make, unix_engine):
    container = make("log-gone", Cmd=["sh", "-c", "echo run; exec sleep 1000000"])
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket, lambda log: log.lines == ["run"])
        force = {"force": "1"}
        await asyncio.to_thread(call, connect(unix_engine, 30), "DELETE", f"/containers/{container}", params=force)
        assert (await log.read(socket)).code in {1000, 4404}
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        assert await socket.close_code() == 4404


async def test_what_is_wanted_is_asked_of_the_engine(dial, cast, make, unix_engine):
    container = make("log-wanted", Cmd=["sh", "-c", "for i in 1 2 3 4; do echo $i; echo e$i >&2; done"])
    await ended(unix_engine, container)

    async def lines(**query: object) -> tuple[list[str], int]:
        async with dial(place(container, **query), cast["viewer"]) as socket:
            log = await Log().read(socket)
        return log.lines, log.streams[2].count(b"\n")

    assert await lines(stderr=0) == (["1", "2", "3", "4"], 0)
    # The engine counts the lines of both streams, whichever of them it then gives.
    out, err = await lines(tail=3)
    assert len(out) + err == 3
    assert await lines(stdout=0) == ([], 4)
    assert await lines(until=1) == ([], 0)
    assert await lines(since="2020-01-01T00:00:00+01:00", stderr=0) == (["1", "2", "3", "4"], 0)
    assert await lines(since="2100-01-01T00:00:00.5Z") == ([], 0)


@pytest.mark.parametrize(
    "query",
    ["tail=-1", "tail=x", "since=now", "since=2026-13-45T00:00:00Z", "stdout=0&stderr=0", "follow=yes", "seen=1"]
    + ["seen=3,1,2026-11-25T07:00:00Z", "seen=1,1,then", "since=99999999999999999999"],
)
async def test_what_cannot_be_wanted_closes_the_socket(dial, cast, query):
    async with dial(f"/ws/engines/real/containers/x/logs/?{query}", cast["viewer"]) as socket:
        assert await socket.close_code() == 1008


@pytest.mark.parametrize("container", ["..", "a%2Fb", "-x", "a b"])
async def test_what_cannot_be_a_container_is_asked_of_no_engine(dial, cast, container):
    async with dial(f"/ws/engines/real/containers/{container}/logs/", cast["viewer"]) as socket:
        assert await socket.close_code() in {1008, 4404}


async def test_an_engine_that_gives_no_log_says_why(dial, cast, make):
    container = make("log-none", HostConfig={"LogConfig": {"Type": "none"}})
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket)
    assert (log.told[-1]["type"], log.code) == ("refused", 1000)
    assert "logging driver" in log.told[-1]["sentence"]


@pytest.mark.parametrize(("name", "code"), [("viewer", 4403), ("operator", 1000), ("stranger", 4404), (None, 4401)])
async def test_where_logs_are_for_operators_no_viewer_reads_them(dial, cast, make, unix_engine, engine, name, code):
    container = make(f"log-closed-{name}", Cmd=["true"])
    await ended(unix_engine, container)
    await database_sync_to_async(EngineLimits.objects.create)(engine=engine, logs_need_operator=True)
    async with dial(place(container), cast.get(name)) as socket:
        assert await socket.close_code() == code


async def test_a_switch_turned_on_ends_the_log_of_who_reads_it(dial, cast, make, engine):
    container = make("log-switched", Cmd=["sh", "-c", "while :; do echo x; usleep 50000; done"], StopSignal="SIGKILL")
    async with dial(place(container, follow=1), cast["viewer"]) as socket:
        log = await Log().read(socket, lambda log: log.lines)
        await database_sync_to_async(EngineLimits.objects.create)(engine=engine, logs_need_operator=True)
        assert (await log.read(socket)).code == 4403


async def test_a_disabled_engine_is_asked_nothing(dial, cast, engine):
    await database_sync_to_async(Engine.objects.update)(enabled=False)
    async with dial(place("x"), cast["viewer"]) as socket:
        assert await socket.close_code() == 4409


async def test_a_log_that_is_cut_on_the_way_is_lost_and_not_ended(dial, cast, make, register, unix_engine, tmp_path):
    container = make("log-cut", Cmd=["sh", "-c", "echo run; exec sleep 1000000"], StopSignal="SIGKILL")
    upstream = Path(unix_engine.address.path)
    with Proxy(tmp_path / "p.sock", upstream) as proxy:
        await database_sync_to_async(Engine.objects.update)(url=f"unix://{tmp_path}/p.sock")
        async with dial(place(container, follow=1), cast["viewer"]) as socket:
            log = await Log().read(socket, lambda log: log.lines == ["run"])
            proxy.kill_all()
            await log.read(socket)
    assert (log.told[-1]["type"], log.code) == ("lost", 4502)


async def test_an_engine_that_falls_silent_is_lost(dial, cast, make, unix_engine, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "_PING_SECONDS", 0.2)
    container = make("log-silent", Cmd=["sh", "-c", "echo run; exec sleep 1000000"], StopSignal="SIGKILL")
    with Proxy(tmp_path / "p.sock", Path(unix_engine.address.path)) as proxy:
        await database_sync_to_async(Engine.objects.update)(url=f"unix://{tmp_path}/p.sock")
        async with dial(place(container, follow=1), cast["viewer"]) as socket:
            log = await Log().read(socket, lambda log: log.lines == ["run"])
            proxy.mode = "stall"
            await log.read(socket)
            proxy.mode = "pass"
    assert (log.told[-1]["type"], log.code) == ("lost", 4502)
