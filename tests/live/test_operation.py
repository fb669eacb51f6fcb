"""The operation socket: complete and in order for everybody, closed at once for whoever may not any more."""

import asyncio
import uuid

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone

from engines import hints
from engines.live import hub
from engines.models import Grant, LogChunk, Operation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
Status = Operation.Status


@pytest.fixture
def operation(engine) -> Operation:
    return Operation.objects.create(
        engine=engine,
        engine_name=engine.name,
        kind="image.build",
        title="Build a",
        status=Status.RUNNING,
        fence=uuid.uuid4(),
    )


@database_sync_to_async
def add(operation: Operation, *texts: str) -> None:
    count = LogChunk.objects.filter(operation=operation).count()
    for number, text in enumerate(texts, start=count + 1):
        LogChunk.objects.create(operation=operation, seq=number, text=text)


@database_sync_to_async
def update(operation: Operation, **values) -> None:
    Operation.objects.filter(pk=operation.pk).update(**values)


async def finish(operation: Operation) -> None:
    await update(operation, status=Status.SUCCEEDED, finished_at=timezone.now())
    await hints.announce_advance(operation.pk)


def text_of(frames: list[dict]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "chunk")


def path(operation: Operation, after: int = 0) -> str:
    return f"/ws/operations/{operation.pk}/?after={after}"


async def test_what_is_there_then_what_comes_then_the_end(dial, cast, operation):
    await add(operation, "one\n", "two\n")
    async with dial(path(operation), cast["viewer"]) as socket:
        frames = await socket.frames_until("status")
        assert text_of(frames) == "one\ntwo\n"
        await add(operation, "three\n")
        await hints.announce_advance(operation.pk)
        assert text_of([await socket.frame()]) == "three\n"
        await update(operation, progress={"current": 1})
        await finish(operation)
        frames = await socket.frames_until("finished")
        assert [frame["type"] for frame in frames] == ["progress", "status", "finished"]
        assert frames[-1]["status"] == "SUCCEEDED"
        assert await socket.close_code() == 1000


async def test_a_resumed_socket_gets_neither_a_gap_nor_a_double(dial, cast, operation):
    await add(operation, *(f"{number}\n" for number in range(10)))
    async with dial(path(operation, after=4), cast["viewer"]) as socket:
        frame = await socket.frame()
        assert (frame["after"], frame["next"]) == (4, 10)
        assert frame["text"] == "4\n5\n6\n7\n8\n9\n"


async def test_many_watchers_that_come_at_different_times_all_see_all_of_it(dial, cast, operation):
    seen: list[str] = []

    async def watch() -> None:
        async with dial(path(operation), cast["viewer"]) as socket:
            seen.append(text_of(await socket.frames_until("finished")))

    async def write() -> None:
        for number in range(40):
            await add(operation, f"{number}\n")
            await hints.announce_advance(operation.pk)
        await finish(operation)

    watchers = [asyncio.create_task(watch())]
    writer = asyncio.create_task(write())
    for _ in range(5):
        await asyncio.sleep(0.01)
        watchers.append(asyncio.create_task(watch()))
    await asyncio.gather(writer, *watchers)
    assert seen == ["".join(f"{number}\n" for number in range(40))] * 6
    assert hub._readers == {}


async def test_a_lost_hint_costs_seconds_and_no_line(dial, cast, operation, monkeypatch):
    monkeypatch.setattr(hub, "_LOOK_SECONDS", 0.2)
    async with dial(path(operation), cast["viewer"]) as socket:
        await socket.frames_until("status")
        await add(operation, "unannounced\n")
        assert text_of([await socket.frame()]) == "unannounced\n"


async def test_an_operation_that_is_over_is_told_whole_and_closed(dial, cast, operation):
    await add(operation, *("x" * 1000 + "\n" for _ in range(200)))
    await update(operation, status=Status.FAILED, sentence="It broke.")
    async with dial(path(operation), cast["viewer"]) as socket:
        frames = await socket.frames_until("finished")
        assert len(text_of(frames)) == 200 * 1001
        assert frames[-1] == {"type": "finished", "status": "FAILED", "sentence": "It broke."}


@pytest.mark.parametrize(("name", "code"), [(None, 4401), ("stranger", 4404)])
async def test_who_may_not_see_the_engine_gets_nothing(dial, cast, operation, name, code):
    await add(operation, "secret\n")
    async with dial(path(operation), cast.get(name)) as socket:
        message = await socket.receive_output(timeout=5)
        assert (message["type"], message["code"]) == ("websocket.close", code)


async def test_no_such_operation_looks_the_same_as_one_of_strangers(dial, cast, operation):
    async with dial(f"/ws/operations/{uuid.uuid4()}/", cast["viewer"]) as socket:
        assert await socket.close_code() == 4404


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        None,
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8000.evil.example",
        "http://127.0.0.1:8000@evil.example",
    ],
)
@pytest.mark.parametrize("place", ["/ws/fleet/", "/ws/engines/harbour/events/", "operation"])
async def test_a_page_of_another_origin_cannot_open_a_socket(dial, cast, operation, origin, place):
    where = path(operation) if place == "operation" else place
    async with dial(where, cast["administrator"], origin=origin) as socket:
        assert not socket.accepted


async def test_logging_out_closes_the_socket_while_it_streams(dial, cast, operation, login):
    browser = await database_sync_to_async(login)(cast["viewer"])
    async with dial(path(operation), browser=browser) as socket:
        await socket.frames_until("status")
        await database_sync_to_async(browser.logout)()
        assert await socket.close_code() == 4401


async def test_a_withdrawn_grant_closes_the_socket(dial, cast, operation):
    async with dial(path(operation), cast["viewer"]) as socket:
        await socket.frames_until("status")
        await database_sync_to_async(Grant.objects.filter(user=cast["viewer"]).delete)()
        assert await socket.close_code() == 4404


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
async def test_a_disabled_person_or_a_changed_password_closes_the_socket(dial, cast, operation, change):
    async with dial(path(operation), cast["viewer"]) as socket:
        await socket.frames_until("status")
        for field, value in change.items():
            setattr(cast["viewer"], field, value)
        await cast["viewer"].asave()
        assert await socket.close_code() == 4401


@pytest.mark.parametrize("after", ["-1", "x", "9" * 40, "1.5", "", "\u0663"])
async def test_a_cursor_that_is_none_starts_at_the_beginning(dial, cast, operation, after):
    await add(operation, "one\n")
    async with dial(f"/ws/operations/{operation.pk}/?after={after}", cast["viewer"]) as socket:
        assert (await socket.frame())["after"] == 0


async def test_a_reader_leaves_its_group_when_nobody_watches(dial, cast, operation):
    async with dial(path(operation), cast["viewer"]) as socket:
        await socket.frames_until("status")
    layer = get_channel_layer()
    async with asyncio.timeout(5):
        while hints.operation_group(operation.pk) in layer.groups:  # noqa: ASYNC110 (nothing tells it)
            await asyncio.sleep(0.01)
