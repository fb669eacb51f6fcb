"""What containers use, as it is now.

`/ws/engines/<slug>/containers/<id>/stats/`: {"type":"sample","id","time","cpu","cpus","memory","memory_limit","peak",
"rx","tx","read","write","pids"} each second (`engines.stats.types.Sample`) · {"type":"ended","running","exit_code", …}
and 1000, when it does not run.
`/ws/engines/<slug>/stats/`: {"type":"samples","time","samples":[…]} of all running containers, every two seconds.
Both: {"type":"lost","sentence"} and 4502, when the engine is lost.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from engines.client.endpoint import Endpoint
from engines.client.errors import EngineError, EngineReplied, fault
from engines.client.ids import IdInvalid, require_name
from engines.client.stream import AsyncEngine
from engines.live.database import ask
from engines.live.engine import OneEngineConsumer
from engines.live.gate import BROKEN, ENDED, ENGINE_LOST, NO_SUCH_THING, UNASKED, Refused
from engines.logs.queries import source
from engines.permissions import Permission
from engines.secrets import SecretUnreadable
from engines.stats import queries

log = logging.getLogger(__name__)

Frame = dict[str, Any]
#: What a reader reads, given a way to the engine. The last frame is the end where its type is `ended`.
Reading = Callable[[AsyncEngine], AsyncGenerator[Frame]]


class Reader:
    """Reads for all sockets of this process that show the same: only the newest frame counts, so that no queue grows.

    `changed` is set and replaced at each frame. `end` is the code to close with, once there is no more.
    """

    def __init__(self, endpoint: Endpoint, reading: Reading) -> None:
        self.number = 0
        self.text = ""
        self.end: int | None = None
        self.changed = asyncio.Event()
        self.watchers = 0
        self.task = asyncio.create_task(self._read(endpoint, reading))

    async def _read(self, endpoint: Endpoint, reading: Reading) -> None:
        code = BROKEN
        try:
            async with AsyncEngine(endpoint) as way, aclosing(reading(way)) as frames:
                async for frame in frames:
                    self._tell(frame)
                    if frame["type"] == "ended":
                        break
            code = ENDED
        except EngineReplied as error:
            code = NO_SUCH_THING if error.status == 404 else ENGINE_LOST
        except EngineError as error:
            self._tell({"type": "lost", "sentence": str(error)})
            code = ENGINE_LOST
        except Exception:
            log.exception("a reader of statistics broke")
        finally:
            self.end = code
            self._wake()

    def _tell(self, frame: Frame) -> None:
        self.text = json.dumps(frame, separators=(",", ":"))
        self.number += 1
        self._wake()

    def _wake(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


#: By engine, as it is reached now, and container; the empty one stands for all that run.
_readers: dict[tuple[Endpoint, str], Reader] = {}


class _StatsConsumer(OneEngineConsumer):
    """Sends what the reader of all who look at the same has read last, at the pace of its browser."""

    permission = Permission.CONTAINER_VIEW

    async def serve(self) -> int:
        try:
            container = self._container and require_name(self._container)
            key = (await ask(self._endpoint), container)
        except IdInvalid as error:
            raise Refused(UNASKED) from error
        except SecretUnreadable as error:
            await self.send_frame({"type": "lost", "sentence": str(error)})
            return ENGINE_LOST
        reader = _readers.get(key)
        if reader is None or reader.end is not None:
            reader = _readers[key] = Reader(key[0], _one(container) if container else _all)
        reader.watchers += 1
        try:
            return await self._pass_on(reader)
        finally:
            reader.watchers -= 1
            if reader.watchers == 0:
                reader.task.cancel()
                if _readers.get(key) is reader:
                    del _readers[key]

    async def _pass_on(self, reader: Reader) -> int:
        seen = 0
        while True:
            changed = reader.changed
            if reader.number != seen:
                seen = reader.number
                await self.send_text(reader.text)
            elif reader.end is not None:
                return reader.end
            else:
                await changed.wait()


class ContainerStatsConsumer(_StatsConsumer):
    """`/ws/engines/<slug>/containers/<id>/stats/`"""


class EngineStatsConsumer(_StatsConsumer):
    """`/ws/engines/<slug>/stats/`"""


def _one(container: str) -> Reading:
    async def read(way: AsyncEngine) -> AsyncGenerator[Frame]:
        now = await source(way, container)
        if now.running:
            async with aclosing(queries.follow(way, now.id)) as samples:
                async for sample in samples:
                    if sample is not None:
                        yield {"type": "sample", **sample.frame()}
                    elif not (now := await source(way, now.id)).running:
                        break
            now = await source(way, now.id)
        if now.running:
            raise fault("cut")
        yield now.end()

    return read


async def _all(way: AsyncEngine) -> AsyncGenerator[Frame]:
    async with aclosing(queries.rounds(way)) as found:
        async for samples in found:
            told = [sample.frame() for sample in samples]
            yield {"type": "samples", "time": round(time.time() * 1000), "samples": told}
