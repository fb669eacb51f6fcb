"""The page of a container, and the verbs under it."""

from functools import partial
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access, reach
from engines.client.errors import EngineError, EngineReplied
from engines.containers import actions, queries
from engines.containers.forms import CreateForm
from engines.containers.frame import frame, published_host, shown
from engines.containers.rows import port_link
from engines.containers.verbs import VERBS, Action, failure, removal
from engines.models import Engine
from engines.permissions import Permission
from engines.web import recent
from engines.web.gate import engine_view, person
from engines.web.respond import respond


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
    host = published_host(request, engine)
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
    return _act(request, engine, container, "remove", removal(request.POST))


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
