"""What the fleet page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engines.models import Engine, EngineState

Standing = Literal["down", "unknown", "up", "disabled"]
#: In the order of the page: what needs somebody comes first.
STANDINGS: tuple[Standing, ...] = ("down", "unknown", "up", "disabled")
TONES: dict[Standing, str] = {"down": "danger", "unknown": "neutral", "up": "success", "disabled": "neutral"}
LABELS: dict[Standing, str] = {
    "down": "down",
    "unknown": "not contacted yet",
    "up": "up",
    "disabled": "disabled",
}


@dataclass(frozen=True)
class Card:
    """One engine as it was last heard of; `way` is how it is reached, and `plain` warns that anybody may listen in."""

    engine: Engine
    state: EngineState | None
    standing: Standing
    way: str
    plain: bool
    tags: tuple[str, ...]

    @property
    def tone(self) -> str:
        return TONES[self.standing]

    @property
    def label(self) -> str:
        return LABELS[self.standing]


@dataclass(frozen=True)
class Total:
    """How many engines have this standing, whatever the filter says."""

    standing: Standing
    number: int

    @property
    def tone(self) -> str:
        return TONES[self.standing]

    @property
    def label(self) -> str:
        return LABELS[self.standing]


@dataclass(frozen=True)
class Watch:
    """Whether the watcher works; `since` is when it last said so, None for never."""

    works: bool
    since: datetime | None
