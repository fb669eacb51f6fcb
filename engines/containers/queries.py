"""Reads of a container: one Engine API call each, and what a judgement of it asks besides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines import reach
from engines.client.connect import Client, call
from engines.client.errors import NotAnEngine
from engines.client.ids import require_name
from engines.models import Engine, EngineLimits
from engines.spec import asking
from engines.spec.inspected import differences, from_inspect
from engines.spec.limits import Refusal, dangerous, refusals
from engines.spec.types import ContainerSpec


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


def unlike(client: Client, engine: Engine, judged: Judged, container_id: str) -> tuple[str, ...]:
    """The fields in which the engine made another container than was asked for. Raises EngineError."""
    inspect = asking.inspect(client, container_id)
    found = from_inspect(inspect)
    other = differences(judged.spec, found, asking.default_runtime(client, found))
    # A volume may have been replaced, by one that is a path of the host, since it was judged.
    if not judged.reaching and reach_of(client, engine, inspect).closed:
        other = other or ("mounts",)
    return other
