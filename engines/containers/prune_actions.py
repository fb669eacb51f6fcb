"""Removes containers that do not run. Knows no HTTP of ours. `by` is who does it. Raises EngineError."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User

from engines import reach
from engines.client.connect import call
from engines.client.errors import EngineReplied
from engines.client.ids import require_name
from engines.containers.prunable import Doomed, Filter
from engines.containers.types import Container
from engines.models import Engine
from engines.permissions import Permission
from engines.trail import write as trail

_PATIENCE_SECONDS = 60
_THREADS = 8


@dataclass(frozen=True)
class Pruned:
    """How many containers are gone, the bytes they held, and how many stay: somebody started or removed them."""

    containers: int
    bytes: int
    stayed: int


def prune(engine: Engine, chosen: Filter, expected: Doomed, *, by: User) -> Pruned:
    """Remove `expected`, which was shown as what `chosen` takes. Volumes stay, also anonymous ones."""
    labels = [*chosen.labels, *(f"!{label}" for label in chosen.spared)]
    parameters: dict[str, object] = {
        "containers": len(expected.containers),
        "bytes": expected.bytes,
        "created_before": datetime.fromtimestamp(chosen.until, UTC).isoformat(),
    } | ({"labels": [label[:200] for label in labels]} if labels else {})
    act = trail.act(Permission.CONTAINER_PRUNE, by=by, engine=engine, parameters=parameters)
    # One by one: a prune of the engine's own would take along what has stopped since it was shown.
    with act, ThreadPoolExecutor(_THREADS) as pool:
        removals = [pool.submit(copy_context().run, _remove, engine, each) for each in expected.containers]
        gone = [removal.result() for removal in removals]
    removed = [each for each, is_gone in zip(expected.containers, gone, strict=True) if is_gone]
    return Pruned(len(removed), sum(each.size_bytes for each in removed), len(gone) - len(removed))


def _remove(engine: Engine, container: Container) -> bool:
    """Whether it was removed. Raises EngineError, but for what the engine replies of this one."""
    client = reach.client(engine, timeout=_PATIENCE_SECONDS)
    try:
        call(client, "DELETE", f"/containers/{require_name(container.id)}")
    except EngineReplied:
        return False
    return True
