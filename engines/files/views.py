"""Pages of a container's files, of what it changed, and its export."""

from http import HTTPStatus
from typing import BinaryIO, cast
from urllib.parse import unquote

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from engines import reach
from engines.client.errors import EngineError
from engines.containers import entry
from engines.containers.frame import Shown, frame, shown
from engines.files import actions, paths, queries
from engines.files.changes import Choice, Tree, as_text, counted
from engines.files.forms import EDIT_BYTES, EditForm, MoveForm, NameForm
from engines.files.queries import NotAFile, NotThere
from engines.files.types import Listing, Opened, Stat, View, read_only, unreached
from engines.models import Engine
from engines.permissions import Permission
from engines.trail.write import NotDone
from engines.web.download import download
from engines.web.gate import engine_view, person
from engines.web.respond import respond

#: Bytes of a file that are shown as text.
_SHOWN_BYTES = 1 << 20
_MOST_ROWS = 1000
_MOST_DELETED = 500
_COLUMNS = (("name", "Name", ""), ("size", "Size", "num"), ("", "Mode", "p2"), ("", "Owner", "p3"))


@require_safe
@engine_view(Permission.CONTAINER_FILES)
def browse(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """What is at `path`: a folder's entries, or the text of a file. A link leads on to where it leads."""
    found = _entered(request, engine, container)
    try:
        path = _path(request)
        there = queries.look(engine, found.detail.id, path, running=found.detail.state == "running")
        if isinstance(there, Listing):
            return _folder(request, engine, found, path, there)
        if there.kind == "link" and there.target not in {"", path}:
            return _to(engine, found, there.target)
        return _file(request, engine, found, path, there)
    except (paths.PathInvalid, NotThere, NotAFile) as error:
        typed = (paths.asked(request.META["QUERY_STRING"]) or [""])[0]
        return _nothing(request, engine, found, typed, str(error))


@require_GET
@engine_view(Permission.CONTAINER_FILES)
def take(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The file at `path` as it is; a folder, with all below it, as a tar."""
    found = _entered(request, engine, container)
    path, user, way = _given(request), person(request), reach.endpoint(engine)
    there = queries.at(engine, found.detail.id, path)
    if there is not None and there.kind == "link" and there.target:
        path = there.target
        there = queries.at(engine, found.detail.id, path)
    name = paths.visible(paths.name(path)) or found.detail.name
    if there is None:
        return _nothing(request, engine, found, path)
    if there.kind != "folder" and (there.kind != "file" or not paths.is_text(path)):
        return _nothing(request, engine, found, path, "The engine gives no such file by itself: download its folder.")
    actions.reading(engine, found.detail.id, path, "download", by=user)
    if there.kind == "folder":
        blocks, name, kind = queries.folder_blocks(way, found.detail.id, path), f"{name}.tar", "application/x-tar"
    else:
        blocks, kind = queries.file_blocks(way, found.detail.id, path), "application/octet-stream"
    return download(request, engine, Permission.CONTAINER_FILES, blocks, name=name, kind=kind)


@require_POST
@engine_view(Permission.CONTAINER_FILES)
def upload(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Every `file` into the folder at `path`; over those of the same name only with `replace`."""
    found, folder = _entered(request, engine, container), _given(request)
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
    return _to(engine, found, folder)


def _uploaded(
    request: HttpRequest, engine: Engine, found: Shown, folder: str, sent: UploadedFile
) -> tuple[int, str] | None:
    """None when it is there; else a status and why not."""
    replace = "replace" in request.POST
    try:
        path = paths.join(folder, paths.require_name(sent.name or ""))
        _require_reached(found, path)
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
    found, folder = _entered(request, engine, container), _given(request)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        path = paths.join(folder, form.cleaned_data["name"])
        try:
            _require_reached(found, path)
            actions.make_folder(engine, found.detail.id, path, by=person(request))
        except NotDone as error:
            form.add_error("name", str(error))
        else:
            return _to(engine, found, path)
    return _asking(request, engine, found, form, folder, title="New folder", verb="Make the folder", back=folder)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_FILES)
def rename(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """A form for the new name or path of what is at `path`; POST moves it there."""
    found, path = _entered(request, engine, container), _given(request)
    form = MoveForm(request.POST or None, initial={"to": paths.name(path)})
    if request.method == "POST" and form.is_valid():
        to = paths.join(paths.parent(path), form.cleaned_data["to"])
        try:
            actions.rename(engine, found.detail.id, path, to, by=person(request))
        except NotDone as error:
            form.add_error("to", str(error))
        else:
            messages.success(request, f"{paths.visible(paths.name(path))} is now {paths.visible(to)}.")
            return _to(engine, found, paths.parent(to))
    title = f"Rename {paths.visible(paths.name(path))}"
    return _asking(request, engine, found, form, path, title=title, verb="Rename", back=paths.parent(path))


@require_POST
@engine_view(Permission.CONTAINER_FILES)
def delete(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Every `id`, an encoded name in the folder at `path`, with all below it."""
    found, folder = _entered(request, engine, container), _given(request)
    names = [unquote(name, errors="surrogateescape") for name in request.POST.getlist("id")]
    if not names or len(names) > _MOST_DELETED or any("/" in name or name in {"", ".", ".."} for name in names):
        messages.error(request, f"Choose 1 to {_MOST_DELETED} files of the folder. Nothing was done.")
        return _to(engine, found, folder)
    try:
        actions.delete(engine, found.detail.id, [paths.join(folder, name) for name in names], by=person(request))
    except NotDone as error:
        messages.error(request, str(error))
    else:
        what = paths.visible(names[0]) if len(names) == 1 else f"{len(names)} entries"
        messages.success(request, f"{what} deleted.")
    return _to(engine, found, folder)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_FILES)
def edit(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The file at `path` in a form; POST writes it, unless somebody changed it meanwhile."""
    found, path = _entered(request, engine, container), _given(request)
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
        _require_reached(found, path)
        actions.save(engine, found.detail.id, path, content, now.head if now else None, by=person(request))
    except NotDone as error:
        form.add_error("content", str(error))
        return _edit_page(request, engine, found, path, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, f"{paths.visible(paths.name(path))} saved.")
    return _to(engine, found, path)


def _first_edit(request: HttpRequest, engine: Engine, found: Shown, path: str, now: Opened | None) -> HttpResponseBase:
    if now is None:
        return _nothing(request, engine, found, path)
    if now.fixed:
        messages.error(request, now.fixed)
        return _to(engine, found, path)
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
    context = _context(engine, found, path) | {"form": form, "now": now, "changed": changed}
    return render(request, "files/edit.html", context, status=status)


def _now(engine: Engine, found: Shown, path: str) -> Opened | None:
    """The file as it is; None when it is gone."""
    try:
        return queries.opened(engine, found.detail.id, path, EDIT_BYTES)
    except NotThere:
        return None
    except NotAFile as error:
        raise BadRequest(str(error)) from error


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def changes(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """What the container added, changed and deleted of its image; `q` and `kind` choose."""
    found = shown(request, engine, container)
    choice, every = Choice.from_query(request.GET), queries.changes(engine, found.detail.id)
    wanted = choice.of(every)
    context = frame(engine, found, "container-changes") | {
        "choice": choice,
        "counts": counted(every),
        "total": len(every),
        "tree": Tree.of(wanted),
        "found": len(wanted),
        "few": len(wanted) <= 60,
    }
    return respond(request, "files/changes.html", context, partial="rows")


@require_GET
@engine_view(Permission.CONTAINER_VIEW)
def changes_text(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """All of the chosen changes, as `docker diff` prints them."""
    found = shown(request, engine, container)
    wanted = Choice.from_query(request.GET).of(queries.changes(engine, found.detail.id))
    name = f"{found.detail.name}-changes.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(as_text(wanted), content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
@engine_view(Permission.CONTAINER_EXPORT)
def export(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """How much an export would be, and the button for it."""
    found = _entered(request, engine, container, Permission.CONTAINER_EXPORT)
    sizes = queries.sizes(engine, found.detail.id)
    mounts = [mount for mount in found.detail.mounts if mount["type"] != "tmpfs"]
    context = frame(engine, found, "container-export") | {"sizes": sizes, "mounts": mounts}
    return render(request, "files/export.html", context)


@require_GET
@engine_view(Permission.CONTAINER_EXPORT)
def export_all(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """All files of a container as a tar."""
    found = _entered(request, engine, container, Permission.CONTAINER_EXPORT)
    actions.exporting(engine, found.detail.id, by=person(request))
    blocks = queries.all_blocks(reach.endpoint(engine), found.detail.id)
    name = f"{found.detail.name}.tar"
    return download(request, engine, Permission.CONTAINER_EXPORT, blocks, name=name, kind="application/x-tar")


def _entered(
    request: HttpRequest, engine: Engine, container: str, permission: Permission = Permission.CONTAINER_FILES
) -> Shown:
    """The container, when the person may go into it."""
    found = shown(request, engine, container)
    entry.require_may_enter(person(request), permission, engine, found.detail.id)
    return found


def _path(request: HttpRequest) -> str:
    """The path that is asked for; the root without one. Raises PathInvalid."""
    return paths.require_path((paths.asked(request.META["QUERY_STRING"]) or ["/"])[0])


def _given(request: HttpRequest) -> str:
    """The same where it was made by a page. Raises BadRequest."""
    try:
        return _path(request)
    except paths.PathInvalid as error:
        raise BadRequest(str(error)) from error


def _require_reached(found: Shown, path: str) -> None:
    """Raises NotDone where what is written would lie under a mount, in which nobody finds it."""
    mount = unreached(found.inspect, path)
    if mount:
        raise NotDone(f"{mount} is in the memory of the running container, where the engine writes no files.")


def _to(engine: Engine, found: Shown, path: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(_address(engine, found, path))


def _address(engine: Engine, found: Shown, path: str, page: str = "container-files") -> str:
    base = reverse(page, kwargs={"slug": engine.slug, "container": found.detail.id})
    return f"{base}?path={paths.encoded(path)}"


def _context(engine: Engine, found: Shown, path: str) -> dict[str, object]:
    """What all pages of one path share."""
    here = paths.encoded(path)
    return frame(engine, found, "container-files") | {
        "path": paths.visible(path),
        "name": paths.visible(paths.name(path)),
        "here": here,
        "below": here.rstrip("/") + "/",
        "above": paths.encoded(paths.parent(path)),
        "crumbs": [(name, paths.encoded(each)) for name, each in paths.crumbs(path)],
        "files": reverse("container-files", kwargs={"slug": engine.slug, "container": found.detail.id}),
        "unreached": unreached(found.inspect, path),
        "read_only": read_only(found.inspect),
        "runs": found.detail.state == "running",
        "most": settings.UPLOAD_BYTES,
    }


def _folder(request: HttpRequest, engine: Engine, found: Shown, path: str, listing: Listing) -> HttpResponseBase:
    view = View.from_query(request.GET)
    rows = view.of(listing.entries)
    context = _context(engine, found, path) | {
        "listing": listing,
        "rows": rows[:_MOST_ROWS],
        "more": len(rows) - _MOST_ROWS,
        "view": view,
        "columns": [
            (key, label, css, view.link(key)) for key, label, css in (*_COLUMNS, ("modified", "Modified", "p2"))
        ],
    }
    return respond(request, "files/folder.html", context, partial="rows")


def _file(request: HttpRequest, engine: Engine, found: Shown, path: str, there: Stat) -> HttpResponseBase:
    opened = None
    if there.kind == "file" and there.reached:
        actions.reading(engine, found.detail.id, path, "view", by=person(request))
        opened = queries.opened(engine, found.detail.id, path, _SHOWN_BYTES)
    context = _context(engine, found, path) | {
        "there": there,
        "opened": opened,
        "text": paths.visible_text(opened.text) if opened and not opened.binary else "",
        "editable": opened is not None and not opened.fixed and opened.head.size <= EDIT_BYTES,
        "encoded_name": paths.encoded(paths.name(path)),
    }
    return render(request, "files/file.html", context)


def _nothing(
    request: HttpRequest, engine: Engine, found: Shown, typed: str, error: str = "There is nothing at this path."
) -> HttpResponse:
    context = _context(engine, found, "/") | {"typed": paths.visible(typed), "error": error}
    return render(request, "files/nothing.html", context, status=HTTPStatus.NOT_FOUND)


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
    more = {"form": form, "title": title, "verb": verb, "back": _address(engine, found, back)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "files/form.html", _context(engine, found, path) | more, status=status)
