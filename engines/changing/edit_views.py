"""Pages that put another container in the place of one: edited, or of a newer image; and the way back."""

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from engines import access
from engines.changing import actions as change_actions
from engines.changing import edit_actions, edit_review
from engines.changing.edit_actions import Wishes
from engines.client.errors import EngineError, EngineReplied
from engines.client.fields import table, text
from engines.client.ids import is_image_id
from engines.containers import queries
from engines.containers.actions import BeyondLimits
from engines.containers.frame import Shown, frame, shown
from engines.containers.queries import Judged
from engines.containers.replaced import edition
from engines.containers.standing import BeingReplaced, standing
from engines.creation.forms import CreateForm
from engines.models import Engine
from engines.permissions import Permission
from engines.spec.types import ContainerSpec
from engines.web import recent
from engines.web.gate import engine_view, person

_REFUSED = HTTPStatus.UNPROCESSABLE_ENTITY
#: Of the review page, not of the form.
_OWN = frozenset({"csrfmiddlewaretoken", "confirm", "live", "back", "carry", "keep", "volumes", "force"})


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_CREATE)
def edit(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The form filled in from it; POST shows what that would come to, and with `confirm` does it.

    `live` changes what can be changed as it runs, `back` goes on editing.
    """
    found = shown(request, engine, container)
    old = edit_review.as_typed(engine, found.inspect)
    if request.method != "POST":
        initial = dict(CreateForm.of(old).initial) | {"form_token": uuid.uuid4(), "start": _runs(found)}
        return _form(request, engine, found, old, CreateForm(initial=initial))
    form = CreateForm(request.POST)
    if request.POST.get("seen") != edition(found.inspect):
        context = {"conflict": True, "since": edit_review.differing(request.POST.get("was", ""), old)}
        return _form(request, engine, found, old, form, HTTPStatus.CONFLICT, **context)
    if not form.is_valid() or "back" in request.POST:
        return _form(request, engine, found, old, form, _REFUSED if form.errors else 200)
    try:
        return _edited(request, engine, found, old, form)
    except EngineError as error:
        # What was typed is not lost to an engine that is away.
        form.add_error(None, error.reason if isinstance(error, EngineReplied) else f"{error} {error.advice}")
        return _form(request, engine, found, old, form, HTTPStatus.BAD_GATEWAY)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_CREATE)
def recreate(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The same container of the newest image of its name; POST does it, with `force` also of the same image."""
    found = shown(request, engine, container)
    old = edit_review.as_typed(engine, found.inspect)
    if is_image_id(old.image):
        messages.info(request, f"It was made of {old.image[:60]}, an id and no name: there is no newer one of that.")
        return redirect("container", slug=engine.slug, container=found.detail.id)
    judged = queries.judged(engine, old)
    if request.method == "POST":
        if request.POST.get("seen") != edition(found.inspect):
            messages.warning(request, "Somebody changed this container since you looked at it. Nothing was done.")
        else:
            wishes = _wishes(request, pull="always", start=_runs(found))
            again = _ask_again(request, judged, engine)
            return again or _begun(request, engine, found, judged, wishes, same=True)
    return _review(request, engine, found, old, judged, same=True)


@require_POST
@engine_view(Permission.CONTAINER_CREATE)
def give_back(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """To the container that an operation replaced, when that was cut off, or the old one was kept."""
    found = shown(request, engine, container)
    now = standing(engine, found.inspect)
    if now is None or now.state == "running":
        raise Http404("There is nothing to return to.")
    operation = edit_actions.give_back(engine, now.operation, by=person(request))
    return redirect("operation", pk=operation.pk)


def _edited(
    request: HttpRequest, engine: Engine, found: Shown, old: ContainerSpec, form: CreateForm
) -> HttpResponseBase:
    """Raises EngineError."""
    spec = edit_review.edited(form, old, person(request).get_username())
    judged = queries.judged(engine, spec)
    if judged.refused and not access.can(person(request), Permission.CONTAINER_CREATE_UNLIMITED, engine):
        form.tell(judged.refused)
        return _form(request, engine, found, old, form, _REFUSED)
    if "live" in request.POST:
        return _changed_live(request, engine, found, old, spec)
    if "confirm" not in request.POST:
        return _review(request, engine, found, old, judged, form=form)
    again = _ask_again(request, judged, engine)
    if again is not None:
        return again
    wishes = _wishes(request, pull=_pull(request, engine, form), start=form.cleaned_data["start"])
    return _begun(request, engine, found, judged, wishes, same=False, token=form.cleaned_data["form_token"])


def _changed_live(
    request: HttpRequest, engine: Engine, found: Shown, old: ContainerSpec, spec: ContainerSpec
) -> HttpResponseBase:
    changes = edit_review.live(old, spec)
    try:
        warnings = change_actions.update(engine, found.detail.id, changes, by=person(request)) if changes else []
    except BeingReplaced as busy:
        messages.error(request, str(busy))
        return redirect("container", slug=engine.slug, container=found.detail.id)
    for warning in warnings:
        messages.warning(request, warning[:500])
    messages.success(request, f"{found.detail.name} was changed as it runs.")
    return redirect("container", slug=engine.slug, container=found.detail.id)


def _begun(
    request: HttpRequest,
    engine: Engine,
    found: Shown,
    judged: Judged,
    wishes: Wishes,
    *,
    same: bool,
    token: uuid.UUID | None = None,
) -> HttpResponseBase:
    try:
        operation = edit_actions.replace(
            engine, found.inspect, judged, wishes, same=same, by=person(request), form_token=token
        )
    except BeyondLimits as beyond:
        for refusal in beyond.refused:
            messages.error(request, str(refusal))
        return redirect("container", slug=engine.slug, container=found.detail.id)
    return redirect("operation", pk=operation.pk)


def _ask_again(request: HttpRequest, judged: Judged, engine: Engine) -> HttpResponse | None:
    """Who is let make what reaches into the host proves first who they are."""
    user = person(request)
    if judged.reaching and access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine):
        return recent.ask_again(request, user, form=True)
    return None


def _wishes(request: HttpRequest, *, pull: str, start: bool) -> Wishes:
    carry, keep, volumes, force = (name in request.POST for name in ("carry", "keep", "volumes", "force"))
    return Wishes(pull, force, start, carry, keep, volumes)


def _pull(request: HttpRequest, engine: Engine, form: CreateForm) -> str:
    """Who may not pull images goes without."""
    may = access.can(person(request), Permission.IMAGE_PULL, engine)
    return form.cleaned_data.get("pull") or "never" if may else "never"


def _runs(found: Shown) -> bool:
    state = table(found.inspect.get("State"))
    return state.get("Running") is True or state.get("Restarting") is True


def _form(
    request: HttpRequest,
    engine: Engine,
    found: Shown,
    old: ContainerSpec,
    form: CreateForm,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    user = person(request)
    if not access.can(user, Permission.IMAGE_PULL, engine):
        del form.fields["pull"]
    context = frame(engine, found, "container-edit") | edit_review.seen(found.inspect, old)
    context |= {
        "form": form,
        "unlimited": access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine),
        # What the form cannot show stays as it is.
        "unsaid": CreateForm.of(old).unsaid(old),
    }
    return render(request, "changing/edit.html", context | more, status=status)


def _review(
    request: HttpRequest,
    engine: Engine,
    found: Shown,
    old: ContainerSpec,
    judged: Judged,
    *,
    form: CreateForm | None = None,
    same: bool = False,
) -> HttpResponse:
    """Raises EngineError."""
    context = frame(engine, found, "container-recreate" if same else "container-edit") | {
        "review": edit_review.review(engine, found.inspect, old, judged),
        "judged": judged,
        "same": same,
        "image": judged.spec.image,
        "pull": _pull(request, engine, form) if form else "always",
        "start": form.cleaned_data["start"] if form else _runs(found),
        "seen": edition(found.inspect),
        "may_pull": access.can(person(request), Permission.IMAGE_PULL, engine),
        "posted": [pair for pair in _posted(request.POST) if pair[0] not in _OWN] if form else [],
    }
    return render(request, "changing/review.html", context)


def _posted(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, text(value)) for name, value in query.items()]
