"""Gathers hints: a thousand events a second become a few hints, the first at once, the last never lost."""

import asyncio

from engines import hints

#: The first hint of a topic waits this long for others of the same burst; further ones come at most every
#: `_SPACING_SECONDS`. Topics do not wait for each other.
_FIRST_SECONDS = 0.005
_SPACING_SECONDS = 0.25


class Gatherer:
    """The hints of one engine."""

    def __init__(self, engine_pk: int) -> None:
        self._engine_pk = engine_pk
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def add(self, topic: str) -> None:
        """Tell the pages soon that `topic` changed."""
        if topic in self._sending:
            self._again.add(topic)
        else:
            self._sending[topic] = asyncio.create_task(self._send(topic))

    async def _send(self, topic: str) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            self._again.discard(topic)
            await hints.try_to(hints.announce_change, self._engine_pk, topic)
            await asyncio.sleep(_SPACING_SECONDS)
            if topic not in self._again:
                del self._sending[topic]
                return
