"""Pages that change a container while it stays the same one: name, limits, networks; an image made of it; its end."""

import uuid
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines.changing import actions as change_actions
from engines.changing import queries as change_queries
from engines.changing.forms import CommitForm, ConnectForm, LiveForm, RenameForm
from engines.client.errors import EngineReplied
from engines.client.fields import text
from engines.containers.actions import BeyondLimits
from engines.containers.entry import require_may_enter
from engines.containers.frame import Shown, frame, shown
from engines.containers.standing import BeingReplaced
from engines.models import Engine
from engines.operations import actions as operations
from engines.permissions import Permission
from engines.spec.inspected import from_inspect
from engines.web.gate import engine_view, person, require
from engines.web.respond import respond

_REFUSED = HTTPStatus.UNPROCESSABLE_ENTITY


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_RENAME)
def rename(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Its new name."""
    found = shown(request, engine, container)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": found.detail.name})
    if form.is_valid():
        try:
            change_actions.rename(engine, found.detail.id, form.cleaned_data["name"], by=person(request))
        except BeingReplaced as busy:
            form.add_error("name", str(busy))
        except EngineReplied as refusal:
            form.add_error("name", refusal.reason)
        else:
            messages.success(request, f"{found.detail.name} is now {form.cleaned_data['name']}.")
            return redirect("container", slug=engine.slug, container=found.detail.id)
    return _page(request, engine, found, "rename", form)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_UPDATE)
def limits(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Its limits, changed while it runs."""
    found = shown(request, engine, container)
    spec = from_inspect(found.inspect)
    form = LiveForm(request.POST if request.method == "POST" else None, initial=LiveForm.filled(spec))
    more: dict[str, Any] = {"was": LiveForm.was(spec)}
    if request.method == "POST" and request.POST.get("was", more["was"]) != more["was"]:
        more |= {"conflict": True, "since": form.since(request.POST["was"], spec)}
        return _page(request, engine, found, "limits", form, HTTPStatus.CONFLICT, **more)
    if form.is_valid():
        changes = form.changes(spec)
        if form.is_valid() and not changes:
            messages.info(request, "Nothing was changed: it has these limits already.")
            return redirect("container", slug=engine.slug, container=found.detail.id)
        if form.is_valid():
            try:
                warnings = change_actions.update(engine, found.detail.id, changes, by=person(request))
            except BeyondLimits as beyond:
                for refusal in beyond.refused:
                    form.tell(refusal.field, str(refusal))
            except BeingReplaced as busy:
                form.add_error(None, str(busy))
            except EngineReplied as refusal:
                form.add_error(None, refusal.reason)
            else:
                messages.success(request, f"{found.detail.name} has the new limits, without a restart.")
                for warning in warnings:
                    messages.warning(request, warning[:500])
                return redirect("container", slug=engine.slug, container=found.detail.id)
    return _page(request, engine, found, "limits", form, **more)


@require_safe
@engine_view(Permission.NETWORK_VIEW)
def networks(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The networks it is in."""
    return _networks(request, engine, shown(request, engine, container))


@require_POST
@engine_view(Permission.NETWORK_CONNECT)
def connect(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Into one more network."""
    found = shown(request, engine, container)
    choices = change_queries.joinable(engine, change_queries.memberships(found.inspect))
    form = ConnectForm(request.POST, networks=choices)
    if form.is_valid():
        try:
            change_actions.connect(engine, found.detail.id, form.join(), by=person(request))
        except BeyondLimits as beyond:
            for refusal in beyond.refused:
                form.add_error("network", str(refusal))
        except BeingReplaced as busy:
            form.add_error(None, str(busy))
        except EngineReplied as refusal:
            form.add_error(None, refusal.reason)
        else:
            messages.success(request, f"{found.detail.name} is now in {form.cleaned_data['network']}.")
            return redirect("container-networks", slug=engine.slug, container=found.detail.id)
    return _networks(request, engine, found, form)


@require_POST
@engine_view(Permission.NETWORK_CONNECT)
def disconnect(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Out of `network`, by its name; `force` where the engine cannot do it otherwise."""
    found = shown(request, engine, container)
    name = request.POST.get("network", "")
    if name not in {each.network for each in change_queries.memberships(found.inspect)}:
        raise Http404("It is not in this network.")
    try:
        change_actions.disconnect(engine, found.detail.id, name, force="force" in request.POST, by=person(request))
    except BeingReplaced as busy:
        messages.error(request, str(busy))
    except EngineReplied as refusal:
        messages.error(request, refusal.reason)
    else:
        messages.success(request, f"{found.detail.name} is not in {name} any more.")
    return redirect("container-networks", slug=engine.slug, container=found.detail.id)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_COMMIT)
def commit(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """An image of it, as an operation. A name that an image has already is taken from it only when that was told."""
    require(person(request), Permission.IMAGE_TAG, engine)
    found = shown(request, engine, container)
    require_may_enter(person(request), Permission.CONTAINER_COMMIT, engine, found.detail.id)
    form = CommitForm(request.POST if request.method == "POST" else None, initial={"form_token": uuid.uuid4()})
    taken = ""
    if form.is_valid():
        reference = form.cleaned_data["reference"]
        taken = text(change_queries.image(engine, reference).get("Id"))
        # What was told is this image; another one that has the name by now is told again.
        if not taken or request.POST.get("replace") == taken:
            operation = operations.start(
                engine,
                "container.commit",
                {"container": found.detail.id}
                | {name: form.cleaned_data[name] for name in ("reference", "message", "author", "changes", "pause")},
                title=f"Commit {found.detail.name} as {reference}",
                by=person(request),
                form_token=form.cleaned_data["form_token"],
            )
            return redirect("operation", pk=operation.pk)
    return _page(request, engine, found, "commit", form, taken=taken)


@require_safe
@engine_view(Permission.CONTAINER_WAIT)
def wait(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Says when it ends, and how: the page asks again at each change of the engine's containers."""
    try:
        found = shown(request, engine, container)
    except Http404:
        if request.headers.get("HX-Request"):
            return render(request, "changing/wait.html#gone")
        raise
    return respond(request, "changing/wait.html", frame(engine, found, "container-wait"), partial="state")


def _networks(request: HttpRequest, engine: Engine, found: Shown, form: ConnectForm | None = None) -> HttpResponseBase:
    joined = change_queries.memberships(found.inspect)
    may, shares = Permission.NETWORK_CONNECT in found.held, _shared(found)
    choices = change_queries.joinable(engine, joined) if may and not shares else []
    context = frame(engine, found, "container-networks") | {
        "joined": joined,
        "may_connect": may,
        "shares": shares,
        "choices": choices,
        "form": form or ConnectForm(networks=choices),
    }
    return respond(request, "changing/networks.html", context, partial="rows", status=_REFUSED if form else 200)


def _shared(found: Shown) -> str:
    """Whose network it shares, so that it can join none; empty when it has its own."""
    mode = from_inspect(found.inspect).network
    return "the host" if mode == "host" else "another container" if mode.startswith("container:") else ""


def _page(
    request: HttpRequest,
    engine: Engine,
    found: Shown,
    name: str,
    form: RenameForm | LiveForm | CommitForm,
    status: int = _REFUSED,
    **more: object,
) -> HttpResponse:
    context = frame(engine, found, f"container-{name}") | {"form": form, **more}
    return render(request, f"changing/{name}.html", context, status=status if form.is_bound else 200)
