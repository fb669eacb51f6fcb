"""Pages of live statistics: of one container, and of all that run on an engine. Their numbers come by sockets."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from engines.containers import listing
from engines.containers.frame import frame, shown
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import engine_view
from engines.web.respond import respond

#: Key, label and class of each column of the board.
_COLUMNS = (
    ("name", "Name", ""),
    ("cpu", "CPU", "num"),
    ("memory", "Memory", "num"),
    ("rx", "Received", "num p2"),
    ("tx", "Sent", "num p2"),
    ("read", "Read", "num p3"),
    ("write", "Written", "num p3"),
    ("pids", "Processes", "num p2"),
)


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_stats(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Charts of one container."""
    found = shown(request, engine, container)
    path = f"/ws/engines/{engine.slug}/containers/{found.detail.id}/stats/"
    return render(request, "stats/container.html", frame(engine, found, "container-stats") | {"socket": path})


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def engine_stats(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """A row for each container that runs. Which they are comes from the engine; what they use, by the socket."""
    running = [each for each in listing.every(engine) if each.state in {"running", "paused", "restarting"}]
    context = {
        "engine": engine,
        "columns": _COLUMNS,
        "containers": sorted(running, key=lambda each: each.name.lower()),
        "base": reverse("containers", kwargs={"slug": engine.slug}),
        "socket": f"/ws/engines/{engine.slug}/stats/",
    }
    return respond(request, "stats/engine.html", context, partial="rows")
