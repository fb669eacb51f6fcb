"""Pages and forms that change files of a container."""

from http import HTTPStatus
from typing import BinaryIO, cast
from urllib.parse import unquote

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from engines.client.errors import EngineError
from engines.containers.frame import Shown
from engines.files import actions, paths, queries
from engines.files.forms import EDIT_BYTES, MOST_DELETED, EditForm, MoveForm, NameForm
from engines.files.page import address, context_of, entered, given, goto, nothing, require_reached
from engines.files.queries import NotAFile, NotThere
from engines.files.types import Opened
from engines.models import Engine
from engines.permissions import Permission
from engines.trail.write import NotDone
from engines.web.gate import engine_view, person


@require_POST
@engine_view(Permission.CONTAINER_FILES)
def upload(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Every `file` into the folder at `path`; over those of the same name only with `replace`."""
    found, folder = entered(request, engine, container), given(request)
    sent = request.FILES.getlist("file")
    failed = 0
    for each in sent:
        name, failure = paths.visible(each.name or ""), _uploaded(request, engine, found, folder, each)
        failed = max(failed, failure[0] if failure else 0)
        if failure:
            messages.error(request, f"{name}: {failure[1]}")
        else:
            messages.success(request, f"{name} uploaded.")
    if not sent:
        failed = HTTPStatus.UNPROCESSABLE_ENTITY
        messages.error(request, "Choose the files to upload.")
    if request.headers.get("HX-Request"):
        return render(request, "fragments/notices.html", status=failed or HTTPStatus.CREATED)
    return goto(engine, found, folder)


def _uploaded(
    request: HttpRequest, engine: Engine, found: Shown, folder: str, sent: UploadedFile
) -> tuple[int, str] | None:
    """None when it is there; else a status and why not."""
    replace = "replace" in request.POST
    try:
        path = paths.join(folder, paths.require_name(sent.name or ""))
        require_reached(found, path)
        size = sent.size or 0
        actions.upload(
            engine, found.detail.id, path, cast(BinaryIO, sent.file), size, by=person(request), replace=replace
        )
    except actions.Taken as error:
        return HTTPStatus.CONFLICT, str(error)
    except (paths.PathInvalid, NotDone) as error:
        return HTTPStatus.UNPROCESSABLE_ENTITY, str(error)
    except EngineError as error:
        return HTTPStatus.BAD_GATEWAY, f"{error} {error.advice}"
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_FILES)
def new_folder(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """A form for its name; POST makes it in the folder at `path`."""
    found, folder = entered(request, engine, container), given(request)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        path = paths.join(folder, form.cleaned_data["name"])
        try:
            require_reached(found, path)
            actions.make_folder(engine, found.detail.id, path, by=person(request))
        except NotDone as error:
            form.add_error("name", str(error))
        else:
            return goto(engine, found, path)
    return _asking(request, engine, found, form, folder, title="New folder", verb="Make the folder", back=folder)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_FILES)
def rename(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """A form for the new name or path of what is at `path`; POST moves it there."""
    found, path = entered(request, engine, container), given(request)
    form = MoveForm(request.POST or None, initial={"to": paths.name(path)})
    if request.method == "POST" and form.is_valid():
        to = paths.join(paths.parent(path), form.cleaned_data["to"])
        try:
            actions.rename(engine, found.detail.id, path, to, by=person(request))
        except NotDone as error:
            form.add_error("to", str(error))
        else:
            messages.success(request, f"{paths.visible(paths.name(path))} is now {paths.visible(to)}.")
            return goto(engine, found, paths.parent(to))
    title = f"Rename {paths.visible(paths.name(path))}"
    return _asking(request, engine, found, form, path, title=title, verb="Rename", back=paths.parent(path))


@require_POST
@engine_view(Permission.CONTAINER_FILES)
def delete(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Every `id`, an encoded name in the folder at `path`, with all below it."""
    found, folder = entered(request, engine, container), given(request)
    names = [unquote(name, errors="surrogateescape") for name in request.POST.getlist("id")]
    if not names or len(names) > MOST_DELETED or any("/" in name or name in {"", ".", ".."} for name in names):
        messages.error(request, f"Choose 1 to {MOST_DELETED} files of the folder. Nothing was done.")
        return goto(engine, found, folder)
    try:
        actions.delete(engine, found.detail.id, [paths.join(folder, name) for name in names], by=person(request))
    except NotDone as error:
        messages.error(request, str(error))
    else:
        what = paths.visible(names[0]) if len(names) == 1 else f"{len(names)} entries"
        messages.success(request, f"{what} deleted.")
    return goto(engine, found, folder)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_FILES)
def edit(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The file at `path` in a form; POST writes it, unless somebody changed it meanwhile."""
    found, path = entered(request, engine, container), given(request)
    now = _now(engine, found, path)
    if request.method != "POST":
        return _first_edit(request, engine, found, path, now)
    form = EditForm(request.POST)
    if not form.is_valid():
        return _edit_page(request, engine, found, path, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    seen = now.seen if now else ""
    if form.cleaned_data["seen"] != seen:
        # Sent again, it goes over what is there now: that was shown.
        again = EditForm({**request.POST.dict(), "seen": seen})
        return _edit_page(request, engine, found, path, again, now=now, changed=True, status=HTTPStatus.CONFLICT)
    content = form.cleaned_data["content"].replace("\n", now.newline if now else "\n").encode()
    try:
        require_reached(found, path)
        actions.save(engine, found.detail.id, path, content, now.head if now else None, by=person(request))
    except NotDone as error:
        form.add_error("content", str(error))
        return _edit_page(request, engine, found, path, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, f"{paths.visible(paths.name(path))} saved.")
    return goto(engine, found, path)


def _first_edit(request: HttpRequest, engine: Engine, found: Shown, path: str, now: Opened | None) -> HttpResponseBase:
    if now is None:
        return nothing(request, engine, found, path)
    if now.fixed:
        messages.error(request, now.fixed)
        return goto(engine, found, path)
    actions.reading(engine, found.detail.id, path, "view", by=person(request))
    return _edit_page(request, engine, found, path, EditForm(initial={"content": now.text, "seen": now.seen}))


def _edit_page(
    request: HttpRequest,
    engine: Engine,
    found: Shown,
    path: str,
    form: EditForm,
    *,
    now: Opened | None = None,
    changed: bool = False,
    status: int = 200,
) -> HttpResponse:
    """`changed`: what is there is `now`, and no more what the form was made of."""
    context = context_of(engine, found, path) | {"form": form, "now": now, "changed": changed}
    return render(request, "files/edit.html", context, status=status)


def _now(engine: Engine, found: Shown, path: str) -> Opened | None:
    """The file as it is; None when it is gone."""
    try:
        return queries.opened(engine, found.detail.id, path, EDIT_BYTES)
    except NotThere:
        return None
    except NotAFile as error:
        raise BadRequest(str(error)) from error


def _asking(
    request: HttpRequest,
    engine: Engine,
    found: Shown,
    form: NameForm | MoveForm,
    path: str,
    *,
    title: str,
    verb: str,
    back: str,
) -> HttpResponse:
    """A page with one field."""
    more = {"form": form, "title": title, "verb": verb, "back": address(engine, found, back)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "files/form.html", context_of(engine, found, path) | more, status=status)
