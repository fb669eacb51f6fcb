"""Starts the operations that put another container in the place of one, and the way back.

`by` is who does it. Each raises PermissionDenied for a right that the kind's own permission does not include.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from engines.client.fields import table, text
from engines.containers.actions import require_within, told
from engines.containers.queries import Judged
from engines.containers.replaced import edition
from engines.models import Engine, Operation
from engines.operations import actions
from engines.permissions import Permission
from engines.spec.stored import stored
from engines.web.gate import require


@dataclass(frozen=True)
class Wishes:
    """How one container takes the place of another.

    `pull` never, missing or always; `force`: also where the image is the newest already. `start` it, `carry` the old
    one's anonymous volumes over, `keep` the old one, stopped, or else remove it, with its anonymous `volumes`.
    """

    pull: str = "never"
    force: bool = False
    start: bool = True
    carry: bool = True
    keep: bool = False
    volumes: bool = False


def replace(
    engine: Engine,
    inspect: Mapping[str, Any],
    judged: Judged,
    wishes: Wishes,
    *,
    same: bool,
    by: User,
    form_token: UUID | None = None,
) -> Operation:
    """Put what was judged in the place of the container of `inspect`, as it was then. Raises BeyondLimits.

    `same`: the same container of its image as it is by then, which is what was judged as far as that can be known.
    """
    container, name = text(inspect.get("Id")), text(inspect.get("Name")).removeprefix("/")
    for permission in (Permission.CONTAINER_REMOVE, Permission.CONTAINER_STOP, Permission.CONTAINER_START):
        require(by, permission, engine, subject=container)
    if wishes.pull != "never":
        require(by, Permission.IMAGE_PULL, engine, subject=judged.spec.image)
    require_within(Permission.CONTAINER_CREATE, judged.refused, engine=engine, subject=name, by=by)
    given = {
        "asked": None if same else stored(judged.spec),
        "seen": edition(inspect),
        "pull": wishes.pull,
        "force": wishes.force,
        "start": wishes.start,
        "carry": wishes.carry,
        "keep": wishes.keep,
        "volumes": wishes.volumes,
    }
    given |= told(judged, start=wishes.start) | {"container": container, "name": name}
    title = f"Pull and recreate {name}" if same else f"Replace {name}"
    return actions.start(engine, "container.recreate", given, title=title, by=by, form_token=form_token)


def give_back(engine: Engine, operation: Operation, *, by: User) -> Operation:
    """Return to the container that `operation` was replacing."""
    for permission in (Permission.CONTAINER_REMOVE, Permission.CONTAINER_START):
        require(by, permission, engine, subject=str(operation.pk))
    replaced = table(operation.progress.get("replaced"))
    given = {"operation": str(operation.pk), "container": text(replaced.get("old"))}
    given |= {name: text(replaced.get(name)) for name in ("name", "new")}
    return actions.start(engine, "container.return", given, title=f"Return to {given['name']}", by=by)
