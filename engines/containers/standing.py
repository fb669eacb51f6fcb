"""What operations have to do with a container that took, or takes, another one's place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from engines.client.fields import text
from engines.containers.replaced import Replaced
from engines.models import Engine, Operation

Status = Operation.Status


@dataclass(frozen=True)
class Standing:
    """`state`: running (it is being replaced), kept (it was replaced, and stays), interrupted (neither old nor new)."""

    operation: Operation
    state: str
    was: Replaced


def standing(engine: Engine, inspect: Mapping[str, Any]) -> Standing | None:
    """Of the container of `inspect` in the newest operation that replaced it, or made it; None where all is well."""
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
    if not cut_off and operation.status == Status.LOST and was.ran and not now.ran:
        # Stopped by it, unless it was returned to and somebody stopped it since.
        cut_off = not Operation.objects.filter(
            engine=engine, kind="container.return", status=Status.SUCCEEDED, spec__operation=str(operation.pk)
        ).exists()
    return Standing(operation, "interrupted", was) if cut_off else None
