"""Reads about one container: its processes, and what is known of its end."""

import json
from contextlib import aclosing
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.utils import timezone

from engines import reach
from engines.audit import queries as audit
from engines.audit.types import Act as Recorded
from engines.audit.types import Choice
from engines.client.connect import call
from engines.client.endpoint import Endpoint
from engines.client.errors import NotAnEngine
from engines.client.ids import require_name
from engines.client.stream import AsyncEngine, messages
from engines.diagnosis.types import Event, Processes, harmless
from engines.diagnosis.verdict import Act
from engines.logs import queries as logs
from engines.logs.types import Source, Wanted
from engines.models import Engine

#: Before and after the end of a container, in which events and acts are looked for.
AROUND = timedelta(seconds=60)
#: A stop may take this long before the container ends.
_ACTS_BEFORE = timedelta(minutes=11)
_MOST_EVENTS = 256
_MOST_ACTS = 50
_SECONDS = 10
_LAST_LINES = 40
_KEPT_BYTES = 128 << 10
_MOST_READ_BYTES = 16 << 20
#: The last lines are written down a moment after the end.
_LATE = timedelta(seconds=1)
_LOOKED_BACK = 300 * 10**9


def processes(engine: Engine, container_id: str, arguments: str) -> Processes:
    """What runs in a container, as `ps` with `arguments` shows it. Raises EngineError, IdInvalid."""
    path = f"/containers/{require_name(container_id)}/top"
    reply = call(reach.client(engine), "GET", path, params={"ps_args": arguments})
    if not isinstance(reply, dict):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    return Processes.from_api(reply)


def events(engine: Engine, container_id: str, since: datetime, until: datetime) -> list[Event]:
    """What the engine still knows to have happened to the container then; it keeps its last 256 events of all kinds.

    Raises EngineError.
    """
    return async_to_sync(_events)(reach.endpoint(engine), container_id, since, until)


async def _events(endpoint: Endpoint, container_id: str, since: datetime, until: datetime) -> list[Event]:
    # The engine waits until a time that is still to come.
    until = min(until, timezone.now())
    params = {
        "since": f"{since.timestamp():.3f}",
        "until": f"{until.timestamp():.3f}",
        "filters": json.dumps({"container": [require_name(container_id)], "type": ["container"]}),
    }
    found: list[Event] = []
    async with (
        AsyncEngine(endpoint) as way,
        way.request("GET", "/events", params=params, seconds=_SECONDS) as reply,
    ):
        async for message in messages(reply):
            event = Event.from_api(message)
            if event is not None and not event.action.startswith(("exec_", "top", "archive-path")):
                found.append(event)
            if len(found) >= _MOST_EVENTS:
                break
    return found


def last_lines(engine: Engine, of: Source, finished: datetime) -> list[str]:
    """The last lines that a container wrote before its end at `finished`, made harmless. Raises EngineError."""
    end = int((finished + _LATE).timestamp() * 1e9)
    # Of one that runs again the end of the log is of a later run.
    wanted = Wanted(since=end - _LOOKED_BACK, until=end) if of.running else Wanted(tail=str(_LAST_LINES))
    return async_to_sync(_last_lines)(reach.endpoint(engine), of, wanted)


async def _last_lines(endpoint: Endpoint, of: Source, wanted: Wanted) -> list[str]:
    kept, read = b"", 0
    async with aclosing(logs.text(endpoint, of, wanted, timed=False)) as blocks:
        async for block in blocks:
            kept, read = (kept + block)[-_KEPT_BYTES:], read + len(block)
            if read > _MOST_READ_BYTES:
                break
    return [harmless(line) for line in kept.decode(errors="replace").splitlines()[-_LAST_LINES:]]


def acts(engine: Engine, container_id: str, around: datetime, *, named: bool) -> list[Act]:
    """What was done to the container through this console shortly before and after; who, only if `named`."""
    choice = Choice(
        act="container.*",
        engine=engine.pk,
        since=around - _ACTS_BEFORE,
        until=around + AROUND,
        words=(container_id,),
    )
    found = audit.page(choice, before=None, rows=_MOST_ACTS).acts
    return [_act(act, named=named) for act in found if not act.denied]


def _act(act: Recorded, *, named: bool) -> Act:
    over = act.last.at if act.last.outcome else None
    return Act(act.last.act, act.entries[0].at, over, act.last.actor_name if named else "")
