"""What of a container's log is wanted, and the container as it stands behind it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from engines.client.fields import table, text
from engines.client.frames import ERR, OUT, Seen

_SECOND = 10**9
_SECONDS = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?")
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")
_TAIL = re.compile(r"\d{1,9}|all")
#: Out and err are stamped by two threads of the engine, each before it waits for the other to write.
_DISORDER = 5 * _SECOND

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Wanted:
    """`since` and `until` in nanoseconds since the epoch, 0 for none; `tail` a number of lines or `all`.

    `seen` says of each stream what is there already.
    """

    tail: str = "all"
    since: int = 0
    until: int = 0
    out: bool = True
    err: bool = True
    follow: bool = False
    seen: Mapping[int, Seen] = field(default_factory=dict)

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Raises ValueError for what is none."""
        tail = _last(query, "tail", "all")
        if not _TAIL.fullmatch(tail):
            raise ValueError("tail is a number of lines, or all")
        until = _moment(_last(query, "until", "0"))
        out, err = _switch(query, "stdout", True), _switch(query, "stderr", True)
        if not out and not err:
            raise ValueError("neither of the two streams")
        # An engine that follows looks at `until` only when a later line comes.
        follow = _switch(query, "follow", False) and not until
        seen = dict(_seen(each) for each in query.get("seen", ()))
        return cls(tail, _moment(_last(query, "since", "0")), until, out, err, follow, seen)

    def params(self, *, timed: bool) -> dict[str, str]:
        """The query of the Engine API (Container/ContainerLogs)."""
        since = self.since
        if self.seen:
            newest = max(_moment(each.stamp.decode()) for each in self.seen.values())
            since = max(since, newest - _DISORDER)
        return {
            "stdout": str(int(self.out)),
            "stderr": str(int(self.err)),
            "follow": str(int(self.follow)),
            "timestamps": str(int(timed)),
            "tail": "all" if self.seen else self.tail,
            "since": _seconds(since),
            "until": _seconds(self.until),
        }


@dataclass(frozen=True)
class Source:
    """The container of a log. `finished` as the engine writes it; `exit_code` None where it has not ended."""

    id: str
    name: str
    tty: bool
    running: bool
    restarting: bool
    started: str
    finished: str
    exit_code: int | None
    oom_killed: bool

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> Self:
        """From an inspect."""
        state = table(reply.get("State"))
        running, code, finished = state.get("Running") is True, state.get("ExitCode"), text(state.get("FinishedAt"))
        ended = not finished.startswith("0001-")
        return cls(
            id=text(reply.get("Id")),
            name=text(reply.get("Name")).removeprefix("/"),
            tty=table(reply.get("Config")).get("Tty") is True,
            running=running,
            restarting=state.get("Restarting") is True,
            started=text(state.get("StartedAt")),
            finished=finished if ended else "",
            exit_code=code if ended and isinstance(code, int) and not isinstance(code, bool) else None,
            oom_killed=state.get("OOMKilled") is True,
        )

    def end(self, *, restarted: bool = False) -> dict[str, object]:
        """The frame that tells how it stands when its log has ended."""
        return {
            "type": "ended",
            "running": self.running,
            "restarted": restarted,
            "exit_code": self.exit_code if restarted or not self.running else None,
            "oom_killed": self.oom_killed,
            "finished_at": self.finished if restarted or not self.running else "",
        }


def _last(query: Query, key: str, default: str) -> str:
    return (query.get(key) or [default])[-1]


def _switch(query: Query, key: str, default: bool) -> bool:
    word = _last(query, key, str(int(default)))
    if word not in {"0", "1"}:
        raise ValueError(f"{key} is 0 or 1")
    return word == "1"


def _seen(each: str) -> tuple[int, Seen]:
    stream, count, stamp = each.split(",")
    if stream not in {str(OUT), str(ERR)} or not re.fullmatch(r"\d{1,9}", count) or not _RFC3339.fullmatch(stamp):
        raise ValueError("seen is stream, number of lines and timestamp")
    return int(stream), Seen(stamp.encode(), int(count))


def _moment(written: str) -> int:
    """Nanoseconds since the epoch; of `seconds[.fraction]` or RFC 3339. Raises ValueError."""
    if plain := _SECONDS.fullmatch(written):
        seconds, fraction = int(plain[1]), plain[2]
    elif full := _RFC3339.fullmatch(written):
        # The offset apart: fromisoformat knows neither nine digits nor a small z.
        seconds = int(datetime.fromisoformat(f"{full[1]}{full[3].upper()}").timestamp())
        fraction = full[2]
    else:
        raise ValueError("a time is in seconds since the epoch or as in RFC 3339")
    return seconds * _SECOND + int((fraction or "0").ljust(9, "0"))


def _seconds(moment: int) -> str:
    return f"{moment // _SECOND}.{moment % _SECOND:09}" if moment else "0"
