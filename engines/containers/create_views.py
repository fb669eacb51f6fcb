"""The page on which a container is made."""

import uuid
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engines import access
from engines.client.errors import EngineError, EngineReplied
from engines.containers import actions, queries
from engines.containers.forms import CreateForm
from engines.models import Engine
from engines.permissions import Permission
from engines.web import recent
from engines.web.gate import engine_view, person


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_CREATE)
def create(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form, with `?image=` filled in; POST creates, starts if wanted, and shows the container."""
    if request.method != "POST":
        initial = {"image": request.GET.get("image", ""), "form_token": uuid.uuid4()}
        return _page(request, engine, CreateForm(initial=initial))
    form = CreateForm(request.POST)
    try:
        return _created(request, engine, form)
    except EngineError as error:
        # The form comes back filled in: what was typed is not lost to an engine that is away.
        form.add_error(None, f"{error} {error.advice}")
        return _page(request, engine, form, HTTPStatus.BAD_GATEWAY)


def _created(request: HttpRequest, engine: Engine, form: CreateForm) -> HttpResponseBase:
    """Raises EngineError, but for what an engine that works replied: that is told in the form."""
    refused, user = HTTPStatus.UNPROCESSABLE_ENTITY, person(request)
    if not form.is_valid():
        return _page(request, engine, form, refused)
    judged = queries.judged(engine, form.spec(user.get_username()))
    if "check" in request.POST:
        form.tell(judged.refused)
        return _page(request, engine, form, checked=True)
    asked = None
    if judged.reaching and access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine):
        asked = recent.ask_again(request, user, form=True)
    if asked is not None:
        # Who has no way to prove it here was logged out; everybody else keeps what they typed.
        still_in = request.user.is_authenticated and "Location" in asked.headers
        return _page(request, engine, form, refused, confirm=asked["Location"]) if still_in else asked
    try:
        made = actions.create(engine, judged, start=form.cleaned_data["start"], by=user)
    except actions.BeyondLimits:
        form.tell(judged.refused)
    except EngineReplied as refusal:
        # 404 is also said of a network or container that it is to join.
        field = {404: "image", 409: "name"}.get(refusal.status, "")
        told = field if field and field in refusal.reason else None
        form.add_error(told, refusal.reason)
        return _page(request, engine, form, refused, missing=told == "image")
    except (actions.NotAsAsked, actions.NotStarted) as error:
        form.add_error(None, str(error))
    else:
        messages.success(request, "Created and started." if form.cleaned_data["start"] else "Created.")
        return redirect("container", slug=engine.slug, container=made)
    return _page(request, engine, form, refused)


def _page(
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
