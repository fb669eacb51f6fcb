"""Pages of an engine's containers, and the verbs under each container."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access, reach
from engines.client.endpoint import parse
from engines.client.errors import EngineError, EngineReplied
from engines.client.ids import IdInvalid
from engines.containers import actions, queries
from engines.containers.forms import CreateForm
from engines.containers.frame import frame, offered, shown
from engines.containers.queries import Choice, Listing
from engines.containers.rows import port_link, rows
from engines.containers.types import tone_of
from engines.models import Engine
from engines.permissions import Permission
from engines.web import recent
from engines.web.gate import engine_view, person, require
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
_MOST_AT_ONCE = 400
_THREADS = 8
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
    listing, base = queries.listing(engine, choice), _base(engine)
    may = offered(access.held(person(request), engine))
    context = {
        "engine": engine,
        "choice": choice,
        "listing": listing,
        "all": choice.link(state=""),
        "chips": _chips(listing, choice),
        "columns": [(key, label, css, choice.by_column.get(key, "")) for key, label, css in _COLUMNS],
        "rows": rows(listing.rows, base=base, host=_published_host(request, engine), may=may),
        "may": may,
        "base": base,
    }
    page = respond(request, "containers/list.html", context, partial="rows")
    if request.headers.get("HX-Request"):
        # What is typed into the filter can be reloaded, and sent to somebody.
        page["HX-Replace-Url"] = choice.link() if choice != Choice() else base
    return page


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_page(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """One container, by one inspect."""
    try:
        found = shown(request, engine, container)
    except Http404:
        if request.headers.get("HX-Request"):
            # The part above says that it is gone; nothing can be said of it here.
            return HttpResponse()
        raise
    extent = queries.reach_of(reach.client(engine), engine, found.inspect)
    host = _published_host(request, engine)
    context = frame(engine, found, "container") | {
        "ports": [(port, port_link(port, host)) for port in found.detail.ports],
        "reach": extent,
        "enters": Permission.CONTAINER_ENTER_DANGEROUS in found.held,
    }
    return respond(request, "containers/detail.html", context, partial="body")


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_head(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The part above the tabs of every page of a container, as it is now; `tab` is the URL name of that page."""
    try:
        found = shown(request, engine, container)
    except Http404:
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
    return _act(request, engine, container, "remove", _removal(request))


@require_POST
@engine_view(Permission.CONTAINER_VIEW)
def bulk(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """`verb` on every `id`, with the ticks of `remove`: a failure is told and stops nothing."""
    verb, ids = request.POST.get("verb", ""), list(dict.fromkeys(request.POST.getlist("id")))
    if verb not in _VERBS:
        return HttpResponse("There is no such action.", status=400, content_type="text/plain")
    require(person(request), _VERBS[verb][1], engine)
    if len(ids) > _MOST_AT_ONCE:
        messages.error(request, f"Choose at most {_MOST_AT_ONCE} containers at once. Nothing was done.")
        return _told(request, engine)
    names, by, action = queries.names(engine), person(request), _VERBS[verb][0]
    if verb == "remove":
        action = _removal(request)
    # One that takes its time to stop holds up no other; what they did is told in the order they were chosen in.
    with ThreadPoolExecutor(_THREADS) as pool:
        # Each in a copy of this request's context, in which the audit trail finds where it came from.
        contexts = [copy_context() for _ in ids]
        failures = list(
            pool.map(lambda context, id: context.run(_in_thread, verb, action, engine, id, by), contexts, ids)
        )
    for container, failure in zip(ids, failures, strict=True):
        _tell(request, names.get(container) or container[:12], _VERBS[verb][2], failure)
    return _told(request, engine)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_CREATE)
def create(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form, with `?image=` filled in; POST creates, starts if wanted, and shows the container."""
    if request.method != "POST":
        return _create_page(request, engine, CreateForm(initial={"image": request.GET.get("image", "")}))
    form = CreateForm(request.POST)
    try:
        return _created(request, engine, form)
    except EngineError as error:
        # The form comes back filled in: what was typed is not lost to an engine that is away.
        form.add_error(None, f"{error} {error.advice}")
        return _create_page(request, engine, form, HTTPStatus.BAD_GATEWAY)


def _created(request: HttpRequest, engine: Engine, form: CreateForm) -> HttpResponseBase:
    """Raises EngineError, but for what an engine that works replied: that is told in the form."""
    refused, user = HTTPStatus.UNPROCESSABLE_ENTITY, person(request)
    if not form.is_valid():
        return _create_page(request, engine, form, refused)
    judged = queries.judged(engine, form.spec(user.get_username()))
    if "check" in request.POST:
        form.tell(judged.refused)
        return _create_page(request, engine, form, checked=True)
    asked = None
    if judged.reaching and access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine):
        asked = recent.ask_again(request, user, form=True)
    if asked is not None:
        # Who has no way to prove it here was logged out; everybody else keeps what they typed.
        still_in = request.user.is_authenticated and "Location" in asked.headers
        return _create_page(request, engine, form, refused, confirm=asked["Location"]) if still_in else asked
    try:
        made = actions.create(engine, judged, start=form.cleaned_data["start"], by=user)
    except actions.BeyondLimits:
        form.tell(judged.refused)
    except EngineReplied as refusal:
        # 404 is also said of a network or container that it is to join.
        field = {404: "image", 409: "name"}.get(refusal.status, "")
        told = field if field and field in refusal.reason else None
        form.add_error(told, refusal.reason)
        return _create_page(request, engine, form, refused, missing=told == "image")
    except (actions.NotAsAsked, actions.NotStarted) as error:
        form.add_error(None, str(error))
    else:
        messages.success(request, "Created and started." if form.cleaned_data["start"] else "Created.")
        return redirect("container", slug=engine.slug, container=made)
    return _create_page(request, engine, form, refused)


def _create_page(
    request: HttpRequest, engine: Engine, form: CreateForm, status: int = 200, *, missing: bool = False, **more: object
) -> HttpResponse:
    """`missing`: the engine has no such image, which those who may can pull.

    `more`: `checked`, whether it was only a trial; `confirm`, the page on which to say again who one is.
    """
    user = person(request)
    context = {
        "engine": engine,
        "form": form,
        "may_pull": missing and access.can(user, Permission.IMAGE_PULL, engine),
        "unlimited": access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine),
    }
    return render(request, "containers/create.html", context | more, status=status)


def _act(
    request: HttpRequest, engine: Engine, container: str, verb: str, action: Action | None = None, done: str = ""
) -> HttpResponseBase:
    """`action` and `done` (what became of it) stand in for the verb's own."""
    own, _, word = _VERBS[verb]
    failure = _failure(action or own, engine, container, by=person(request))
    _tell(request, request.POST.get("shown", "")[:60] or container[:12], done or word, failure)
    return _told(request, engine)


def _removal(request: HttpRequest) -> Action:
    return partial(actions.remove, force="force" in request.POST, volumes="volumes" in request.POST)


def _failure(action: Action, engine: Engine, container: str, *, by: User) -> str:
    """Do it; why it was not done, or empty."""
    try:
        action(engine, container, by=by)
    except IdInvalid as error:
        return str(error)
    except EngineReplied as refusal:
        return refusal.reason
    except EngineError as error:
        return f"{error} {error.advice}"
    return ""


def _in_thread(verb: str, action: Action, engine: Engine, container: str, by: User) -> str:
    try:
        # Again for each: those before may have taken minutes.
        require(by, _VERBS[verb][1], engine, container)
        return _failure(action, engine, container, by=by)
    except PermissionDenied as denial:
        return str(denial)
    finally:
        # Of this thread: nobody else closes it.
        connection.close()


def _tell(request: HttpRequest, shown: str, done: str, failure: str) -> None:
    if failure:
        messages.error(request, f"{shown}: {failure}")
    else:
        messages.success(request, f"{shown} {done}.")


def _chips(listing: Listing, choice: Choice) -> list[tuple[str, int, str, str, bool]]:
    """Of each state: its word, how many, its tone, the link that chooses it or undoes that, whether it is chosen."""
    found: list[tuple[str, int, str, str, bool]] = []
    for state, number in listing.counts:
        tone = "danger" if state == "unhealthy" else tone_of(state, "", None)
        chosen = choice.state == state
        found.append((state, number, tone, choice.link(state="" if chosen else state), chosen))
    return found


def _told(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    if request.headers.get("HX-Request"):
        return render(request, "fragments/notices.html")
    return redirect("containers", slug=engine.slug)


def _base(engine: Engine) -> str:
    return reverse("containers", kwargs={"slug": engine.slug})


def _published_host(request: HttpRequest, engine: Engine) -> str:
    """The host name under which published ports are reached: behind a unix socket, the console's own."""
    return parse(engine.url).host or request.get_host().rpartition(":")[0] or request.get_host()
