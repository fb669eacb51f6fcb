"""Statistics, read from the engine again and again. Raises EngineError, and IdInvalid for what cannot be an id."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping

from engines.client.errors import EngineReplied
from engines.client.fields import tables, text
from engines.client.ids import require_name
from engines.client.stream import AsyncEngine, messages
from engines.stats.peaks import saw
from engines.stats.types import Sample

#: The engine sends a sample every second.
_SILENT_SECONDS = 15
#: From the start of one round through all running containers to that of the next.
ROUND_SECONDS = 2.0
_PAUSE_SECONDS = 0.5
_AT_ONCE = 64


async def follow(way: AsyncEngine, container: str) -> AsyncGenerator[Sample | None]:
    """A sample each second, None instead while it does not run, the end when it is removed. `container` is its id."""
    path = f"/containers/{require_name(container)}/stats"
    before: Sample | None = None
    async with way.request("GET", path, params={"stream": "1"}, silence=_SILENT_SECONDS) as response:
        async for message in messages(response):
            before = Sample.from_api(container, message, before)
            if before is not None:
                saw(before)
            yield before


async def rounds(way: AsyncEngine) -> AsyncGenerator[list[Sample]]:
    """The samples of all running containers, every two seconds; later where an engine has very many.

    One call for each: a stream of each costs the engine eight times as much.
    """
    before: dict[str, Sample] = {}
    limit = asyncio.Semaphore(_AT_ONCE)
    while True:
        began = time.monotonic()
        listed = await way.json("GET", "/containers/json")
        ids = [text(each.get("Id")) for each in tables(listed)]
        found = await asyncio.gather(*(_sample(way, each, before.get(each), limit) for each in ids if each))
        before = {each.id: each for each in found if each is not None}
        yield list(before.values())
        await asyncio.sleep(max(_PAUSE_SECONDS, ROUND_SECONDS - (time.monotonic() - began)))


async def _sample(way: AsyncEngine, container: str, before: Sample | None, limit: asyncio.Semaphore) -> Sample | None:
    """None of one that has ended meanwhile."""
    path = f"/containers/{require_name(container)}/stats"
    async with limit:
        try:
            reply = await way.json("GET", path, params={"stream": "0", "one-shot": "1"})
        except EngineReplied:
            return None
    sample = Sample.from_api(container, reply, before) if isinstance(reply, Mapping) else None
    if sample is not None:
        saw(sample)
    return sample
