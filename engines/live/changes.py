"""Sockets of pages that show what may change: hints say what to ask for again, never what it is now.

The sender has gathered hints that come close together.

Frame: {"type":"changed","topic":"containers"|"images"|"state"|"operations"|…}.
"""

import asyncio
import logging
from collections.abc import Iterable

from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from redis.exceptions import RedisError

from engines import access, hints
from engines.live.gate import FORBIDDEN, NO_SUCH_THING, GatedConsumer, Refused
from engines.permissions import Permission

log = logging.getLogger(__name__)

_RETRY_SECONDS = 2


class _Changes(GatedConsumer):
    """Sends the hints of some groups, as far as they concern engines that the person may see."""

    groups_heard: tuple[str, ...] = ()
    engines_seen: frozenset[int] = frozenset()

    async def serve(self) -> int:
        while True:
            try:
                await self._hear()
            except (OSError, RedisError):
                # Redis restarts: the page may have missed something, so it asks for all again.
                await asyncio.sleep(_RETRY_SECONDS)
                await self._send(hints.TOPICS)

    async def _hear(self) -> None:
        layer = get_channel_layer()
        channel: str = await layer.new_channel()
        for group in self.groups_heard:
            await layer.group_add(group, channel)
        try:
            while True:
                message = await layer.receive(channel)
                if message.get("engine") in self.engines_seen and message.get("topic") in hints.TOPICS:
                    await self._send([message["topic"]])
        finally:
            for group in self.groups_heard:
                await layer.group_discard(group, channel)

    async def _send(self, topics: Iterable[str]) -> None:
        for topic in topics:
            await self.send_frame({"type": "changed", "topic": topic})


class EngineConsumer(_Changes):
    """`/ws/engines/<slug>/events/`: what changes on one engine."""

    permission = Permission.EVENT_VIEW

    def admit(self, user: User) -> None:
        engine = access.visible_engines(user).filter(slug=self.scope["url_route"]["kwargs"]["slug"]).first()
        if engine is None:
            raise Refused(NO_SUCH_THING)
        if not access.can(user, self.permission, engine):
            raise Refused(FORBIDDEN)
        self.groups_heard, self.engines_seen = (hints.engine_group(engine.pk),), frozenset({engine.pk})


class FleetConsumer(_Changes):
    """`/ws/fleet/`: what changes on any engine that the person may see."""

    permission = "login: hears only of engines the person may see"
    groups_heard = (hints.FLEET,)

    def admit(self, user: User) -> None:
        self.engines_seen = frozenset(access.visible_engines(user).values_list("pk", flat=True))
