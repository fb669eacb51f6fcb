"""The page on which a container is made: its form, what it means in other words, and ways to fill it in."""

import uuid
from dataclasses import replace
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access
from engines.client.errors import EngineError, EngineReplied
from engines.containers import actions, queries
from engines.containers.frame import shown
from engines.creation import actions as later
from engines.creation import queries as create_queries
from engines.creation.as_text import texts
from engines.creation.forms import CreateForm
from engines.models import Engine
from engines.permissions import Permission
from engines.spec.parse import parse
from engines.spec.types import ContainerSpec
from engines.web import recent
from engines.web.gate import engine_view, person

_CREATE = Permission.CONTAINER_CREATE


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(_CREATE)
def create(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form, with `?image=` filled in; POST creates, starts if wanted, and shows the container."""
    if request.method != "POST":
        initial = {"image": request.GET.get("image", ""), "form_token": uuid.uuid4()}
        return page(request, engine, CreateForm(initial=initial))
    form = CreateForm(request.POST)
    try:
        return _created(request, engine, form)
    except EngineError as error:
        # The form comes back filled in: what was typed is not lost to an engine that is away.
        form.add_error(None, f"{error} {error.advice}")
        return page(request, engine, form, HTTPStatus.BAD_GATEWAY)


def _created(request: HttpRequest, engine: Engine, form: CreateForm) -> HttpResponseBase:
    """Raises EngineError, but for what an engine that works replied: that is told in the form."""
    refused, user = HTTPStatus.UNPROCESSABLE_ENTITY, person(request)
    if not form.is_valid():
        return page(request, engine, form, refused)
    spec = form.spec(user.get_username())
    judged = queries.judged(engine, spec)
    if "check" in request.POST:
        form.tell(judged.refused)
        return page(request, engine, form, checked=True, spec=spec)
    asked = None
    if judged.reaching and access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine):
        asked = recent.ask_again(request, user, form=True)
    if asked is not None:
        # Who has no way to prove it here was logged out; everybody else keeps what they typed.
        still_in = request.user.is_authenticated and "Location" in asked.headers
        return page(request, engine, form, refused, confirm=asked["Location"]) if still_in else asked
    start, pull, token = (form.cleaned_data[name] for name in ("start", "pull", "form_token"))
    try:
        if _pulls(request, engine, pull, judged.spec.image):
            operation = later.create_later(engine, judged, start=start, pull=pull, by=user, form_token=token)
            return redirect("operation", pk=operation.pk)
        made = actions.create(engine, judged, start=start, by=user)
    except actions.BeyondLimits:
        form.tell(judged.refused)
    except EngineReplied as refusal:
        # 404 is also said of a network or container that it is to join.
        field = {404: "image", 409: "name"}.get(refusal.status, "")
        form.add_error(field if field and field in refusal.reason else None, refusal.reason)
    except (actions.NotAsAsked, actions.NotStarted) as error:
        form.add_error(None, str(error))
    else:
        messages.success(request, "Created and started." if start else "Created.")
        return redirect("container", slug=engine.slug, container=made)
    return page(request, engine, form, refused)


def _pulls(request: HttpRequest, engine: Engine, pull: str, image: str) -> bool:
    """Whether there is something to pull first, which makes it an operation. Who may not pull goes without."""
    if pull == "never" or not access.can(person(request), Permission.IMAGE_PULL, engine):
        return False
    return pull == "always" or not create_queries.has_image(engine, image)


@require_POST
@engine_view(_CREATE)
def preview(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """What the form means in other words, and whether it is allowed; changes nothing. For the page's own use."""
    form = CreateForm(request.POST)
    if not form.is_valid():
        reply = render(request, "creation/create_preview.html#state", {"problems": _problems(form)})
        # The last texts that were true stay.
        reply["HX-Retarget"], reply["HX-Reswap"] = "#preview-state", "outerHTML"
        return reply
    spec = form.spec(person(request).get_username())
    context: dict[str, object] = {
        "engine": engine,
        "texts": texts(spec, engine.api_version, start=form.cleaned_data["start"]),
    }
    try:
        judged = queries.judged(engine, spec)
    except EngineError as error:
        context["away"] = f"{error} {error.advice}"
    else:
        context["beyond"] = [(_label(refusal.field), f"it {refusal.does}.") for refusal in judged.refused]
    context["unlimited"] = access.can(person(request), Permission.CONTAINER_CREATE_UNLIMITED, engine)
    return render(request, "creation/create_preview.html", context)


def _problems(form: CreateForm) -> list[tuple[str, str]]:
    """What a field is called, and what is wrong with it."""
    return [(_label(name), str(sentence)) for name, sentences in form.errors.items() for sentence in sentences]


@require_POST
@engine_view(_CREATE)
def paste(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form filled in by the command `pasted`; what that does not say stays as it was typed. Changes nothing."""
    typed = CreateForm(request.POST)
    typed.full_clean()
    base = typed.spec("")
    found = parse(request.POST.get("pasted", ""), base)
    before, after = CreateForm.of(base).sent(), CreateForm.of(found.spec)
    data, said = request.POST.dict(), after.sent()
    for name in before.keys() | said.keys():
        if before.get(name) != said.get(name):
            data[name] = said.get(name, "")
    data |= {"start": "on" if found.start else "", "pull": found.pull}
    lost = list(map(_label, after.unsaid(found.spec)))
    return page(request, engine, CreateForm(data), taken=True, unread=found.problems, lost=lost)


@require_safe
@engine_view(_CREATE)
def duplicate(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The form filled in with an existing container, under another name."""
    found = shown(request, engine, container)
    spec = create_queries.as_typed(engine, found.inspect)
    spec = replace(spec, name=f"{spec.name[:240]}-copy")
    filled = CreateForm.of(spec)
    # As if sent, so that what the form does not take is told at its field.
    form = CreateForm(filled.sent())
    if form.is_valid() and not access.can(person(request), Permission.CONTAINER_CREATE_UNLIMITED, engine):
        form.tell(queries.judged(engine, form.spec("")).refused)
    return page(request, engine, form, copied=found.detail, lost=list(map(_label, filled.unsaid(spec))))


def _label(name: str) -> str:
    """What a field of the spec or the form is called."""
    field = CreateForm.base_fields.get(name)
    return str((field and field.label) or name.capitalize())


@require_safe
@engine_view(Permission.IMAGE_VIEW)
def images(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Tags of the engine's images that hold `image`, as options to choose from; none of an engine that is away."""
    try:
        found = create_queries.image_tags(engine, request.GET.get("image", "")[:200])
    except EngineError:
        found = []
    return render(request, "creation/create_fields.html#images", {"images": found})


def page(
    request: HttpRequest,
    engine: Engine,
    form: CreateForm,
    status: int = 200,
    *,
    spec: ContainerSpec | None = None,
    **more: object,
) -> HttpResponse:
    """`spec` is what the form asks for, where that is known already.

    `more`: `checked`, whether it was only a trial; `confirm`, the page on which to say again who one is; `taken`,
    whether a command was pasted, and what of it was `unread`; `copied`, of which container it is a copy; `lost`, what
    of them the form cannot say.
    """
    user = person(request)
    if not access.can(user, Permission.IMAGE_PULL, engine):
        del form.fields["pull"]
    context: dict[str, object] = {
        "engine": engine,
        "form": form,
        "unlimited": access.can(user, Permission.CONTAINER_CREATE_UNLIMITED, engine),
        "texts": texts(spec, engine.api_version) if spec else (),
    }
    return render(request, "creation/create.html", context | more, status=status)
