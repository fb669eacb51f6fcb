"""The sockets of statistics on a real engine: numbers as `docker stats` has them, one reader for all who look."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from engines.client.connect import call, connect
from engines.client.endpoint import Endpoint
from engines.live import stats
from engines.models import Engine
from engines.stats import queries
from tests.live.conftest import Socket
from tests.rig.proxy import Proxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
BUSY = {"Cmd": ["sh", "-c", "while true; do :; done"], "StopSignal": "SIGKILL"}
ALL = "/ws/engines/real/stats/"


@pytest.fixture
def engine(register, unix_engine: Endpoint) -> Engine:
    return register(unix_engine, "real")


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    monkeypatch.setattr(queries, "ROUND_SECONDS", 0.1)


def one(container: str) -> str:
    return f"/ws/engines/real/containers/{container}/stats/"


async def until(socket: Socket, enough) -> dict:
    """The first frame that is `enough`."""
    async with asyncio.timeout(30):
        while not enough(frame := await socket.frame()):
            pass
    return frame


async def test_one_container_s_numbers_are_those_of_the_docker_cli(cast, dial, make, unix_engine):
    busy = make("busy", **BUSY, HostConfig={"Memory": 32 << 20, "NanoCpus": 250_000_000})
    async with dial(one(busy), cast["viewer"]) as socket:
        frame = await until(socket, lambda frame: frame["cpu"])
        argv = [
            "docker",
            "-H",
            str(unix_engine.address),
            "stats",
            "--no-stream",
            "--format",
            "{{.CPUPerc}} {{.MemUsage}}",
        ]
        told = await asyncio.to_thread(subprocess.check_output, [*argv, busy], text=True)
    assert (frame["type"], frame["id"], frame["memory_limit"], frame["pids"]) == ("sample", busy, 32 << 20, 1)
    assert "32MiB" in told and 0 < frame["memory"] < frame["peak"] < 32 << 20
    # A quarter of one processor, by both.
    for share in (frame["cpu"], float(re.match(r"[\d.]+", told)[0])):
        assert 5 < share < 40


async def test_all_that_run_come_together_and_follow_the_list(cast, dial, make, unix_engine):
    first = make("first", StopSignal="SIGKILL")
    async with dial(ALL, cast["viewer"]) as socket:
        # Others may run on the shared engine.
        samples = lambda frame: {each["id"]: each for each in frame["samples"]}  # noqa: E731
        frame = await until(socket, lambda frame: first in samples(frame))
        assert frame["type"] == "samples" and samples(frame)[first]["memory"] > 0
        second = await asyncio.to_thread(make, "second", StopSignal="SIGKILL")
        await until(socket, lambda frame: {first, second} <= samples(frame).keys())
        await asyncio.to_thread(call, connect(unix_engine), "POST", f"/containers/{first}/stop")
        frame = await until(socket, lambda frame: first not in samples(frame))
        assert samples(frame)[second]["cpu"] is not None


async def test_an_end_is_told_with_its_code_at_once_and_while_one_looks(cast, dial, make, unix_engine):
    boat = make("boat", Cmd=["sh", "-c", "sleep 1000 & wait"], StopSignal="SIGKILL")
    async with dial(one(boat), cast["viewer"]) as socket:
        await until(socket, lambda frame: frame["type"] == "sample")
        await asyncio.to_thread(call, connect(unix_engine), "POST", f"/containers/{boat}/kill")
        frame = await until(socket, lambda frame: frame["type"] == "ended")
        assert (frame["running"], frame["exit_code"]) == (False, 137)
        assert await socket.close_code() == 1000
    async with dial(one("boat"), cast["viewer"]) as socket:
        assert (await socket.frame())["exit_code"] == 137
        assert await socket.close_code() == 1000


async def test_what_is_removed_while_one_looks_is_no_such_thing(cast, dial, make, unix_engine):
    boat = make("boat")
    async with dial(one(boat), cast["viewer"]) as socket:
        await until(socket, lambda frame: frame["type"] == "sample")
        await asyncio.to_thread(call, connect(unix_engine), "DELETE", f"/containers/{boat}", params={"force": "1"})
        assert await socket.close_code(10) in {1000, 4404}
    async with dial(one(boat), cast["viewer"]) as socket:
        assert await socket.close_code() == 4404


async def test_many_who_look_are_one_reader_which_ends_with_the_last(cast, dial, make):
    boat = make("boat")
    async with dial(one(boat), cast["viewer"]) as first, dial(one(boat), cast["operator"]) as second:
        for socket in (first, second):
            await until(socket, lambda frame: frame["type"] == "sample")
        [reader] = stats._readers.values()
        assert reader.watchers == 2
    assert not stats._readers
    await asyncio.gather(reader.task, return_exceptions=True)
    assert reader.task.cancelled()


async def test_a_lost_engine_is_told_and_who_comes_again_finds_it_again(
    cast, dial, make, engine, unix_engine, tmp_path
):
    make("boat")
    path = Path(f"/tmp/p-{id(tmp_path)}.sock")
    with Proxy(path, Path(unix_engine.address.path)) as proxy:
        await Engine.objects.filter(pk=engine.pk).aupdate(url=f"unix://{path}")
        async with dial(ALL, cast["viewer"]) as socket:
            await until(socket, lambda frame: frame["type"] == "samples")
            proxy.mode = "refuse"
            proxy.kill_all()
            assert (await until(socket, lambda frame: frame["type"] == "lost"))["sentence"]
            assert await socket.close_code() == 4502
        proxy.mode = "pass"
        async with dial(ALL, cast["viewer"]) as socket:
            await until(socket, lambda frame: frame["type"] == "samples")


@pytest.mark.parametrize(("name", "code"), [("stranger", 4404), ("viewer", None)])
async def test_who_may_see_the_container_may_see_what_it_uses(cast, dial, make, name, code):
    boat = make("boat")
    for path in (one(boat), ALL):
        async with dial(path, cast[name]) as socket:
            if code:
                assert await socket.close_code() == code
            else:
                assert (await socket.frame())["type"] in {"sample", "samples"}


@pytest.mark.parametrize("bad", ["..", "a%2fb", "-x", "a b"])
async def test_what_cannot_be_an_id_is_asked_of_no_engine(cast, dial, bad):
    async with dial(one(bad), cast["viewer"]) as socket:
        assert await socket.close_code() in {1008, 4404}


async def test_a_right_that_is_withdrawn_ends_it(cast, dial, make, engine):
    boat = make("boat")
    async with dial(one(boat), cast["viewer"]) as socket:
        await socket.frame()
        await engine.grants.filter(user=cast["viewer"]).adelete()
        assert await socket.close_code() == 4404
