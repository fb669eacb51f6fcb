"""The terminal of a container, and short commands without one."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from engines.client.errors import EngineReplied
from engines.client.fields import table, text
from engines.containers import entry
from engines.containers.frame import Shown, frame, shown
from engines.models import Engine, EngineLimits
from engines.permissions import Permission
from engines.terminals import actions
from engines.terminals.forms import CommandForm
from engines.terminals.types import SHELLS
from engines.trail.write import NotDone
from engines.web.gate import engine_view, person

_TEMPLATE = "terminals/terminal.html"


@require_safe
@engine_view(Permission.CONTAINER_EXEC)
def terminal(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """A terminal that scripts open over a socket, and the form for short commands."""
    found = shown(request, engine, container)
    entry.require_may_enter(person(request), Permission.CONTAINER_EXEC, engine, found.detail.id)
    return render(request, _TEMPLATE, _context(engine, found, CommandForm()))


@require_POST
@engine_view(Permission.CONTAINER_EXEC)
def run(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """Run a short command and show what came of it. 409 when the engine would not."""
    found, form = shown(request, engine, container), CommandForm(request.POST)
    if not form.is_valid():
        return render(request, _TEMPLATE, _context(engine, found, form), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        ran = actions.run(engine, found.detail.id, form.asked, by=person(request))
    except (EngineReplied, NotDone) as refusal:
        form.add_error(None, str(refusal))
        return render(request, _TEMPLATE, _context(engine, found, form), status=HTTPStatus.CONFLICT)
    return render(request, _TEMPLATE, _context(engine, found, form) | {"ran": ran, "seconds": actions.RUN_SECONDS})


def _context(engine: Engine, found: Shown, form: CommandForm) -> dict[str, Any]:
    config = table(found.inspect.get("Config"))
    return frame(engine, found, "container-terminal") | {
        "form": form,
        "shells": SHELLS[1:],
        "runs": found.detail.state == "running",
        "may_attach": Permission.CONTAINER_ATTACH in found.held,
        "user": text(config.get("User")) or "root",
        "folder": text(config.get("WorkingDir")) or "/",
        "ends_with_us": config.get("StdinOnce") is True,
        "recorded": EngineLimits.of(engine).record_terminals,
        "may_replay": Permission.RECORDING_VIEW in found.held,
    }
