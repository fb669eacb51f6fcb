"""Reads for the build page."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from engines.builds.types import BuildSpec
from engines.client.archive import read_text
from engines.models import Engine, Operation
from engines.operations import sealed
from engines.operations.gate import may_repeat, visible_operations


def recent(engine: Engine) -> QuerySet[Operation]:
    """The last builds on this engine."""
    return Operation.objects.filter(engine=engine, kind="image.build").defer("progress", "requests")[:5]


def fields_of(user: User, operation_id: str) -> dict[str, Any]:
    """The form's fields as an earlier build had them; empty when there is none that `user` might run again.

    Raises SecretUnreadable.
    """
    try:
        pk = uuid.UUID(operation_id)
    except ValueError:
        return {}
    operation = visible_operations(user).filter(pk=pk, kind="image.build").select_related("engine").first()
    if operation is None or not may_repeat(user, operation):
        return {}
    spec = BuildSpec.from_json(sealed.opened(operation))
    return {
        "dockerfile": read_text(settings.SPOOL_DIR / spec.context, spec.dockerfile) or "",
        "dockerfile_path": spec.dockerfile,
        "tags": "\n".join(spec.tags),
        "build_args": "\n".join(f"{name}={value}" for name, value in spec.build_args.items()),
        "target": spec.target,
        "no_cache": spec.no_cache,
        "pull": spec.pull,
        "builder": spec.builder,
    }
