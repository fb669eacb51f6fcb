"""Start, cancel and repeat operations. Know no HTTP."""

import json
import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from engines import hints
from engines.models import Engine, Operation
from engines.operations import sealed, tasks
from engines.operations.kinds import KINDS
from engines.trail import write as trail

Status = Operation.Status


def start(
    engine: Engine, kind: str, spec: dict[str, Any], *, title: str, by: User, form_token: uuid.UUID | None = None
) -> Operation:
    """Queue an operation. The same form sent twice gives the operation it started the first time.

    The same form is the same `form_token` with the same content, from the same person: one that was changed after
    going back starts another operation.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of operation: {kind}")
    pk = uuid.uuid4()
    with transaction.atomic():
        # The row and the intent of the audit trail: both, or neither.
        operation, new = Operation.objects.get_or_create(
            form_token=_mark(form_token, engine, kind, spec, by) if form_token else uuid.uuid4(),
            defaults={
                "id": pk,
                "engine": engine,
                "engine_name": engine.name,
                "kind": kind,
                "spec": sealed.closed(pk, kind, spec),
                "title": title[:255],
                "created_by": by,
                "created_by_name": by.get_username(),
            },
        )
        if new:
            intent = trail.begin(
                KINDS[kind].permission,
                by=by,
                engine=engine,
                subject=title,
                parameters=KINDS[kind].told(spec),
                operation=operation,
            )
            Operation.objects.filter(pk=operation.pk).update(intent=intent.seq)
            transaction.on_commit(lambda: _queued(operation, engine))
    return operation


def cancel(operation: Operation, *, by: User) -> None:
    """Ask for the end of an operation: at once while it is queued, by its worker within a second while it runs."""
    parameters = {"kind": operation.kind}
    with trail.act(
        "operation.cancel", by=by, engine=operation.engine, subject=str(operation.pk), parameters=parameters
    ):
        _cancel(operation, by)
    hints.tell(hints.announce_advance, operation.pk)


@transaction.atomic
def _cancel(operation: Operation, by: User) -> None:
    now = timezone.now()
    mine = Operation.objects.filter(pk=operation.pk)
    waiting = mine.filter(status=Status.QUEUED).update(
        status=Status.CANCELLED,
        cancel_requested_at=now,
        cancelled_by_name=by.get_username(),
        finished_at=now,
        sentence="Cancelled before it started.",
    )
    if waiting:
        trail.conclude_operation(operation.pk, Status.CANCELLED, "Cancelled before it started.")
    else:
        mine.filter(status=Status.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=now, cancelled_by_name=by.get_username()
        )


def repeat(operation: Operation, *, by: User) -> Operation:
    """Start the same again, as `by`. The engine must still be registered. Raises SecretUnreadable."""
    if operation.engine is None:
        raise ValueError("the engine of this operation is not registered any more")
    return start(operation.engine, operation.kind, sealed.opened(operation), title=operation.title, by=by)


def _mark(form_token: uuid.UUID, engine: Engine, kind: str, spec: dict[str, Any], by: User) -> uuid.UUID:
    return uuid.uuid5(form_token, json.dumps([engine.pk, kind, spec, by.pk], sort_keys=True))


def _queued(operation: Operation, engine: Engine) -> None:
    tasks.enqueue(operation.pk)
    hints.tell(hints.announce_change, engine.pk, "operations")
