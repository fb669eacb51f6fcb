"""Why a container stopped, in sentences: from what the engine says and what was done through this console. Pure."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engines.diagnosis.types import Event

#: What exit codes mean that are no signal's, by convention of shells and of `docker run`.
_CODES = {
    0: "It ended by itself and reported success.",
    1: "It ended by itself and reported a failure; its last lines usually say which.",
    2: "It ended by itself; shells use this code for wrong usage.",
    125: "The container itself could not be run.",
    126: "Its command was found, but could not be run: no execute permission, or a program of another architecture.",
    127: "Its command was not found in the image.",
    128: "It ended with an exit code that cannot be.",
    255: "It ended by itself with an error outside the range of exit codes.",
}
_SIGNALS = {
    signal.SIGHUP: "a hang-up",
    signal.SIGINT: "an interrupt, as by Ctrl-C",
    signal.SIGQUIT: "a request to quit",
    signal.SIGILL: "an instruction that this processor does not have",
    signal.SIGABRT: "its own call to abort, usually after a failed assertion",
    signal.SIGFPE: "an arithmetic error, such as a division by zero",
    signal.SIGKILL: "SIGKILL, which no program can refuse",
    signal.SIGSEGV: "a fault in memory it does not have",
    signal.SIGPIPE: "writing to a pipe that nobody reads",
    signal.SIGTERM: "SIGTERM, the polite request to stop",
}
#: An act of this console counts as the cause when the container died so shortly after it was begun.
_SOON = timedelta(seconds=3)
_STOPPING = frozenset({"container.stop", "container.kill", "container.restart", "container.remove"})


@dataclass(frozen=True)
class Act:
    """Something done to the container through this console. `over` is empty while it is not."""

    name: str
    began: datetime
    over: datetime | None
    person: str


@dataclass(frozen=True)
class Death:
    """What is known of the end of a container. `exit_code` and `finished` are of its last run."""

    exit_code: int
    finished: datetime | None
    oom_killed: bool = False
    error: str = ""
    memory_limit: str = ""
    events: Sequence[Event] = ()
    acts: Sequence[Act] = ()


def meaning(code: int) -> str:
    """One sentence on what `code` says."""
    if code in _CODES:
        return _CODES[code]
    number = code - 128
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"It ended by itself with its own code {code}."
    return f"It was ended by {_SIGNALS.get(known, known.name)} ({known.name}, signal {number})."


def causes(death: Death) -> list[str]:
    """What explains the end, the surest first; never empty."""
    return [*_causes(death)] or [meaning(death.exit_code)]


def _causes(death: Death) -> Iterator[str]:
    if death.error:
        yield f"The engine could not run it: {death.error[:300]}"
    if death.oom_killed or any(event.action == "oom" for event in death.events):
        limit = f" of {death.memory_limit}" if death.memory_limit else ", or its host had none left"
        yield f"The kernel killed one of its processes, since it used all memory up to its limit{limit}."
    act = _act(death)
    if act is not None:
        yield _told(act)
    signals = [event.attributes.get("signal", "") for event in death.events if event.action == "kill"]
    if death.exit_code == 137 and len(signals) > 1 and signals[-1] == "9" and not death.oom_killed:
        yield "It did not end when it was asked to, and was killed when its time to stop was over."
    elif signals and act is None and not death.oom_killed:
        yield "Somebody or something stopped it past this console: the engine was told to send it a signal."
    if death.exit_code or not act:
        yield meaning(death.exit_code)


def _act(death: Death) -> Act | None:
    """The act of this console that ended it, if one did."""
    if death.finished is None:
        return None
    for act in death.acts:
        over = act.over or death.finished
        if act.name in _STOPPING and act.began - _SOON <= death.finished <= over + _SOON:
            return act
    return None


def _told(act: Act) -> str:
    done = {"container.stop": "stopped", "container.kill": "sent a signal to", "container.restart": "restarted"}
    return f"{act.person or 'Somebody'} {done.get(act.name, 'removed')} it through this console."
