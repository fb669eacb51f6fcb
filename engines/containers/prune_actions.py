"""Removes all containers that do not run. Knows no HTTP of ours. `by` is who does it. Raises EngineError."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User

from engines import reach
from engines.client.connect import call
from engines.client.fields import number, table, texts
from engines.containers.prunable import Doomed, Filter
from engines.models import Engine
from engines.permissions import Permission
from engines.trail import write as trail

#: Removing hundreds takes the engine minutes, and it answers when it is done.
_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Pruned:
    """By the engine's own word: how many containers, and bytes that are free again."""

    containers: int
    bytes: int


def prune(engine: Engine, chosen: Filter, expected: Doomed, *, by: User) -> Pruned:
    """Remove what `chosen` takes, which was shown as `expected`. Volumes stay, also anonymous ones."""
    labels = [*chosen.labels, *(f"!{label}" for label in chosen.spared)]
    parameters: dict[str, object] = {
        "containers": len(expected.containers),
        "bytes": expected.bytes,
        "created_before": datetime.fromtimestamp(chosen.until, UTC).isoformat(),
    } | ({"labels": [label[:200] for label in labels]} if labels else {})
    with trail.act(Permission.CONTAINER_PRUNE, by=by, engine=engine, parameters=parameters):
        client = reach.client(engine, timeout=_PATIENCE_SECONDS)
        reply = table(call(client, "POST", "/containers/prune", params=chosen.query))
    return Pruned(len(texts(reply.get("ContainersDeleted"))), number(reply.get("SpaceReclaimed")))
