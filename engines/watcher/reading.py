"""What the engine says of itself and of what happened, read tolerantly: it is not trusted."""

from dataclasses import dataclass
from typing import Any

from engines.client.fields import number, text

_TOPICS = {"container": "containers", "image": "images", "network": "networks", "volume": "volumes"}
#: Of a container, but no change of what a list shows. Health checks alone make three of these a second.
_SILENT = ("exec_", "top", "resize", "attach", "detach", "archive-path", "extract-to-dir", "export", "copy")


@dataclass(frozen=True)
class Reading:
    """What a card of the fleet shows, of GET /info and the agreed API version."""

    version: str
    os: str
    architecture: str
    cpus: int
    memory_bytes: int
    running: int
    paused: int
    stopped: int
    images: int

    @classmethod
    def from_api(cls, info: dict[str, Any]) -> "Reading":
        """From the reply to GET /info (Engine API: System/SystemInfo)."""
        return cls(
            version=_line(info.get("ServerVersion"), 64),
            os=_line(info.get("OperatingSystem"), 128),
            architecture=_line(info.get("Architecture"), 32),
            cpus=number(info.get("NCPU")),
            memory_bytes=number(info.get("MemTotal")),
            running=number(info.get("ContainersRunning")),
            paused=number(info.get("ContainersPaused")),
            stopped=number(info.get("ContainersStopped")),
            images=number(info.get("Images")),
        )


@dataclass(frozen=True)
class Event:
    """One message of GET /events: `topic` is empty when no page has to ask again; `at` is in nanoseconds."""

    topic: str
    at: int

    @classmethod
    def from_api(cls, message: dict[str, Any]) -> "Event":
        """From one message of GET /events (Engine API: System/SystemEvents)."""
        action = str(message.get("Action", ""))
        topic = _TOPICS.get(str(message.get("Type", "")), "")
        if topic == "containers" and action.startswith(_SILENT):
            topic = ""
        return cls(topic, number(message.get("timeNano")))

    @property
    def cursor(self) -> str:
        """What to pass as `since` to hear what came after this one: seconds with nanoseconds behind a dot."""
        return f"{(self.at + 1) // 1_000_000_000}.{(self.at + 1) % 1_000_000_000:09d}" if self.at else ""


def _line(value: object, most: int) -> str:
    # As much as the column holds, and no NUL, which PostgreSQL cannot store.
    return text(value)[:most].replace("\0", "")
