"""Pages of a container's files, of what it changed, and its export."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_safe

from engines import reach
from engines.containers import entry
from engines.containers.frame import Shown, frame, shown
from engines.files import actions, paths, queries
from engines.files.changes import Choice, Tree, as_text, counted
from engines.files.forms import EDIT_BYTES, MOST_DELETED
from engines.files.page import context_of, entered, given, goto, nothing, path_of
from engines.files.queries import NotAFile, NotThere
from engines.files.types import Listing, Stat, View
from engines.models import Engine
from engines.permissions import Permission
from engines.web.download import Blocks, download
from engines.web.gate import engine_view, person
from engines.web.respond import respond

#: Bytes of a file that are shown as text.
_SHOWN_BYTES = 1 << 20
_MOST_ROWS = 1000
#: Changes are shown unfolded where they are no more than this.
_FEW_CHANGES = 60
#: Sort key (empty: not sortable), label and class of each column.
_COLUMNS = (
    ("name", "Name", ""),
    ("size", "Size", "num"),
    ("", "Mode", "p2"),
    ("", "Owner", "p3"),
    ("modified", "Modified", "p2"),
)


@require_safe
@engine_view(Permission.CONTAINER_FILES)
def browse(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """What is at `path`: a folder's entries, or the text of a file. A link leads on to where it leads."""
    found = entered(request, engine, container)
    try:
        path = path_of(request)
        there = queries.look(engine, found.detail.id, path, running=found.detail.state == "running")
        if isinstance(there, Listing):
            return _folder(request, engine, found, path, there)
        if there.kind == "link" and there.target not in {"", path}:
            return goto(engine, found, there.target)
        return _file(request, engine, found, path, there)
    except (paths.PathInvalid, NotThere, NotAFile) as error:
        typed = (paths.asked(request.META["QUERY_STRING"]) or [""])[0]
        return nothing(request, engine, found, typed, str(error))


@require_GET
@engine_view(Permission.CONTAINER_FILES)
def take(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """The file at `path` as it is; a folder, with all below it, as a tar."""
    found = entered(request, engine, container)
    path, user, way = given(request), person(request), reach.endpoint(engine)
    there = queries.at(engine, found.detail.id, path)
    if there is not None and there.kind == "link" and there.target:
        path = there.target
        there = queries.at(engine, found.detail.id, path)
    name = paths.visible(paths.name(path)) or found.detail.name
    if there is None:
        return nothing(request, engine, found, path)
    if there.kind != "folder" and (there.kind != "file" or not paths.is_text(path)):
        return nothing(request, engine, found, path, "The engine gives no such file by itself: download its folder.")
    actions.reading(engine, found.detail.id, path, "download", by=user)
    if there.kind == "folder":
        blocks, name, kind = queries.folder_blocks(way, found.detail.id, path), f"{name}.tar", "application/x-tar"
    else:
        blocks, kind = queries.file_blocks(way, found.detail.id, path), "application/octet-stream"
    return _sent(request, engine, found, Permission.CONTAINER_FILES, blocks, name, kind)


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
        "few": len(wanted) <= _FEW_CHANGES,
    }
    return respond(request, "files/changes.html", context, partial="rows")


@require_GET
@engine_view(Permission.CONTAINER_VIEW)
def changes_text(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """All of the chosen changes, as `docker diff` prints them."""
    found = shown(request, engine, container)
    wanted = Choice.from_query(request.GET).of(queries.changes(engine, found.detail.id))
    name = f"{found.detail.name}-changes.txt"
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return HttpResponse(as_text(wanted), content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
@engine_view(Permission.CONTAINER_EXPORT)
def export(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """How much an export would be, and the button for it."""
    found = entered(request, engine, container, Permission.CONTAINER_EXPORT)
    sizes = queries.sizes(engine, found.detail.id)
    mounts = [mount for mount in found.detail.mounts if mount["type"] != "tmpfs"]
    context = frame(engine, found, "container-export") | {"sizes": sizes, "mounts": mounts}
    return render(request, "files/export.html", context)


@require_GET
@engine_view(Permission.CONTAINER_EXPORT)
def export_all(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """All files of a container as a tar."""
    found = entered(request, engine, container, Permission.CONTAINER_EXPORT)
    actions.exporting(engine, found.detail.id, by=person(request))
    blocks = queries.all_blocks(reach.endpoint(engine), found.detail.id)
    name = f"{found.detail.name}.tar"
    return _sent(request, engine, found, Permission.CONTAINER_EXPORT, blocks, name, "application/x-tar")


def _sent(
    request: HttpRequest, engine: Engine, found: Shown, permission: Permission, blocks: Blocks, name: str, kind: str
) -> HttpResponseBase:
    """A download that ends where the person may not go into the container any more."""
    needs = entry.require_may_enter(person(request), permission, engine, found.detail.id)
    return download(request, engine, needs, blocks, name=name, kind=kind)


def _folder(request: HttpRequest, engine: Engine, found: Shown, path: str, listing: Listing) -> HttpResponseBase:
    view = View.from_query(request.GET)
    rows = view.of(listing.entries)
    context = context_of(engine, found, path) | {
        "listing": listing,
        "rows": rows[:_MOST_ROWS],
        "more": len(rows) - _MOST_ROWS,
        "most_deleted": MOST_DELETED,
        "view": view,
        "columns": [(key, label, css, view.link(key)) for key, label, css in _COLUMNS],
    }
    return respond(request, "files/folder.html", context, partial="rows")


def _file(request: HttpRequest, engine: Engine, found: Shown, path: str, there: Stat) -> HttpResponseBase:
    opened = None
    if there.kind == "file" and there.reached:
        actions.reading(engine, found.detail.id, path, "view", by=person(request))
        opened = queries.opened(engine, found.detail.id, path, _SHOWN_BYTES)
    context = context_of(engine, found, path) | {
        "there": there,
        "opened": opened,
        "text": paths.visible_text(opened.text) if opened and not opened.binary else "",
        "editable": opened is not None and not opened.fixed and opened.head.size <= EDIT_BYTES,
        "encoded_name": paths.encoded(paths.name(path)),
    }
    return render(request, "files/file.html", context)
