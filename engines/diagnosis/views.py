"""Pages that look into one container."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from engines.client.errors import EngineError, EngineReplied
from engines.client.fields import number, table
from engines.containers import entry
from engines.containers.frame import Shown, frame, shown
from engines.diagnosis import queries
from engines.diagnosis.forms import COLUMNS, EVERY, View
from engines.diagnosis.types import Event, Health, Processes, Tree, moment
from engines.diagnosis.verdict import Death, causes
from engines.logs.types import Source
from engines.models import Engine
from engines.permissions import Permission
from engines.stats.peaks import peak
from engines.web.gate import engine_view, person
from engines.web.respond import respond
from engines.web.templatetags.ui import memory


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def inspect(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """All the engine says of a container, as a tree and as JSON."""
    found = shown(request, engine, container)
    context = frame(engine, found, "container-inspect") | {
        "tree": Tree(found.inspect),
        "raw": json.dumps(found.inspect, indent=2, ensure_ascii=False),
        "masked": not found.sees_values,
    }
    return render(request, "diagnosis/inspect.html", context)


@require_safe
@engine_view(Permission.CONTAINER_TOP)
def processes(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """What runs in a container; the query chooses the columns, their order and how often to look again."""
    found, view = shown(request, engine, container), View.from_query(request.GET)
    entry.require_may_read_log(person(request), Permission.CONTAINER_TOP, engine, found.detail.id)
    listed, refusal = _processes(engine, found, view)
    context = frame(engine, found, "container-processes") | {
        "listed": listed,
        "refusal": refusal,
        "view": view,
        "columns": COLUMNS,
        "every": EVERY,
        "heads": [(title, view.link(title)) for title in listed.titles],
        "at": timezone.now(),
    }
    return respond(request, "diagnosis/processes.html", context, partial="processes")


def _processes(engine: Engine, found: Shown, view: View) -> tuple[Processes, str]:
    """The processes, and why there are none to be shown."""
    if found.detail.state not in {"running", "paused"}:
        return Processes((), ()), ""
    try:
        listed = queries.processes(engine, found.detail.id, view.arguments)
    except EngineReplied as refusal:
        return Processes((), ()), refusal.reason
    return listed.sorted(view.sort, descending=view.descending), ""


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def health(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The health check of a container, what its last probes said, and when the next one is due."""
    found = shown(request, engine, container)
    context = frame(engine, found, "container-health") | {"health": Health.from_api(found.inspect)}
    return respond(request, "diagnosis/health.html", context, partial="health")


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def why(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Why a container stopped, or did so the last time: all that is known of it on one page."""
    found = shown(request, engine, container)
    finished = moment(table(found.inspect.get("State")).get("FinishedAt"))
    context = frame(engine, found, "container-why") | {
        "finished": finished,
        "health": Health.from_api(found.inspect),
        "limit": found.detail.memory_bytes,
        "peak": peak(found.detail.id),
        "ran": _ran(found),
    }
    if finished is not None:
        context |= _end(request, engine, found, finished)
    return render(request, "diagnosis/why.html", context)


def _ran(found: Shown) -> float | None:
    """How long its last run took, in seconds; None while it runs."""
    started, finished = found.detail.started, found.detail.finished
    if started is None or finished is None or finished < started:
        return None
    return (finished - started).total_seconds()


def _end(request: HttpRequest, engine: Engine, found: Shown, finished: datetime) -> dict[str, Any]:
    """What is known of the end at `finished`."""
    events, unheard = _events(engine, found.detail.id, finished)
    acts = queries.acts(engine, found.detail.id, finished, named=Permission.AUDIT_VIEW in found.held)
    limit = found.detail.memory_bytes
    death = Death(
        exit_code=_exit_code(found, events),
        finished=finished,
        oom_killed=found.detail.oom_killed,
        error=found.detail.error,
        memory_limit=memory(limit) if limit else "",
        events=events,
        acts=acts,
    )
    lines, unread = _lines(engine, found, finished)
    return {
        "death": death,
        "causes": causes(death),
        "events": events,
        "unheard": unheard,
        "acts": acts,
        "lines": lines,
        "unread": unread,
    }


def _lines(engine: Engine, found: Shown, finished: datetime) -> tuple[list[str], str]:
    """Its last lines, and why they cannot be shown."""
    if Permission.CONTAINER_LOGS not in found.held or not entry.may_read_log(found.held, engine):
        return [], "Logs of this engine are not for your role."
    try:
        return queries.last_lines(engine, Source.from_api(found.inspect), finished), ""
    except EngineReplied as refusal:
        return [], refusal.reason
    except EngineError as error:
        return [], str(error)


def _events(engine: Engine, container_id: str, finished: datetime) -> tuple[list[Event], str]:
    """What happened around the end, and why that could not be asked."""
    try:
        return queries.events(engine, container_id, finished - queries.AROUND, finished + queries.AROUND), ""
    except EngineError as error:
        return [], str(error)


def _exit_code(found: Shown, events: list[Event]) -> int:
    """Of its last end: of one that runs again, only an event says it."""
    codes = [event.attributes.get("exitCode", "") for event in events if event.action == "die"]
    if found.detail.exit_code is None and codes and codes[-1].isdecimal():
        return int(codes[-1][:4])
    return number(table(found.inspect.get("State")).get("ExitCode"))
