"""The gate of sockets: asked at the start, at each hint, before each message of the browser, and every few seconds."""

import time
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from engines import hints
from engines.live import gate
from engines.live.changes import EngineConsumer
from engines.models import AccessPolicy, AuditEntry, Engine, Grant, Operation
from engines.permissions import Role
from tests.live.conftest import settled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

PLACES = ("/ws/fleet/", "/ws/engines/harbour/events/", "operation")


@pytest.fixture
def operation(engine) -> Operation:
    return Operation.objects.create(engine=engine, engine_name=engine.name, kind="image.pull", title="Pull a")


@pytest.fixture
def slow(monkeypatch) -> None:
    """Sockets do not ask by themselves while the test runs."""
    monkeypatch.setattr(gate, "RECHECK_SECONDS", 600)


@database_sync_to_async
def denials() -> list[AuditEntry]:
    """All that were written, and those that a closed socket still has to write."""
    gate._DENIALS.submit(lambda: None).result(5)
    return list(AuditEntry.objects.filter(outcome="DENIED").order_by("seq"))


@database_sync_to_async
def withdraw(user: User) -> None:
    Grant.objects.filter(user=user).delete()


@database_sync_to_async
def demote(user: User, role: Role) -> None:
    Grant.objects.filter(user=user).update(role=role)


@database_sync_to_async
def ask_everybody_for_a_second_factor() -> None:
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.EVERYBODY)


def at(place: str, operation: Operation) -> str:
    return f"/ws/operations/{operation.pk}/" if place == "operation" else place


async def let_in(socket, place: str, engine: Engine) -> None:
    """Until the gate has let the socket in."""
    if place == "operation":
        await socket.frames_until("status")
    else:
        await settled(socket, engine.pk)


@pytest.mark.parametrize("place", PLACES[1:])
async def test_a_hint_closes_at_once_what_rights_were_withdrawn_from(dial, cast, engine, operation, slow, place):
    async with dial(at(place, operation), cast["viewer"]) as socket:
        await let_in(socket, place, engine)
        await withdraw(cast["viewer"])
        began = time.monotonic()
        await hints.announce_access()
        assert await socket.close_code() == 4404
        assert time.monotonic() - began < 2


async def test_a_flooded_socket_is_closed_as_soon_as_a_silent_one(dial, cast, engine, slow):
    async with dial("/ws/engines/harbour/events/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        await withdraw(cast["viewer"])
        await hints.announce_access()
        for _ in range(50):
            await hints.announce_change(engine.pk, "containers")
        assert await socket.close_code() == 4404


async def test_what_the_browser_sends_after_its_right_was_withdrawn_is_not_taken(dial, cast, engine, slow, monkeypatch):
    taken: list[str | None] = []

    async def take(self, text, data):
        taken.append(text)

    monkeypatch.setattr(EngineConsumer, "take", take)
    async with dial("/ws/engines/harbour/events/", cast["operator"]) as socket:
        await socket.say("ls")
        while not taken:
            assert await socket.receive_nothing(timeout=0.05)
        await withdraw(cast["operator"])
        for text in ("rm -rf /", "exit"):
            await socket.say(text)
        assert await socket.close_code() == 4404
    assert taken == ["ls"]
    assert len(await denials()) == 1


@pytest.mark.parametrize("place", PLACES)
async def test_a_message_that_nobody_asked_for_closes_the_socket(dial, cast, operation, place):
    async with dial(at(place, operation), cast["administrator"]) as socket:
        await socket.say("{}")
        assert await socket.close_code() == 1008


@pytest.mark.parametrize("place", PLACES[1:])
async def test_a_stranger_s_socket_leaves_one_denial_that_says_from_where(dial, cast, operation, place):
    async with dial(at(place, operation), cast["stranger"]) as socket:
        assert await socket.close_code() == 4404
    (denial,) = await denials()
    assert (denial.actor_name, denial.engine_name, denial.address) == ("stranger", "Harbour", "192.0.2.7")
    assert denial.via.startswith("session ")


@pytest.mark.parametrize("place", PLACES[1:])
async def test_rights_withdrawn_from_an_open_socket_leave_one_denial(dial, cast, engine, operation, place):
    async with dial(at(place, operation), cast["viewer"]) as socket:
        await let_in(socket, place, engine)
        await withdraw(cast["viewer"])
        await hints.announce_access()
        assert await socket.close_code() == 4404
    assert [(entry.actor_name, entry.engine_name) for entry in await denials()] == [("viewer", "Harbour")]


async def test_what_does_not_exist_and_who_is_not_logged_in_leave_no_denial(dial, cast, operation):
    for place, user, code in (
        ("/ws/engines/missing/events/", cast["viewer"], 4404),
        (at("operation", operation), None, 4401),
    ):
        async with dial(place, user) as socket:
            assert await socket.close_code() == code
    assert await denials() == []


@pytest.mark.parametrize("name", ["viewer", "administrator"])
@pytest.mark.parametrize("place", PLACES)
async def test_who_must_have_a_second_factor_and_has_none_hears_nothing(dial, cast, operation, place, name):
    await ask_everybody_for_a_second_factor()
    async with dial(at(place, operation), cast[name]) as socket:
        message = await socket.receive_output(timeout=5)
        assert (message["type"], message["code"]) == ("websocket.close", 4403)
    assert [entry.sentence for entry in await denials()] == ["No second factor, which the policy asks for."]


@pytest.mark.parametrize("place", PLACES)
async def test_a_second_factor_asked_from_now_on_closes_the_sockets_of_who_has_none(
    dial, cast, engine, operation, slow, place
):
    async with dial(at(place, operation), cast["manager"]) as socket:
        await let_in(socket, place, engine)
        await ask_everybody_for_a_second_factor()
        await hints.announce_access()
        assert await socket.close_code() == 4403


@pytest.mark.parametrize("place", ["/ws/fleet/", "/ws/engines/harbour/events/"])
async def test_a_demoted_person_s_page_is_told_once(dial, cast, engine, slow, place):
    async with dial(place, cast["operator"]) as socket:
        await settled(socket, engine.pk)
        await demote(cast["operator"], Role.VIEWER)
        for _ in range(2):
            await hints.announce_access()
            await hints.announce_access()
        assert (await socket.frames_until("rights"))[-1] == {"type": "rights"}
        assert await socket.receive_nothing(timeout=0.6)


async def test_the_change_of_somebody_else_s_rights_is_not_told(dial, cast, engine, slow):
    async with dial("/ws/engines/harbour/events/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        await withdraw(cast["builder"])
        await hints.announce_access()
        assert await socket.receive_nothing(timeout=0.6)


async def test_a_grant_that_expires_closes_the_socket_though_nobody_tells(dial, cast, engine):
    async with dial("/ws/engines/harbour/events/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        soon = timezone.now() + timedelta(seconds=0.3)
        await database_sync_to_async(Grant.objects.filter(user=cast["viewer"]).update)(expires_at=soon)
        assert await socket.close_code() == 4404


async def test_a_removed_engine_closes_its_sockets(dial, cast, operation, engine):
    async with dial(at("operation", operation), cast["viewer"]) as log, dial(PLACES[1], cast["viewer"]) as events:
        await let_in(log, "operation", engine)
        await let_in(events, PLACES[1], engine)
        await database_sync_to_async(Engine.objects.all().delete)()
        await hints.announce_access()
        assert [await log.close_code(), await events.close_code()] == [4404, 4404]


async def test_one_person_does_not_hold_sockets_without_end_and_may_come_again(dial, cast, engine, monkeypatch):
    monkeypatch.setattr(gate, "_MOST_SOCKETS", 2)
    async with dial("/ws/fleet/", cast["viewer"]), dial("/ws/fleet/", cast["viewer"]):
        async with dial("/ws/fleet/", cast["viewer"]) as third:
            assert await third.close_code() == 1013
        async with dial("/ws/fleet/", cast["builder"]) as other:
            assert await other.receive_nothing(timeout=0.2)
    async with dial("/ws/fleet/", cast["viewer"]) as again:
        assert await again.receive_nothing(timeout=0.2)
    assert not gate._open[cast["viewer"].pk]


@pytest.mark.parametrize(("name", "code"), [("manager", 4404), ("administrator", 1000)])
async def test_an_operation_of_a_removed_engine_is_watched_by_administrators_only(
    dial, cast, engine, operation, name, code
):
    await database_sync_to_async(engine.delete)()
    await database_sync_to_async(Operation.objects.update)(status=Operation.Status.FAILED)
    async with dial(at("operation", operation), cast[name]) as socket:
        assert await socket.close_code() == code
