"""What the pages of the diagnosis show, read from an engine's replies: tolerantly, and bounded."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engines.client.fields import number, pairs, table, tables, text, texts

#: Of a tree: deeper, or more of it, is only in the raw JSON.
_DEEPEST = 24
_MOST_NODES = 6000
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_ROWS = 5000
_CELL_CHARACTERS = 4096
_OUTPUT_CHARACTERS = 4096
_LINE_CHARACTERS = 2000
#: Escape sequences of terminals: colours, and those that move, clear or ask.
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])")
#: Control characters, and those that turn the direction of text.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Node:
    """A value of the inspect. `path` leads to it as jq writes it; `value` is empty where it has `children`."""

    key: str
    path: str
    value: str = ""
    kind: str = ""
    children: tuple["Node", ...] = ()
    # What it holds, where that is shown closed: `{3}` or `[0]`.
    size: str = ""


class Tree:
    """Builds the nodes of one inspect, until there are too many to be shown."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        self._left = _MOST_NODES
        self.nodes = self._children(reply, "", 0)
        #: Whether something is only in the raw JSON.
        self.cut = self._left <= 0

    def _children(self, value: Mapping[str, Any] | list[Any], path: str, depth: int) -> tuple[Node, ...]:
        return tuple(self._node(key, each, path + step, depth) for key, step, each in _members(value) if self._count())

    def _count(self) -> bool:
        self._left -= 1
        return self._left > 0

    def _node(self, key: str, value: object, path: str, depth: int) -> Node:
        if isinstance(value, dict | list):
            size = f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"
            children = self._children(value, path, depth + 1) if depth < _DEEPEST else ()
            return Node(key, path, kind="branch", children=children, size=size)
        return Node(key, path, *_leaf(value))


def _members(value: Mapping[str, Any] | list[Any]) -> Iterator[tuple[str, str, Any]]:
    """Name, step of the path, and value of each member."""
    if isinstance(value, list):
        yield from ((str(index), f"[{index}]", each) for index, each in enumerate(value))
        return
    for key, each in value.items():
        yield key, f".{key}" if _PLAIN_KEY.fullmatch(key) else f'["{key}"]', each


def _leaf(value: object) -> tuple[str, str]:
    if value is None:
        return "null", "null"
    if isinstance(value, bool):
        return str(value).lower(), "boolean"
    if isinstance(value, str):
        return value, "string"
    return str(value), "number"


@dataclass(frozen=True)
class Processes:
    """What `ps` says: `titles` of the columns, and one row per process. `cut`: there are more."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    cut: bool = False

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> "Processes":
        """From the reply of GET /containers/{id}/top (Engine API: Container/ContainerTop)."""
        titles = tuple(texts(reply.get("Titles")))
        entries = reply.get("Processes")
        rows = [texts(entry) for entry in entries] if isinstance(entries, list) else []
        shown = tuple(tuple(cell[:_CELL_CHARACTERS] for cell in row) for row in rows[:_MOST_ROWS])
        return cls(titles, shown, len(rows) > _MOST_ROWS)

    def sorted(self, title: str, *, descending: bool) -> "Processes":
        """By the column `title`: numbers as numbers. As they are where there is no such column."""
        if title not in self.titles:
            return self
        column = self.titles.index(title)
        rows = sorted(self.rows, key=lambda row: _sortable(row[column] if column < len(row) else ""))
        return Processes(self.titles, tuple(reversed(rows) if descending else rows), self.cut)


def _sortable(cell: str) -> tuple[float, str]:
    try:
        return float(cell), ""
    except ValueError:
        return float("inf"), cell


@dataclass(frozen=True)
class Probe:
    """One run of a health check. `exit_code` 0 is healthy."""

    began: datetime | None
    ended: datetime | None
    exit_code: int
    output: str

    @property
    def seconds(self) -> float | None:
        return (self.ended - self.began).total_seconds() if self.began and self.ended else None


@dataclass(frozen=True)
class Health:
    """The health check of a container and what came of it. Times in seconds; probes newest first."""

    status: str
    failing_streak: int
    test: str
    interval: float
    timeout: float
    start_period: float
    retries: int
    probes: tuple[Probe, ...]

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> "Health | None":
        """From an inspect (Engine API: Container/ContainerInspect); None when it has no health check."""
        health = table(table(reply.get("State")).get("Health"))
        check = table(table(reply.get("Config")).get("Healthcheck"))
        words = texts(check.get("Test"))
        if not health or words[:1] == ["NONE"]:
            return None
        probes = [_probe(entry) for entry in tables(health.get("Log"))]
        return cls(
            status=text(health.get("Status")) or "unknown",
            failing_streak=number(health.get("FailingStreak")),
            test=" ".join(words[1:] if words[:1] in (["CMD"], ["CMD-SHELL"]) else words),
            interval=_seconds(check.get("Interval")) or 30.0,
            timeout=_seconds(check.get("Timeout")) or 30.0,
            start_period=_seconds(check.get("StartPeriod")),
            retries=number(check.get("Retries")) or 3,
            probes=tuple(reversed(probes)),
        )

    @property
    def next_at(self) -> datetime | None:
        """When it is probed again: the engine waits the interval after each probe; None before the first one ended."""
        last = self.probes[0].ended if self.probes else None
        return last + timedelta(seconds=self.interval) if last else None

    @property
    def tone(self) -> str:
        return {"healthy": "success", "unhealthy": "danger", "starting": "info"}.get(self.status, "neutral")


def _probe(entry: Mapping[str, Any]) -> Probe:
    code = entry.get("ExitCode")
    return Probe(
        moment(entry.get("Start")),
        moment(entry.get("End")),
        code if isinstance(code, int) else -1,
        "\n".join(map(harmless, text(entry.get("Output"))[:_OUTPUT_CHARACTERS].splitlines())),
    )


@dataclass(frozen=True)
class Event:
    """What the engine said happened to the container."""

    at: datetime
    action: str
    attributes: Mapping[str, str]

    @classmethod
    def from_api(cls, message: Mapping[str, Any]) -> "Event | None":
        """From one message of GET /events (Engine API: System/SystemEvents)."""
        nanoseconds = number(message.get("timeNano"))
        action = text(message.get("Action"))
        if not nanoseconds or not action:
            return None
        at = datetime.fromtimestamp(min(nanoseconds, 1 << 61) / 1e9, UTC)
        return cls(at, action[:200], pairs(table(message.get("Actor")).get("Attributes")))

    @property
    def detail(self) -> str:
        """What it says beyond its name: the signal, or the exit code."""
        named = {"signal": "signal", "exitCode": "exit code"}
        return ", ".join(f"{word} {self.attributes[key][:40]}" for key, word in named.items() if key in self.attributes)

    @property
    def tone(self) -> str:
        if self.action == "oom" or (self.action == "die" and self.attributes.get("exitCode") not in {"0", None}):
            return "danger"
        if self.action in {"kill", "stop"} or "unhealthy" in self.action:
            return "warning"
        return "neutral"


def harmless(line: str) -> str:
    """A line of a log without escape sequences, and with every other character that hides something made visible."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", _SEQUENCE.sub("", line))[:_LINE_CHARACTERS]


def moment(value: object) -> datetime | None:
    """A time as engines write it; None for none, and for the year 1, which stands for never."""
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return None if found.year < 1970 else found if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(nanoseconds: object) -> float:
    return number(nanoseconds) / 1e9
