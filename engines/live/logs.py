"""`/ws/engines/<slug>/containers/<id>/logs/`: a container's log, as it comes from the engine.

Query: `tail`, `since`, `until`, `stdout`, `stderr`, `follow`, and `seen=<stream>,<count>,<timestamp>` of each stream
(`engines.logs.types`). Messages: {"type":"start","id","name","tty","running"} · binary, one or more of Docker's frames
(`engines.client.frames`), which may end within a line · {"type":"gap"}, before all binary ones, when the log does not
hold any more what was seen of it · {"type":"ended","running","restarted","exit_code","oom_killed","finished_at"} and
1000 · {"type":"refused","sentence"} and 1000, when the engine gives no log · {"type":"lost","sentence"} and 4502: the
engine was lost; the same URL with `seen` resumes without gap or repetition.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs

from django.contrib.auth.models import User

from engines.client.errors import EngineError, EngineReplied, fault
from engines.client.frames import GAP, multiplexed
from engines.client.ids import require_name
from engines.client.stream import AsyncEngine
from engines.containers import entry
from engines.live.database import ask
from engines.live.engine import OneEngineConsumer
from engines.live.gate import ENDED, ENGINE_LOST, NO_SUCH_THING, UNASKED, Refused
from engines.logs import queries
from engines.logs.types import Source, Wanted
from engines.models import Engine
from engines.permissions import Permission
from engines.secrets import SecretUnreadable
from engines.web.gate import resolve

#: Of one message to the browser, about.
_MESSAGE_BYTES = 256 << 10
#: After less than this the log is left to gather for a moment: a message costs more than its bytes.
_LITTLE_BYTES = 64 << 10
_GATHER_SECONDS = 0.02
#: A hanging engine is told after three pings, each of which may take as long.
_PING_SECONDS = 5


class LogConsumer(OneEngineConsumer):
    """Reads one container's log for one browser, and no faster than that browser does."""

    permission = Permission.CONTAINER_LOGS

    def _kept(self, held: frozenset[Permission], engine: Engine) -> frozenset[Permission]:
        return held if entry.may_read_log(held, engine) else held - {self.permission}

    def deny(self, user: User) -> None:
        engine = resolve(user, self._slug, self.permission)
        entry.require_may_read_log(user, self.permission, engine, self._container)

    async def serve(self) -> int:
        """Send what is wanted, until there is no more of it."""
        try:
            wanted = Wanted.from_query(parse_qs(self.scope["query_string"].decode("latin-1")))
            container = require_name(self._container)
        except ValueError as error:
            raise Refused(UNASKED) from error
        try:
            async with AsyncEngine(await ask(self._endpoint)) as way:
                return await self._beside(way, self._send_log(way, container, wanted))
        except EngineReplied as error:
            if error.status == 404:
                return NO_SUCH_THING
            await self.send_frame({"type": "refused", "sentence": str(error)})
            return ENDED
        except (EngineError, SecretUnreadable) as error:
            await self.send_frame({"type": "lost", "sentence": str(error)})
            return ENGINE_LOST

    async def _send_log(self, way: AsyncEngine, container: str, wanted: Wanted) -> int:
        source = await queries.source(way, container)
        start = {"id": source.id, "name": source.name, "tty": source.tty, "running": source.running}
        await self.send_frame({"type": "start", **start})
        async for runs in queries.runs(way, source, wanted):
            if runs[0][0] == GAP:
                await self.send_frame({"type": "gap"})
            sent = 0
            for message in multiplexed(runs, _MESSAGE_BYTES):
                await self.send_bytes(message)
                sent += len(message)
            if sent < _LITTLE_BYTES:
                await asyncio.sleep(_GATHER_SECONDS)
        await self.send_frame(await self._end(way, source, wanted))
        return ENDED

    @staticmethod
    async def _end(way: AsyncEngine, before: Source, wanted: Wanted) -> dict[str, Any]:
        """How the log ended. Raises EngineError when it did not: a stream that was cut ends like any other."""
        now = await queries.source(way, before.id)
        restarted = wanted.follow and (now.restarting or now.started != before.started)
        if wanted.follow and now.running and not restarted:
            raise fault("cut")
        return now.end(restarted=restarted)

    @staticmethod
    async def _beside(way: AsyncEngine, work: Coroutine[Any, Any, int]) -> int:
        """What `work` gives, as long as the engine answers. Raises EngineError when it does not any more."""
        working, vigil = asyncio.create_task(work), asyncio.create_task(way.vigil(every=_PING_SECONDS))
        try:
            await asyncio.wait([working, vigil], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await vigil
            return await working
        finally:
            working.cancel()
            vigil.cancel()
            await asyncio.gather(working, vigil, return_exceptions=True)
