"""Sockets of pages that show what may change: hints say what to ask for again, never what it is now.

The sender has gathered hints that come close together.

Frames: {"type":"changed","topic":"containers"|"images"|"state"|"operations"|…} · {"type":"rights"}, when the person may
do more or less there than before.
"""

import asyncio
import logging
from collections.abc import Iterable

from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from redis.exceptions import RedisError

from engines import access, hints
from engines.live.gate import GatedConsumer
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import resolve

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

    async def rights_changed(self) -> None:
        await self.send_frame({"type": "rights"})

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

    def rights(self, user: User) -> frozenset[object]:
        engine = Engine.objects.filter(slug=self._slug).first()
        if engine is None:
            return frozenset()
        self.groups_heard, self.engines_seen = (hints.engine_group(engine.pk),), frozenset({engine.pk})
        return access.held(user, engine)

    def deny(self, user: User) -> None:
        resolve(user, self._slug, self.permission)

    @property
    def _slug(self) -> str:
        slug: str = self.scope["url_route"]["kwargs"]["slug"]
        return slug


class FleetConsumer(_Changes):
    """`/ws/fleet/`: what changes on any engine that the person may see."""

    permission = "login: hears only of engines the person may see"
    groups_heard = (hints.FLEET,)

    def rights(self, user: User) -> frozenset[object]:
        if access.must_enrol(user):
            return frozenset()
        roles = access.roles(user)
        self.engines_seen = frozenset(roles)
        return frozenset({self.permission, ("administrator", user.is_superuser), *roles.items()})
