"""What a prune would remove: the containers that do not run, as far as a filter lets them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engines.containers.listing import every
from engines.containers.types import Container
from engines.models import Engine

#: The engine prunes what does not run.
_ENDED = frozenset({"created", "exited", "dead"})


@dataclass(frozen=True)
class Filter:
    """`until` in seconds since the epoch: only what was created before. `labels` are `name` or `name=value`, all of
    which a container must have; those of `spared` keep one that has them all.
    """

    until: int
    labels: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()

    def takes(self, container: Container) -> bool:
        """Whether it would be removed; decided as the engine does."""
        if container.state not in _ENDED or container.created >= self.until:
            return False
        if self.spared and _has(container.labels, self.spared):
            return False
        return _has(container.labels, self.labels)


@dataclass(frozen=True)
class Doomed:
    """`mark` is the same when the same containers would be removed."""

    containers: list[Container]
    bytes: int
    mark: str


def doomed(engine: Engine, chosen: Filter) -> Doomed:
    """What a prune with this filter would remove now, largest first. Raises EngineError."""
    found = [each for each in every(engine, sizes=True, timeout=30) if chosen.takes(each)]
    found.sort(key=lambda each: (-each.size_bytes, each.name))
    mark = hashlib.sha256(" ".join(sorted(each.id for each in found)).encode()).hexdigest()
    return Doomed(found, sum(each.size_bytes for each in found), mark)


def _has(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    for each in wanted:
        name, given, value = each.partition("=")
        if name not in labels or (given and labels[name] != value):
            return False
    return True
