"""The sockets of pages: hints of engines that the person may see, and of no others."""

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError

from engines import hints
from engines.live import gate
from engines.live.changes import FleetConsumer
from engines.models import Engine, Grant
from tests.live.conftest import settled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


async def test_an_engine_s_page_hears_of_that_engine(dial, cast, engine):
    async with dial("/ws/engines/harbour/events/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        await hints.announce_change(engine.pk, "containers")
        assert await socket.frame() == {"type": "changed", "topic": "containers"}


async def test_the_fleet_hears_only_of_engines_the_person_may_see(dial, cast, engine):
    other = await Engine.objects.acreate(name="Other", slug="other", url="unix:///o.sock")
    async with dial("/ws/fleet/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        await hints.announce_change(other.pk, "containers")
        assert await socket.receive_nothing(timeout=0.2)
        await hints.announce_change(engine.pk, "images")
        assert (await socket.frame())["topic"] == "images"


async def test_a_new_grant_is_heard_without_reconnecting(dial, cast, engine):
    other = await Engine.objects.acreate(name="Other", slug="other", url="unix:///o.sock")
    async with dial("/ws/fleet/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        await database_sync_to_async(Grant.objects.create)(engine=other, user=cast["viewer"], role=10)
        await settled(socket, other.pk)


async def test_a_stranger_s_socket_is_closed_as_if_there_were_no_such_engine(dial, cast):
    for slug in ("harbour", "missing"):
        async with dial(f"/ws/engines/{slug}/events/", cast["stranger"]) as socket:
            assert await socket.close_code() == 4404


async def test_nobody_logged_in_hears_nothing(dial, cast):
    for place in ("/ws/fleet/", "/ws/engines/harbour/events/"):
        async with dial(place) as socket:
            assert await socket.close_code() == 4401


async def test_a_withdrawn_grant_closes_the_engine_s_socket(dial, cast, engine):
    async with dial("/ws/engines/harbour/events/", cast["viewer"]) as socket:
        await settled(socket, engine.pk)
        await database_sync_to_async(Grant.objects.all().delete)()
        assert await socket.close_code() == 4404


async def test_a_socket_whose_check_breaks_is_closed_not_left_silent(dial, cast, monkeypatch):
    async with dial("/ws/fleet/", cast["viewer"]) as socket:

        def broken(self: FleetConsumer, user: User) -> frozenset[object]:
            raise DatabaseError("away")

        monkeypatch.setattr(FleetConsumer, "rights", broken)
        assert await socket.close_code() == gate.BROKEN
