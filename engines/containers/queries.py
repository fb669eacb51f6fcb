"""Reads of containers: one Engine API call each, and what a judgement of it asks besides."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from engines import reach
from engines.client.connect import Client, call
from engines.client.errors import NotAnEngine
from engines.client.ids import require_name
from engines.containers.types import Container
from engines.models import Engine, EngineLimits
from engines.spec import asking
from engines.spec.inspected import from_inspect
from engines.spec.limits import Refusal, dangerous, refusals
from engines.spec.types import ContainerSpec

#: In the order in which the counts are shown.
_STATES = ("running", "unhealthy", "restarting", "paused", "created", "exited", "dead", "removing", "unknown")
_SORTS = {
    "name": lambda each: each.name.lower(),
    "state": lambda each: (_STATES.index(each.group) if each.group in _STATES else 99, each.word),
    "image": lambda each: each.image.lower(),
    "created": lambda each: -each.created,
}


@dataclass(frozen=True)
class Choice:
    """What of the list is wanted: from the query string, anything else is the default."""

    q: str = ""
    state: str = ""
    sort: str = "name"
    descending: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> "Choice":
        sort = query.get("sort", "")
        key = sort.removeprefix("-")
        if key not in _SORTS:
            key, sort = "name", ""
        state = query.get("state", "")
        return cls(query.get("q", "")[:200].strip(), state if state in _STATES else "", key, sort.startswith("-"))

    def link(self, **changed: str) -> str:
        """The query string of this choice with `q`, `state` or `sort` changed; `?` alone when nothing is chosen."""
        sort = ("-" if self.descending else "") + self.sort
        now = {"q": self.q, "state": self.state, "sort": "" if sort == "name" else sort} | changed
        return "?" + urlencode({key: value for key, value in now.items() if value})

    @property
    def by_column(self) -> dict[str, str]:
        """Sort key -> the link of its column's head: the column sorted by is turned around."""
        return {key: self.link(sort=f"-{key}" if key == self.sort and not self.descending else key) for key in _SORTS}


@dataclass(frozen=True)
class Listing:
    """The containers wanted, and how many there are of each state whatever state is chosen."""

    rows: list[Container]
    counts: list[tuple[str, int]]
    found: int
    total: int


def listing(engine: Engine, choice: Choice) -> Listing:
    """The containers of `engine`, running or not. Raises EngineError."""
    return chosen(_every(engine), choice)


def names(engine: Engine) -> dict[str, str]:
    """Id -> name of every container. Raises EngineError."""
    return {each.id: each.name for each in _every(engine)}


def _every(engine: Engine) -> list[Container]:
    reply = call(reach.client(engine), "GET", "/containers/json", params={"all": "1"})
    if not isinstance(reply, list):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    return [Container.from_api(entry) for entry in reply if isinstance(entry, dict)]


def chosen(every: list[Container], choice: Choice) -> Listing:
    """`every` narrowed and sorted; equal ones stay in the order of their names."""
    words = choice.q.lower().split()
    found = [each for each in every if each.matches(words)] if words else every
    counted = Counter(each.group for each in found)
    counts = [(state, counted[state]) for state in _STATES if counted[state]]
    rows = [each for each in found if not choice.state or each.group == choice.state]
    rows.sort(key=_SORTS["name"])
    rows.sort(key=_SORTS[choice.sort], reverse=choice.descending)
    return Listing(rows, counts, len(found), len(every))


@dataclass(frozen=True)
class Reach:
    """What lets a container reach beyond itself, and whether that is more than the engine's limits allow."""

    powers: tuple[str, ...]
    closed: bool


def inspected(engine: Engine, container_id: str) -> Mapping[str, Any]:
    """The inspect of one container. Raises EngineError, and IdInvalid for what cannot be an id or name."""
    reply = call(reach.client(engine), "GET", f"/containers/{require_name(container_id)}/json")
    if not isinstance(reply, dict):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    return reply


def reach_of(client: Client, engine: Engine, inspect: Mapping[str, Any]) -> Reach:
    """Of the container of `inspect`; asks the engine about the volumes it names. Raises EngineError."""
    spec = from_inspect(inspect)
    facts = asking.facts(client, spec, engine.url)
    beyond = dangerous(spec, EngineLimits.of(engine), facts)
    return Reach(dangerous(spec, EngineLimits(), facts), bool(beyond))


@dataclass(frozen=True)
class Judged:
    """What is asked for, what of it is refused to those below manager, and what of it reaches into the host."""

    spec: ContainerSpec
    refused: tuple[Refusal, ...]
    reaching: tuple[str, ...]


def judged(engine: Engine, spec: ContainerSpec) -> Judged:
    """`spec` under the engine's limits as they are now. Changes nothing. Raises EngineError."""
    limits, client = EngineLimits.of(engine), reach.client(engine)
    spec = asking.resolved(client, spec)
    facts = asking.facts(client, spec, engine.url, users=limits)
    return Judged(spec, refusals(spec, limits, facts), dangerous(spec, limits, facts))
