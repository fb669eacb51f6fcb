"""Starts the operation that makes a container after its image is pulled.

`by` is who does it. Raises PermissionDenied for a right that the kind's own permission does not include.
"""

from uuid import UUID

from django.contrib.auth.models import User

from engines.containers.actions import require_within, told
from engines.containers.queries import Judged
from engines.models import Engine, Operation
from engines.operations import actions
from engines.permissions import Permission
from engines.spec.stored import stored
from engines.web.gate import require


def create_later(
    engine: Engine, judged: Judged, *, start: bool, pull: str, by: User, form_token: UUID | None = None
) -> Operation:
    """Create what was judged in an operation that pulls its image first: `missing` or `always`. Raises BeyondLimits."""
    spec = judged.spec
    title = f"Create {spec.name or 'a container'} of {spec.image}"
    require(by, Permission.IMAGE_PULL, engine, subject=spec.image)
    require_within(Permission.CONTAINER_CREATE, judged.refused, engine=engine, subject=spec.name or spec.image, by=by)
    given = {"container": stored(spec), "start": start, "pull": pull} | told(judged, start=start)
    return actions.start(engine, "container.create", given, title=title, by=by, form_token=form_token)
