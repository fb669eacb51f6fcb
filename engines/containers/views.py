"""Pages of an engine's containers, and the verbs under each container."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access
from engines.client.endpoint import parse
from engines.client.errors import EngineError, EngineReplied
from engines.client.ids import IdInvalid
from engines.containers import actions, queries
from engines.containers.forms import CreateForm
from engines.containers.queries import Choice
from engines.containers.rows import rows
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import engine_view, person
from engines.web.respond import respond

Action = Callable[..., None]

#: Verb -> what it does, what it takes, and what is said when it is done. For bulk; single verbs have views below.
_VERBS: dict[str, tuple[Action, Permission, str]] = {
    "start": (actions.start, Permission.CONTAINER_START, "started"),
    "stop": (actions.stop, Permission.CONTAINER_STOP, "stopped"),
    "restart": (actions.restart, Permission.CONTAINER_RESTART, "restarted"),
    "kill": (actions.kill, Permission.CONTAINER_KILL, "killed"),
    "pause": (actions.pause, Permission.CONTAINER_PAUSE, "paused"),
    "unpause": (actions.unpause, Permission.CONTAINER_UNPAUSE, "goes on"),
    "remove": (actions.remove, Permission.CONTAINER_REMOVE, "removed"),
}
_MOST_AT_ONCE = 200
#: Sort key (empty: not sortable), label and class of each column.
_COLUMNS = (
    ("name", "Name", ""),
    ("state", "State", ""),
    ("image", "Image", "p2"),
    ("", "Project", "p3"),
    ("", "Ports", "p3"),
    ("created", "Created", "p2"),
)


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_list(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Every container: `q`, `state` and `sort` (`-` before it turns the order) choose."""
    choice = Choice.from_query(request.GET)
    listing, may, base = queries.listing(engine, choice), _may(request, engine), _base(engine)
    context = {
        "engine": engine,
        "choice": choice,
        "listing": listing,
        "columns": _COLUMNS,
        "rows": rows(listing.rows, base=base, host=_published_host(request, engine), may=may),
        "may": may,
        "base": base,
    }
    return respond(request, "containers/list.html", context, partial="rows")


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_page(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """One container, by one inspect."""
    try:
        detail = queries.detail(engine, container)
    except IdInvalid as error:
        raise Http404("No such container.") from error
    except EngineReplied as error:
        if error.status == 404:
            raise Http404("No such container.") from error
        raise
    may = _may(request, engine)
    # An environment may hold secrets: its values are for those who could read them in the container anyway.
    env = detail.env if may["start"] else detail.masked_env
    context = {
        "engine": engine,
        "container": detail,
        "env": env,
        "may": may,
        "host": _published_host(request, engine),
        "signals": actions.SIGNALS,
        "base": _base(engine),
    }
    return respond(request, "containers/detail.html", context, partial="body")


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
    return _act(request, engine, container, "kill", signal=signal)


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
    return _act(request, engine, container, "remove", force="force" in request.POST, volumes="volumes" in request.POST)


@require_POST
@engine_view(Permission.CONTAINER_VIEW)
def bulk(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """`verb` on every `id`, one after the other: a failure is told and stops nothing."""
    verb, ids = request.POST.get("verb", ""), request.POST.getlist("id")[:_MOST_AT_ONCE]
    if verb not in _VERBS:
        return HttpResponse("There is no such action.", status=400, content_type="text/plain")
    if not access.can(person(request), _VERBS[verb][1], engine):
        raise PermissionDenied(f"Your role on {engine.name} does not include {_VERBS[verb][1].value}.")
    for container in ids:
        _tell(request, engine, container, verb)
    return _told(request, engine)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_CREATE)
def create(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form, with `?image=` filled in; POST creates, starts if wanted, and shows the container."""
    if request.method != "POST":
        form = CreateForm(initial={"image": request.GET.get("image", "")})
        return render(request, "containers/create.html", {"engine": engine, "form": form})
    form = CreateForm(request.POST)
    if form.is_valid():
        made = _create(request, engine, form)
        if made:
            return redirect("container", slug=engine.slug, container=made)
    return render(request, "containers/create.html", {"engine": engine, "form": form}, status=422)


def _create(request: HttpRequest, engine: Engine, form: CreateForm) -> str:
    """The id, or empty with the engine's refusal told at its field."""
    fields, user = form.cleaned_data, person(request)
    try:
        made = actions.create(
            engine, name=fields["name"], config=form.config(user.get_username()), start=fields["start"], by=user
        )
    except EngineReplied as refusal:
        field = {404: "image", 409: "name"}.get(refusal.status)
        form.add_error(field, refusal.reason)
        return ""
    messages.success(request, "Created and started." if fields["start"] else "Created.")
    return made


def _act(request: HttpRequest, engine: Engine, container: str, verb: str, **options: Any) -> HttpResponseBase:
    _tell(request, engine, container, verb, **options)
    return _told(request, engine)


def _tell(request: HttpRequest, engine: Engine, container: str, verb: str, **options: Any) -> None:
    """Do it, and leave a message about how it went."""
    action, _, done = _VERBS[verb]
    shown = request.POST.get("shown", "") or container[:12]
    try:
        action(engine, container, by=person(request), **options)
    except IdInvalid as error:
        messages.error(request, f"{shown[:60]}: {error}")
    except EngineReplied as refusal:
        messages.error(request, f"{shown[:60]}: {refusal.reason}")
    except EngineError as error:
        messages.error(request, f"{shown[:60]}: {error} {error.advice}")
    else:
        messages.success(request, f"{shown[:60]} {done}.")


def _told(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    if request.headers.get("HX-Request"):
        return render(request, "fragments/notices.html")
    return redirect("containers", slug=engine.slug)


def _may(request: HttpRequest, engine: Engine) -> dict[str, bool]:
    """Which verbs to offer. The server asks again when one is used."""
    held = access.held(person(request), engine)
    may = {verb: permission in held for verb, (_, permission, _) in _VERBS.items()}
    return may | {"create": Permission.CONTAINER_CREATE in held}


def _base(engine: Engine) -> str:
    return reverse("containers", kwargs={"slug": engine.slug})


def _published_host(request: HttpRequest, engine: Engine) -> str:
    """The host name under which published ports are reached: behind a unix socket, the console's own."""
    return parse(engine.url).host or request.get_host().rpartition(":")[0] or request.get_host()
