"""What either builder says, told as one kind of log: the plain form of `docker build --progress=plain`.

A line belongs to step n when it starts with `#n `; `progress` holds the state of each step beside it.
"""

import re
import time
from dataclasses import dataclass, field
from typing import Any

from engines.client.buildkit.trace import Trace, Vertex, VertexLog, VertexStatus

_CLASSIC_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_CLASSIC_CACHED = " ---> Using cache"
#: A line longer than this is shown in pieces.
LINE_CHARACTERS = 16 * 1024
#: Steps kept apart; all further ones are told as one. A build's output can claim any number of them.
MOST_STEPS = 1000
_FURTHER = "further"


@dataclass
class Step:
    """One step as the page shows it. `state`: waiting, running, done, cached, error or cancelled."""

    id: int
    name: str
    state: str = "waiting"
    started: float | None = None
    seconds: float | None = None
    error: str = ""
    current: int = 0
    total: int = 0
    rest: dict[int, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The step in the JSON of an operation's progress."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "started": self.started,
            "seconds": self.seconds,
            "error": self.error,
            "current": self.current,
            "total": self.total,
        }


def progress_of(steps: list[Step]) -> dict[str, Any]:
    """The progress of a build: how many of the steps known so far are over."""
    over = sum(step.state in {"done", "cached", "error"} for step in steps)
    return {"unit": "steps", "current": over, "total": len(steps), "items": [step.shown() for step in steps]}


class BuildKitTranscript:
    """Tells a series of BuildKit traces. Steps are numbered in the order in which they are first heard of."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    @property
    def steps(self) -> list[Step]:
        return list(self._steps.values())

    @property
    def failed(self) -> Step | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if step.state == "error"), None)

    def tell(self, trace: Trace) -> list[str]:
        """The lines that `trace` adds to the log."""
        lines: list[str] = []
        for vertex in trace.vertexes:
            # Output of the step that came with its end still belongs before that end.
            if vertex.completed is not None:
                lines += self._logs(log for log in trace.logs if log.vertex == vertex.digest)
            lines += self._vertex(vertex)
        ended = {vertex.digest for vertex in trace.vertexes if vertex.completed is not None}
        lines += self._logs(log for log in trace.logs if log.vertex not in ended)
        for status in trace.statuses:
            lines += self._status(status)
        for warning in trace.warnings:
            lines.append(f"#{self._step(warning.vertex).id} WARNING: {warning.short}")
        return lines

    def _step(self, digest: str, name: str = "") -> Step:
        if digest not in self._steps and len(self._steps) >= MOST_STEPS:
            digest, name = _FURTHER, "Further steps"
        step = self._steps.get(digest)
        if step is None:
            step = self._steps[digest] = Step(len(self._steps) + 1, name)
        if name:
            step.name = name
        return step

    def _vertex(self, vertex: Vertex) -> list[str]:
        known = vertex.digest in self._steps
        step = self._step(vertex.digest, vertex.name)
        lines = []
        if not known or (step.started is None and vertex.started is not None):
            lines = [f"#{step.id} {step.name}"] if vertex.started is not None else []
        if vertex.started is not None:
            step.started = vertex.started
            step.state = "running" if vertex.completed is None else step.state
        if vertex.completed is None:
            return lines
        was = step.state
        step.seconds = max(0.0, vertex.completed - (vertex.started or vertex.completed))
        step.state = "error" if vertex.error else "cached" if vertex.cached else "done"
        step.error = vertex.error
        if step.state == "error" and "context canceled" in vertex.error:
            step.state = "cancelled"
        if was == step.state:
            return lines
        return [*lines, *_rest(step), _end_line(step)]

    def _logs(self, logs: Any) -> list[str]:
        lines: list[str] = []
        for log in logs:
            lines += self._log(log)
        return lines

    def _log(self, log: VertexLog) -> list[str]:
        step = self._step(log.vertex)
        # Of a hostile engine's numbers, two: each keeps a part of a line.
        stream = 1 if log.stream == 1 else 2
        text = step.rest.pop(stream, "") + log.message.decode(errors="replace")
        *whole, rest = text.split("\n")
        if len(rest) > LINE_CHARACTERS:
            whole, rest = [*whole, rest], ""
        if rest:
            step.rest[stream] = rest
        since = max(0.0, (log.timestamp or 0) - (step.started or log.timestamp or 0))
        return [f"#{step.id} {since:.3f} {line.removesuffix(chr(13))}" for line in whole]

    def _status(self, status: VertexStatus) -> list[str]:
        step = self._step(status.vertex)
        step.current, step.total = status.current, status.total
        # Newer BuildKit says "writing image sha256:… done" here: worth a line once, at its end.
        if status.completed is not None and not status.total:
            return [f"#{step.id} {status.name or status.id} done"]
        return []


class ClassicTranscript:
    """Tells the messages of the classic builder, whose steps come one after the other."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._rest = ""

    @property
    def failed(self) -> Step | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if step.state == "error"), None)

    def tell(self, text: str) -> list[str]:
        """The lines that the `stream` of a message adds to the log. Output comes in parts of lines."""
        *whole, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > LINE_CHARACTERS:
            whole, self._rest = [*whole, self._rest], ""
        return [line for raw in whole for line in self._line(raw.removesuffix("\r"))]

    def end(self, error: str = "") -> list[str]:
        """Close the step that is open, with `error` if the build failed there."""
        lines = self._line(self._rest) if self._rest else []
        self._rest = ""
        return lines + self._close("error" if error else "done", error)

    def _line(self, line: str) -> list[str]:
        match = _CLASSIC_STEP.match(line)
        if match and len(self.steps) < MOST_STEPS:
            closed = self._close("done")
            name = f"[{match[1]}/{match[2]}] {match[3]}"
            self.steps.append(Step(len(self.steps) + 1, name, "running", time.time()))
            return [*closed, f"#{self.steps[-1].id} {name}"]
        if not self.steps:
            return [line] if line else []
        step = self.steps[-1]
        if line == _CLASSIC_CACHED and step.state == "running":
            return self._close("cached")
        if not line:
            return []
        return [f"#{step.id} {time.time() - (step.started or 0):.3f} {line}"]

    def _close(self, state: str, error: str = "") -> list[str]:
        if not self.steps or self.steps[-1].state != "running":
            return []
        step = self.steps[-1]
        step.state, step.error = state, error
        step.seconds = time.time() - (step.started or time.time())
        return [_end_line(step)]


def _rest(step: Step) -> list[str]:
    lines = [f"#{step.id} {step.seconds or 0:.3f} {text}" for text in step.rest.values()]
    step.rest.clear()
    return lines


def _end_line(step: Step) -> str:
    if step.state == "error":
        return f"#{step.id} ERROR: {step.error}"
    if step.state == "cancelled":
        return f"#{step.id} CANCELED"
    return f"#{step.id} CACHED" if step.state == "cached" else f"#{step.id} DONE {step.seconds or 0:.1f}s"
