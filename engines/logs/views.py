"""Pages of logs, and whole logs as files."""

from dataclasses import replace

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from engines import reach
from engines.containers import entry
from engines.containers.frame import frame, shown
from engines.containers.listing import every
from engines.logs import queries
from engines.logs.types import Source, Wanted
from engines.models import Engine
from engines.permissions import Permission
from engines.web.download import download
from engines.web.gate import engine_view, person

#: Containers whose logs are shown as one: each has a socket of its own.
_MOST = 12


@require_safe
@engine_view(Permission.CONTAINER_LOGS)
def log(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The log of one container; the page reads it over a socket."""
    found = shown(request, engine, container)
    entry.require_may_read_log(person(request), Permission.CONTAINER_LOGS, engine, found.detail.id)
    sources = [_source(engine, found.detail.id, found.detail.name)]
    return render(request, "logs/viewer.html", frame(engine, found, "container-logs") | {"sources": sources})


@require_safe
@engine_view(Permission.CONTAINER_LOGS)
def merged(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The logs of several containers as one: `container`, an id or name, as often as wanted."""
    wanted = set(request.GET.getlist("container"))
    rows = sorted(every(engine), key=lambda row: (row.state != "running", row.name.lower()))
    chosen = [row for row in rows if row.id in wanted or row.name in wanted][:_MOST]
    for subject in [row.id for row in chosen] or [""]:
        entry.require_may_read_log(person(request), Permission.CONTAINER_LOGS, engine, subject)
    context = {
        "engine": engine,
        "sources": [_source(engine, row.id, row.name) for row in chosen],
        "choices": [
            {"id": row.id, "name": row.name, "running": row.state == "running", "chosen": row in chosen} for row in rows
        ],
        "missing": sorted(wanted - {row.id for row in rows} - {row.name for row in rows}),
        "most": _MOST,
    }
    return render(request, "logs/merged.html", context)


@require_GET
@engine_view(Permission.CONTAINER_LOGS)
def whole(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """A log as a file, of all lines or those wanted: `format` is `plain` or `gz`, `timestamps` 1 or 0."""
    found = shown(request, engine, container)
    needs = entry.require_may_read_log(person(request), Permission.CONTAINER_LOGS, engine, found.detail.id)
    try:
        wanted = Wanted.from_query(dict(request.GET.lists()))
    except ValueError as error:
        raise BadRequest(str(error)) from error
    text = queries.text(
        reach.endpoint(engine),
        Source.from_api(found.inspect),
        replace(wanted, follow=False),
        timed=request.GET.get("timestamps") == "1",
    )
    name = f"{found.detail.name}-{timezone.now():%Y-%m-%d}.log"
    if request.GET.get("format") == "gz":
        blocks, name, kind = queries.gzipped(text), f"{name}.gz", "application/gzip"
    else:
        blocks, kind = text, "text/plain; charset=utf-8"
    return download(request, engine, needs, blocks, name=name, kind=kind)


def _source(engine: Engine, container: str, name: str) -> dict[str, str]:
    """What the page needs to know of a container to read its log."""
    own = {"slug": engine.slug, "container": container}
    page = reverse("container-logs", kwargs=own)
    download_page = reverse("container-log-download", kwargs=own)
    return {"id": container, "name": name, "page": page, "download": download_page, "socket": f"/ws{page}"}
