"""What operations have to do with a container that took, or takes, another one's place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from engines.client.errors import EngineReplied
from engines.client.fields import text
from engines.containers import queries
from engines.containers.replaced import Replaced
from engines.models import Engine, Operation
from engines.trail.write import NotDone

Status = Operation.Status
_KINDS = ("container.recreate", "container.return")
_NOT_FOUND = 404


@dataclass(frozen=True)
class Standing:
    """`state`: running (it is being replaced), kept (it was replaced, and stays), interrupted (neither old nor new)."""

    operation: Operation
    state: str
    was: Replaced


class BeingReplaced(NotDone):
    """What changes it now would be lost, or taken for somebody's mistake."""


def replacing(*containers: str) -> QuerySet[Operation]:
    """Running operations that put one of these containers in another's place, or another in its. By whole ids."""
    ids = [each for each in containers if each]
    mine = Q(spec__container__in=ids) | Q(spec__new__in=ids) | Q(progress__replaced__new__in=ids)
    return Operation.objects.filter(mine, kind__in=_KINDS, status=Status.RUNNING)


def require_not_replaced(container_id: str) -> None:
    """Raises BeingReplaced while another container takes its place."""
    operation = replacing(container_id).first()
    if operation is not None:
        raise BeingReplaced(
            f"{operation.created_by_name} is replacing this container just now. Nothing was done: wait until that ends."
        )


def standing(engine: Engine, inspect: Mapping[str, Any]) -> Standing | None:
    """Of the container of `inspect` in the newest operation that replaced it, or made it; None where all is well.

    Also None where there is nothing to return to. Raises EngineError.
    """
    now = Replaced.of(inspect)
    mine = Q(progress__replaced__old=now.old) | Q(progress__replaced__new=now.old)
    operation = Operation.objects.filter(mine, engine=engine, kind="container.recreate").order_by("-created_at").first()
    was = Replaced.noted(operation.progress) if operation else None
    if operation is None or was is None:
        return None
    if not operation.is_over:
        return Standing(operation, "running", was)
    if operation.status == Status.SUCCEEDED:
        kept = now.old == was.old and now.name == text(operation.result.get("kept"))
        return Standing(operation, "kept", was) if kept else None
    cut_off = now.old == was.new or now.name != was.name or (now.policy, now.retries) != (was.policy, was.retries)
    if not cut_off and was.ran and not now.ran and not operation.progress.get("returned"):
        # Stopped by it, unless it was returned to and somebody stopped it since.
        cut_off = not Operation.objects.filter(
            engine=engine, kind="container.return", status=Status.SUCCEEDED, spec__operation=str(operation.pk)
        ).exists()
    if not cut_off or (now.old == was.new and _gone(engine, was.old)):
        return None
    return Standing(operation, "interrupted", was)


def _gone(engine: Engine, container_id: str) -> bool:
    try:
        queries.inspected(engine, container_id)
    except EngineReplied as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        return True
    return False
