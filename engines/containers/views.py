"""The page of a container, and the verbs under it."""

from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from engines import reach
from engines.containers import actions, queries
from engines.containers.frame import Gone, frame, published_host, shown
from engines.containers.rows import port_link
from engines.containers.standing import standing
from engines.containers.verbs import VERBS, Action, failure, removal
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import engine_view, person
from engines.web.respond import respond


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_page(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """One container, by one inspect."""
    try:
        found = shown(request, engine, container)
    except Gone:
        if request.headers.get("HX-Request"):
            # The part above says that it is gone; nothing can be said of it here.
            return HttpResponse()
        raise
    extent = queries.reach_of(reach.client(engine), engine, found.inspect)
    host = published_host(request, engine)
    context = frame(engine, found, "container") | {
        "ports": [(port, port_link(port, host)) for port in found.detail.ports],
        "reach": extent,
        "standing": standing(engine, found.inspect),
        "enters": Permission.CONTAINER_ENTER_DANGEROUS in found.held,
    }
    return respond(request, "containers/detail.html", context, partial="body")


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_head(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The part above the tabs of every page of a container, as it is now; `tab` is the URL name of that page."""
    try:
        found = shown(request, engine, container)
    except Gone:
        return render(request, "containers/frame.html#gone", {"base": _base(engine)})
    context = frame(engine, found, request.GET.get("tab", ""))
    return render(request, "containers/frame.html#head", context)


@require_POST
@engine_view(Permission.CONTAINER_START)
def start(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    return _act(request, engine, container, "start")


@require_POST
@engine_view(Permission.CONTAINER_STOP)
def stop(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    return _act(request, engine, container, "stop")


@require_POST
@engine_view(Permission.CONTAINER_RESTART)
def restart(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    return _act(request, engine, container, "restart")


@require_POST
@engine_view(Permission.CONTAINER_KILL)
def kill(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """`signal` is one of actions.SIGNALS; KILL unless given."""
    signal = request.POST.get("signal", "KILL")
    if signal not in actions.SIGNALS:
        return HttpResponse("There is no such signal.", status=400, content_type="text/plain")
    done = "killed" if signal == "KILL" else f"got SIG{signal}"
    return _act(request, engine, container, "kill", partial(actions.kill, signal=signal), done)


@require_POST
@engine_view(Permission.CONTAINER_PAUSE)
def pause(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    return _act(request, engine, container, "pause")


@require_POST
@engine_view(Permission.CONTAINER_UNPAUSE)
def unpause(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    return _act(request, engine, container, "unpause")


@require_POST
@engine_view(Permission.CONTAINER_REMOVE)
def remove(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """`force` removes a running one, `volumes` its anonymous volumes as well."""
    return _act(request, engine, container, "remove", removal(request.POST))


def _act(
    request: HttpRequest, engine: Engine, container: str, verb: str, action: Action | None = None, done: str = ""
) -> HttpResponseBase:
    """`action` and `done` (what became of it) stand in for the verb's own."""
    own, _, word = VERBS[verb]
    found = failure(action or own, engine, container, by=person(request))
    _tell(request, request.POST.get("shown", "")[:60] or container[:12], done or word, found)
    return _told(request, engine)


def _tell(request: HttpRequest, shown: str, done: str, failed: str) -> None:
    if failed:
        messages.error(request, f"{shown}: {failed}")
    else:
        messages.success(request, f"{shown} {done}.")


def _told(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    if request.headers.get("HX-Request"):
        return render(request, "fragments/notices.html")
    return redirect("containers", slug=engine.slug)


def _base(engine: Engine) -> str:
    return reverse("containers", kwargs={"slug": engine.slug})
