"""Follows one engine: its state, then its events for as long as they come, and again after every failure."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from engines.client.connect import negotiate
from engines.client.endpoint import Endpoint
from engines.client.errors import EngineError, NotAnEngine
from engines.client.stream import AsyncEngine, messages
from engines.watcher.gather import Gatherer
from engines.watcher.reading import Event, Reading

log = logging.getLogger(__name__)

#: A hanging engine is told within twice this: the next ping, and its patience.
PING_SECONDS = 4.5
_CALL_SECONDS = 5
_COUNT_SECONDS = 0.4
_BACK_OFF = (0.5, 1, 2, 5)


class Follower:
    """Follows `endpoint` until cancelled.

    What it finds goes to `pinned` (the API version agreed, when none was), `learned` (a Reading) and `failed`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        gatherer: Gatherer,
        *,
        pinned: Callable[[str], None],
        learned: Callable[[Reading], None],
        failed: Callable[[str], None],
        since: str = "",
    ) -> None:
        self._endpoint = endpoint
        self._gatherer = gatherer
        self._pinned = pinned
        self._learned = learned
        self._failed = failed
        self.since = since
        self._ask_again = asyncio.Event()

    async def follow(self) -> None:
        """For ever."""
        failures = 0
        while True:
            try:
                async with AsyncEngine(self._endpoint) as engine:
                    if not self._endpoint.api_version:
                        # Agreed once, at the first contact. The row changes, and another follower begins with it.
                        self._pinned(negotiate(await self._ask(engine, "/version")))
                    await self._read(engine)
                    failures = 0
                    self._missed_something()
                    await self._stay(engine)
            except EngineError as error:
                self._failed(str(error))
                wait = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)]
                failures += 1
                # Not in step: a hundred engines behind one broken switch would come back at once.
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)

    async def _read(self, engine: AsyncEngine) -> None:
        self._learned(Reading.from_api(await self._ask(engine, "/info")))

    @staticmethod
    async def _ask(engine: AsyncEngine, path: str) -> dict[str, Any]:
        reply = await engine.json("GET", path, seconds=_CALL_SECONDS)
        if not isinstance(reply, dict):
            raise NotAnEngine("The engine sent other JSON than a Docker Engine does.")
        return reply

    def _missed_something(self) -> None:
        for topic in ("containers", "images", "networks", "volumes"):
            self._gatherer.add(topic)

    async def _stay(self, engine: AsyncEngine) -> None:
        """Ends by an EngineError: the stream, the pings or a count failed."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._guard(work))
                for work in (self._events(engine), engine.vigil(every=PING_SECONDS, misses=1), self._count(engine))
            ]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        for task in done:
            if (error := task.result()) is not None:
                raise error

    @staticmethod
    async def _guard(work: "asyncio.Future[None] | object") -> EngineError | None:
        # Returned, not raised: a TaskGroup would wrap it.
        try:
            await work  # type: ignore[misc]
        except EngineError as error:
            return error
        return NotAnEngine("The engine ended its stream of events.")

    async def _events(self, engine: AsyncEngine) -> None:
        params = {"since": self.since} if self.since else {}
        async with engine.request("GET", "/events", params=params) as response:
            async for message in messages(response):
                event = Event.from_api(message)
                self.since = event.cursor or self.since
                if event.topic:
                    self._gatherer.add(event.topic)
                    self._ask_again.set()

    async def _count(self, engine: AsyncEngine) -> None:
        """Ask for the counts again after events, but not after each."""
        while True:
            await self._ask_again.wait()
            await asyncio.sleep(_COUNT_SECONDS)
            self._ask_again.clear()
            await self._read(engine)
