"""What of an operation's input is sealed at rest: the fields that its kind names, each bound to the operation's row."""

import json
import uuid
from typing import Any

from django.conf import settings

from engines import secrets
from engines.models import Operation
from engines.operations.kinds import KINDS


def place(pk: uuid.UUID, field: str) -> str:
    """What the sealed `field` of the operation `pk` is bound to."""
    return f"operation.{pk}.{field}"


def closed(pk: uuid.UUID, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """`spec` as it is stored: what may be secret in it is text that only the console's keys open."""
    return {name: _seal(pk, name, value) if name in KINDS[kind].sealed else value for name, value in spec.items()}


def opened(operation: Operation) -> dict[str, Any]:
    """The input as it was given. Raises SecretUnreadable."""
    sealed = KINDS[operation.kind].sealed
    return {
        name: _open(operation.pk, name, value) if name in sealed else value for name, value in operation.spec.items()
    }


def _seal(pk: uuid.UUID, field: str, value: object) -> str:
    return secrets.encrypt(json.dumps(value), place=place(pk, field), keys=settings.ENCRYPTION_KEYS)


def _open(pk: uuid.UUID, field: str, value: str) -> Any:
    return json.loads(secrets.decrypt(value, place=place(pk, field), keys=settings.ENCRYPTION_KEYS))
