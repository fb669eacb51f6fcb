"""Where in a Dockerfile a step comes from. A reading aid for the log, no parser of the language."""

import re
from dataclasses import dataclass

_STAGE_STEP = re.compile(r"\[(?:(?P<stage>\S+) )?(?P<step>\d+)/(?P<steps>\d+)\] (?P<text>.*)", re.DOTALL)
#: Instructions that are steps of their own to BuildKit; the others only change the configuration.
_STEPS = frozenset({"FROM", "RUN", "COPY", "ADD", "WORKDIR"})


@dataclass(frozen=True)
class Instruction:
    """An instruction with its continuation lines joined; `line` counts from 1."""

    line: int
    word: str
    text: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, comments and empty lines left out."""
    found: list[Instruction] = []
    pending: list[str] = []
    start = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start if pending else number
        pending.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            joined = " ".join(pending)
            found.append(Instruction(start, joined.split(maxsplit=1)[0].upper(), _normal(joined)))
            pending = []
    return found


def line_of_step(dockerfile: str, step: str) -> int | None:
    """The line of the step that BuildKit names `[stage 2/3] RUN …`, or None when it cannot be told."""
    match = _STAGE_STEP.match(step)
    if match is None:
        return None
    every = instructions(dockerfile)
    same = [one for one in every if one.text == _normal(match["text"])]
    if len(same) == 1:
        return same[0].line
    stage = _stage(every, match["stage"])
    steps = [one for one in stage if one.word in _STEPS]
    position = int(match["step"]) - 1
    return steps[position].line if 0 <= position < len(steps) else None


def line_of_number(dockerfile: str, number: int) -> int | None:
    """The line of the classic builder's `Step number/m`: it counts every instruction from 1."""
    every = instructions(dockerfile)
    return every[number - 1].line if 1 <= number <= len(every) else None


def _stage(every: list[Instruction], name: str | None) -> list[Instruction]:
    """The instructions of stage `name` (its `AS` name or `stage-<index>`), or of the only one."""
    stages: list[list[Instruction]] = []
    for one in every:
        if one.word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(one)
    for index, stage in enumerate(stages):
        words = stage[0].text.split()
        if name in {f"stage-{index}", words[-1] if len(words) > 2 and words[-2].upper() == "AS" else None}:
            return stage
    return stages[0] if len(stages) == 1 else []


def _normal(text: str) -> str:
    word, _, rest = text.strip().partition(" ")
    return " ".join([word.upper(), *rest.split()])
