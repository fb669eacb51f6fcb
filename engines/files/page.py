"""What all pages of files share: who may, which path is meant, and what they show of it."""

from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from engines.containers import entry
from engines.containers.frame import Shown, frame, shown
from engines.files import paths
from engines.files.types import read_only, unreached
from engines.models import Engine
from engines.permissions import Permission
from engines.trail.write import NotDone
from engines.web.gate import person


def entered(
    request: HttpRequest, engine: Engine, container: str, permission: Permission = Permission.CONTAINER_FILES
) -> Shown:
    """The container, when the person may go into it."""
    found = shown(request, engine, container)
    entry.require_may_enter(person(request), permission, engine, found.detail.id)
    return found


def path_of(request: HttpRequest) -> str:
    """The path that is asked for; the root without one. Raises PathInvalid."""
    return paths.require_path((paths.asked(request.META["QUERY_STRING"]) or ["/"])[0])


def given(request: HttpRequest) -> str:
    """The same where it was made by a page. Raises BadRequest."""
    try:
        return path_of(request)
    except paths.PathInvalid as error:
        raise BadRequest(str(error)) from error


def require_reached(found: Shown, path: str) -> None:
    """Raises NotDone where what is written would lie under a mount, in which nobody finds it."""
    mount = unreached(found.inspect, path)
    if mount:
        raise NotDone(f"{mount} is in the memory of the running container, where the engine writes no files.")


def goto(engine: Engine, found: Shown, path: str) -> HttpResponseRedirect:
    """To the page of what is at `path`."""
    return HttpResponseRedirect(address(engine, found, path))


def address(engine: Engine, found: Shown, path: str) -> str:
    """Of the page of what is at `path`."""
    base = reverse("container-files", kwargs={"slug": engine.slug, "container": found.detail.id})
    return f"{base}?path={paths.encoded(path)}"


def context_of(engine: Engine, found: Shown, path: str) -> dict[str, object]:
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


def nothing(
    request: HttpRequest, engine: Engine, found: Shown, typed: str, error: str = "There is nothing at this path."
) -> HttpResponse:
    context = context_of(engine, found, "/") | {"typed": paths.visible(typed), "error": error}
    return render(request, "files/nothing.html", context, status=HTTPStatus.NOT_FOUND)
