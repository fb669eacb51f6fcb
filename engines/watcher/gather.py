"""Gathers hints: a thousand events a second become a few hints, the first at once, the last never lost."""

import asyncio

from engines import hints

#: The first hint waits this long for others of the same burst; further ones come at most every `_SPACING_SECONDS`.
_FIRST_SECONDS = 0.01
_SPACING_SECONDS = 0.25


class Gatherer:
    """The hints of one engine."""

    def __init__(self, engine_pk: int) -> None:
        self._engine_pk = engine_pk
        self._topics: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, topic: str) -> None:
        """Tell the pages soon that `topic` changed."""
        self._topics.add(topic)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while self._topics:
            topics, self._topics = self._topics, set()
            for topic in sorted(topics):
                await hints.try_to(hints.announce_change, self._engine_pk, topic)
            await asyncio.sleep(_SPACING_SECONDS)
