"""The trial of an engine's limits: what of its present containers they would refuse."""

from dataclasses import dataclass

from engines import reach
from engines.client.connect import call
from engines.client.fields import tables, text
from engines.models import Engine, EngineLimits
from engines.spec import asking
from engines.spec.inspected import from_inspect
from engines.spec.limits import Refusal, refusals

#: More containers than this are not inspected for one trial.
MOST_TRIED = 50


@dataclass(frozen=True)
class Tried:
    """A container as it is, and what of it the limits would refuse if somebody below manager asked for it again."""

    id: str
    name: str
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class Trial:
    """`left` counts the containers that were not looked into."""

    refused: tuple[Tried, ...]
    allowed: int
    left: int


def trial(engine: Engine, limits: EngineLimits) -> Trial:
    """The newest containers of `engine` under `limits`, which need not be stored. Raises EngineError."""
    client = reach.client(engine)
    listed = tables(call(client, "GET", "/containers/json", params={"all": "1"}))
    tried = []
    for entry in listed[:MOST_TRIED]:
        container_id = text(entry.get("Id"))
        inspect = asking.inspect(client, container_id)
        if not inspect:
            # Removed meanwhile, or no id at all.
            continue
        spec = from_inspect(inspect)
        facts = asking.facts(client, spec, engine.url)
        tried.append(Tried(container_id, spec.name, refusals(spec, limits, facts)))
    refused = tuple(sorted((each for each in tried if each.refused), key=lambda each: each.name.lower()))
    return Trial(refused, len(tried) - len(refused), len(listed[MOST_TRIED:]))
