"""The page that says a container in words that work elsewhere."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engines.containers.frame import frame, shown
from engines.containers.types import masked
from engines.creation.as_text import texts
from engines.creation.queries import as_typed
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import engine_view


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_as(request: HttpRequest, engine: Engine, container: str) -> HttpResponseBase:
    """One container as a command, as requests, and as a Compose file, without what its image gives anyway."""
    found = shown(request, engine, container)
    # Hidden alike on both sides, the image's own values are still taken out.
    spec = as_typed(engine, found.inspect, (lambda image: image) if found.sees_values else masked)
    context = frame(engine, found, "container-as") | {
        "texts": texts(spec, engine.api_version),
        "hidden": not found.sees_values,
    }
    return render(request, "creation/as.html", context)
