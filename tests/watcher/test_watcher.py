"""The watcher on real engines, one that hangs, and many simulated ones."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from engines import hints, reach
from engines.client import ssh
from engines.client.connect import call, connect
from engines.models import Engine, EngineState, Heartbeat
from engines.watcher import run
from engines.watcher.run import Watcher

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@asynccontextmanager
async def watching():
    task = asyncio.create_task(Watcher().run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def state_where(pk: int, seconds: float = 12, **wanted) -> EngineState:
    """The engine's state once it has these values."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = await EngineState.objects.filter(engine=pk, **wanted).afirst()
        if state is not None:
            return state
        await asyncio.sleep(0.02)
    raise TimeoutError(str(await EngineState.objects.filter(engine=pk).values().afirst()))


async def listen(pk: int) -> str:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(hints.engine_group(pk), channel)
    return channel


async def hint_of(channel: str, topic: str, seconds: float = 2) -> float:
    """Seconds until `topic` is hinted."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while (await get_channel_layer().receive(channel))["topic"] != topic:
            pass
    return time.monotonic() - began


async def test_an_engine_is_up_with_its_figures_and_what_happens_there_is_hinted_at_once(register, unix_engine):
    row = await database_sync_to_async(register)(unix_engine)
    async with watching():
        state = await state_where(row.pk, status="UP")
        assert state.version
        assert state.cpus > 0
        channel = await listen(row.pk)
        client = connect(unix_engine)
        made = await asyncio.to_thread(
            call, client, "POST", "/containers/create", body={"Image": "busybox:local", "Cmd": ["true"]}
        )
        try:
            assert await hint_of(channel, "containers") < 1
            await state_where(row.pk, stopped=state.stopped + 1)
        finally:
            await asyncio.to_thread(call, client, "DELETE", f"/containers/{made['Id']}")
        await state_where(row.pk, stopped=state.stopped)
    assert await Heartbeat.objects.filter(name="watcher").aexists()


async def test_a_hanging_engine_is_told_within_ten_seconds_and_the_other_stays_fresh(register, unix_engine, fresh_host):
    hanging = await database_sync_to_async(register)(fresh_host.endpoint, "hanging")
    other = await database_sync_to_async(register)(unix_engine, "other")
    async with watching():
        await state_where(hanging.pk, status="UP")
        await state_where(other.pk, status="UP")
        fresh_host.engine.suspend()
        began = time.monotonic()
        try:
            state = await state_where(hanging.pk, status="DOWN")
            assert time.monotonic() - began < 10
            assert "did not answer" in state.sentence
            assert (await EngineState.objects.aget(engine=other.pk)).status == "UP"
        finally:
            fresh_host.engine.resume()
        await state_where(hanging.pk, status="UP")


async def test_a_killed_engine_is_told_at_once_and_comes_back(register, fresh_host):
    row = await database_sync_to_async(register)(fresh_host.endpoint, "fresh")
    async with watching():
        await state_where(row.pk, status="UP")
        fresh_host.engine.kill()
        state = await state_where(row.pk, 3, status="DOWN")
        assert state.sentence
        await asyncio.to_thread(fresh_host.engine.start)
        await state_where(row.pk, status="UP")


async def test_rows_that_come_change_and_go_are_followed(register, unix_engine, tmp_path):
    async with watching():
        row = await database_sync_to_async(register)(unix_engine)
        await state_where(row.pk, status="UP")
        await Engine.objects.filter(pk=row.pk).aupdate(url=f"unix://{tmp_path}/gone.sock")
        assert "no socket" in (await state_where(row.pk, status="DOWN")).sentence
        await row.adelete()
        await asyncio.sleep(0)
    assert not await EngineState.objects.aexists()


async def test_the_api_version_is_agreed_at_the_first_contact(register, unix_engine):
    row = await database_sync_to_async(register)(unix_engine)
    await Engine.objects.filter(pk=row.pk).aupdate(api_version="")
    async with watching():
        await state_where(row.pk, status="UP")
        deadline = time.monotonic() + 5
        while (await Engine.objects.aget(pk=row.pk)).api_version != unix_engine.api_version:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_key_material_that_cannot_be_read_is_told_as_the_engine_s_state(engine):
    await Engine.objects.filter(pk=engine.pk).aupdate(url="ssh://a@b:22", ssh_key_sealed="v1:AAAA")
    async with watching():
        assert (await state_where(engine.pk, status="DOWN")).sentence


async def simulated() -> web.AppRunner:
    async def info(request):
        return web.json_response({"ServerVersion": "1", "NCPU": 1})

    async def events(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(600)
        return response

    async def ping(request):
        return web.Response(text="OK")

    app = web.Application()
    app.router.add_get("/{version}/info", info)
    app.router.add_get("/{version}/events", events)
    app.router.add_get("/{version}/_ping", ping)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    return runner


async def test_two_hundred_engines_in_one_process(tmp_path):
    runner = await simulated()
    await web.UnixSite(runner, str(tmp_path / "many.sock")).start()
    await Engine.objects.abulk_create(
        Engine(name=f"E{number}", slug=f"e{number}", url=f"unix://{tmp_path}/many.sock", api_version="1.41")
        for number in range(200)
    )
    async with watching():
        deadline = time.monotonic() + 20
        while await EngineState.objects.filter(status="UP").acount() < 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    await runner.cleanup()


async def test_an_engine_that_sends_garbage_is_down_with_a_sentence(tmp_path):
    async def garbage(request):
        return web.Response(body=b"[" * 100_000)

    app = web.Application()
    app.router.add_get("/{path:.*}", garbage)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "g.sock")).start()
    engine = await Engine.objects.acreate(name="G", slug="g", url=f"unix://{tmp_path}/g.sock")
    async with watching():
        assert "JSON" in (await state_where(engine.pk, status="DOWN")).sentence
    await runner.cleanup()


async def test_the_way_to_a_disabled_ssh_engine_is_closed(register, ssh_host):
    row = await database_sync_to_async(register)(ssh_host.endpoint)
    async with watching():
        await state_where(row.pk, status="UP")
        key = reach.endpoint(row).key[:12]
        way = [stem for _, stem in ssh._forwards(settings.RUN_DIR) if stem.startswith(key)]
        assert len(way) == 1
        await Engine.objects.filter(pk=row.pk).aupdate(enabled=False)
        async with asyncio.timeout(5):
            while any(stem in way for _, stem in ssh._forwards(settings.RUN_DIR)):  # noqa: ASYNC110 (nothing tells it)
                await asyncio.sleep(0.05)


async def test_a_turn_that_breaks_does_not_end_the_reports(engine, monkeypatch):
    def broken() -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(run, "reconcile", broken)
    monkeypatch.setattr(run, "_CONTACT_SECONDS", 0.05)
    async with watching(), asyncio.timeout(5):
        seen: set[object] = set()
        while len(seen) < 3:
            seen |= {each.at async for each in Heartbeat.objects.filter(name="watcher")}
            await asyncio.sleep(0.02)
