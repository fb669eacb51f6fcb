"""The gate before pages of operations: resolved through what the person may see, then the permission."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase

from engines import access
from engines.models import Operation
from engines.operations.kinds import KINDS
from engines.permissions import Permission
from engines.trail import write as trail
from engines.web.gate import DECLARATION, person, stopped

P = ParamSpec("P")
OperationView = Callable[Concatenate[HttpRequest, Operation, P], HttpResponseBase]


def visible_operations(user: access.Person) -> QuerySet[Operation]:
    """Operations on engines that `user` may see; those on removed engines are for administrators."""
    if user.is_superuser and user.is_active:
        return Operation.objects.all()
    return Operation.objects.filter(engine__in=access.visible_engines(user))


def may_cancel(user: access.Person, operation: Operation) -> bool:
    """Whether `user` may cancel it: their own as operator, anybody's as manager."""
    own = operation.created_by_id == user.pk
    permission = Permission.OPERATION_CANCEL_OWN if own else Permission.OPERATION_CANCEL_ANY
    return _holds(user, permission, operation)


def may_repeat(user: access.Person, operation: Operation) -> bool:
    """Whether `user` may start the same again: it takes the permission of its kind, on an enabled engine."""
    kind, engine = KINDS.get(operation.kind), operation.engine
    return kind is not None and engine is not None and engine.enabled and access.can(user, kind.permission, engine)


def operation_view(permission: Permission) -> Callable[[OperationView[P]], Callable[..., HttpResponseBase]]:
    """Resolve the operation of `pk`. Stranger to its engine: 404. Too weak a role: 403."""

    def decorate(view: OperationView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, pk: uuid.UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return stopped(request) or view(request, resolve(person(request), pk, permission), *args, **kwargs)

        setattr(guarded, DECLARATION, permission)
        return guarded

    return decorate


def resolve(user: User, pk: uuid.UUID, permission: Permission) -> Operation:
    """The operation, when `user` holds `permission` on its engine. Raises Http404 or PermissionDenied."""
    operation = visible_operations(user).select_related("engine").filter(pk=pk).first()
    if operation is None:
        hidden = Operation.objects.select_related("engine").filter(pk=pk).first()
        if hidden is not None:
            refuse(user, permission, hidden, "No role on its engine.")
        raise Http404("No such operation.")
    if not _holds(user, permission, operation):
        sentence = f"Your role on {operation.engine_name} does not include {permission.value}."
        refuse(user, permission, operation, sentence)
        raise PermissionDenied(sentence)
    return operation


def refuse(user: User, permission: Permission, operation: Operation, sentence: str) -> None:
    """Write down that `user` asked for what they may not do with `operation`."""
    trail.refused(permission, by=user, engine=operation.engine, subject=str(operation.pk), sentence=sentence)


def _holds(user: access.Person, permission: Permission, operation: Operation) -> bool:
    if operation.engine is None:
        return user.is_superuser
    return access.can(user, permission, operation.engine)
