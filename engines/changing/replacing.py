"""Puts a new container in the place of another one, which comes back when the new one does not do.

    make the new one under another name ─▶ stop the old one ─▶ change names ─▶ start ─▶ prove ─▶ remove the old one
    until the proof, any failure, cancel or end of the worker ─▶ remove the new one, give back the name, start
                              where the old one is gone by then ─▶ the new one stays, under its name

What is needed to go back is noted in the operation's progress before anything is touched: `container.return` does the
same for an operation whose worker was killed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engines.client.errors import EngineError, EngineReplied
from engines.client.fields import number, table, tables, text
from engines.containers.replaced import Replaced, names
from engines.creation.making import NOT_FOUND, Request, discard, found, make
from engines.models import Engine
from engines.operations.job import Job, OperationFailed, to_the_end

_CALL_SECONDS = 60
#: A container that wants longer than this to stop is killed then.
_LONGEST_STOP_SECONDS = 600
_USUAL_STOP_SECONDS = 10
#: One without a health check has to run for this long, and one with it must be healthy after this long at most.
PROOF_SECONDS = 4.0
_MOST_HEALTH_SECONDS = 300.0
_LOOK_SECONDS = 0.5
#: What engines take where a health check does not say.
_USUAL_SECONDS, _USUAL_RETRIES, _BILLION = 30, 3, 1_000_000_000
_ENDED_PROBE_CHARACTERS = 300
_ENDED = frozenset({"exited", "removing", "dead"})
STEPS = ("Make the new container", "Stop the old one", "Change places", "Start and watch it", "Clear up")


@dataclass(frozen=True)
class Way:
    """How the way back went, as a sentence; `back`: the old one is what it was."""

    sentence: str
    back: bool = False


class Replacement:
    """Of one container by another. `volumes`: the old one's anonymous volumes go with it; `keep`: it stays, stopped."""

    def __init__(self, job: Job, engine: Engine, was: Replaced, inspect: Mapping[str, Any]) -> None:
        self._job, self._engine, self._was, self._inspect = job, engine, was, inspect
        self._old_name, self._new_name = names(was.name, job.id)
        self._at, self._back = 0, False

    async def run(self, asked: Request, *, start: bool, keep: bool, volumes: bool) -> dict[str, Any]:
        """The result: {"container": id of the new one, "name", "kept": name of the old one or empty}.

        Raises OperationFailed with what became of both, and what else ended it.
        """
        name = asked.judged.spec.name or self._was.name
        try:
            await self._step(0, f"Making {self._new_name} of {asked.judged.spec.image}")
            named = replace(asked, params={**asked.params, "name": self._new_name})
            made = await make(self._job, self._engine, named)
            self._was = replace(self._was, new=made)
            await self._switch(made, name)
            if start:
                await self._step(3, f"Starting {name}")
                await self._post(f"/containers/{made}/start")
                await self._prove(made)
        except (EngineError, OperationFailed) as failure:
            sentence = await to_the_end(self._go_back("error", asked, f"#{self._at + 1} {failure}"))
            raise OperationFailed(f"{failure} {sentence}") from failure
        except BaseException:
            # Cancelled, not permitted any more, or the worker stops: what is left of the time is for this.
            await to_the_end(self._go_back("cancelled", asked))
            raise
        await self._step(4, f"{name} is {made[:12]}")
        kept = await self._clear_up(keep, volumes)
        await self._step(5, "")
        return {"container": made, "name": name, "kept": kept}

    async def _go_back(self, state: str, asked: Request, line: str = "") -> str:
        """Return to the old one, and note whether that went well; a sentence on it."""
        self._tell(state)
        await self._job.log.write(line)

        async def again() -> str:
            made = await make(self._job, self._engine, replace(asked, params={**asked.params, "name": self._was.name}))
            self._was = replace(self._was, new=made)
            return (
                f"The old {self._was.name} removed itself when it was stopped, and so did the new one when it ended: "
                "it was made again, and is not started."
            )

        way = await returned(self._job, self._was, again if _removes_itself(self._inspect) else None)
        self._back = way.back
        self._tell(state)
        return way.sentence

    async def _switch(self, made: str, name: str) -> None:
        old = self._was.old
        await self._step(1, f"Stopping {self._was.name}" if self._was.ran else f"{self._was.name} does not run")
        if self._was.ran:
            if self._was.policy != "no":
                # Else the engine could start it again while it is to stand back.
                await self._post(f"/containers/{old}/update", body=_policy("no", 0))
            if self._was.paused:
                await self._post(f"/containers/{old}/unpause")
            params, seconds = self._patience()
            await self._post(f"/containers/{old}/stop", params=params, seconds=seconds + _CALL_SECONDS)
        await self._step(2, f"{self._was.name} becomes {self._old_name}, {self._new_name} becomes {name}")
        # One that was set to remove itself is gone by now: there is no way back to it, but none is needed to go on.
        if await _lasting(self._job, old):
            await self._post(f"/containers/{old}/rename", params={"name": self._old_name})
        await self._post(f"/containers/{made}/rename", params={"name": name})

    def _patience(self) -> tuple[dict[str, str], int]:
        """What the engine is told of how long it may take to stop, and how many seconds that are."""
        seconds = table(self._inspect.get("Config")).get("StopTimeout")
        if not isinstance(seconds, int):
            return {}, _USUAL_STOP_SECONDS
        if 0 <= seconds <= _LONGEST_STOP_SECONDS:
            return {}, seconds
        return {"t": str(_LONGEST_STOP_SECONDS)}, _LONGEST_STOP_SECONDS

    async def _prove(self, made: str) -> None:
        """Until it has run for a while, and is healthy where that is checked. Raises OperationFailed."""
        began = time.monotonic()
        while True:
            try:
                inspect = table(await self._job.engine.json("GET", f"/containers/{made}/json"))
            except EngineReplied as refusal:
                if refusal.status != NOT_FOUND:
                    raise
                raise OperationFailed("The new container ended and removed itself at once.") from refusal
            state, passed = table(inspect.get("State")), time.monotonic() - began
            if number(inspect.get("RestartCount")) or state.get("Restarting") is True:
                raise OperationFailed(f"The new container ended with exit code {_exit(state)}, again and again.")
            if state.get("Running") is not True:
                if _exit(state):
                    raise OperationFailed(
                        f"The new container ended with exit code {_exit(state)}. {_error(state)}".strip()
                    )
                await self._job.log.write("#4 It ran to its end, with exit code 0.")
                return
            health = table(state.get("Health"))
            most = _health_seconds(inspect)
            if not most and passed >= PROOF_SECONDS:
                await self._job.log.write(f"#4 It has run for {passed:.0f} s.")
                return
            if most and health.get("Status") == "healthy":
                await self._job.log.write(f"#4 It is healthy after {passed:.0f} s.")
                return
            if most and health.get("Status") == "unhealthy":
                raise OperationFailed(f"The new container is unhealthy.{_probe(health)}")
            if most and passed > most:
                raise OperationFailed(f"The new container was not healthy within {most:.0f} s.{_probe(health)}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _clear_up(self, keep: bool, volumes: bool) -> str:
        """The name under which the old one stays, or empty. What goes wrong here undoes nothing."""
        if keep and await found(self._job, self._was.old):
            await self._job.log.write(f"#5 {self._old_name} is kept, stopped, and does not start by itself.")
            return self._old_name
        try:
            params = {"v": "1"} if volumes else None
            path = f"/containers/{self._was.old}"
            async with self._job.engine.request("DELETE", path, params=params, seconds=_CALL_SECONDS):
                pass
        except EngineReplied as refusal:
            if refusal.status != NOT_FOUND:
                await self._job.log.write(f"#5 {self._old_name} could not be removed: {refusal.reason}")
                return self._old_name
        await self._job.log.write("#5 The old container is removed.")
        return ""

    async def _step(self, at: int, line: str) -> None:
        """Say that step `at` begins; durable before it does, with the way back."""
        self._at = at
        if line:
            # The first line of a step is its name.
            await self._job.log.write(f"#{at + 1} {STEPS[at]}\n#{at + 1} {line}")
        self._tell("running")
        await self._job.log.flush()

    def _tell(self, state: str) -> None:
        """That the step that is being done is in this state, those before it are done, and those after it wait."""
        states = ["done"] * self._at + [state] + ["waiting"] * len(STEPS)
        items = [
            {"id": str(number), "name": name, "state": each}
            for number, (name, each) in enumerate(zip(STEPS, states, strict=False), start=1)
        ]
        told = {"unit": "steps", "current": self._at, "total": len(STEPS), "items": items, "returned": self._back}
        self._job.log.progress(told | self._was.note())

    async def _post(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        seconds: float = _CALL_SECONDS,
    ) -> None:
        # The engine goes on with what nobody waits for any more, and would stop what was just returned to.
        await to_the_end(self._job.engine.post(path, params=params, body=body, seconds=seconds))


async def returned(job: Job, was: Replaced, again: Callable[[], Awaitable[str]] | None = None) -> Way:
    """Remove the new container and let the old one be what it was. Where that is gone, the new one stays.

    `again` makes a container where both are gone; it returns a sentence on that.
    """
    try:
        way = await _return(job, was, again)
    except (EngineError, OperationFailed) as error:
        way = Way(f"{was.name} could not be returned to ({error}): open its page when the engine answers.")
    await job.log.write(way.sentence)
    return way


async def _return(job: Job, was: Replaced, again: Callable[[], Awaitable[str]] | None) -> Way:
    inspect = await _lasting(job, was.old)
    if not inspect:
        return Way(await _stay(job, was, again))
    if was.new:
        await discard(job, was.new)
    path, now = f"/containers/{was.old}", Replaced.of(inspect)
    if now.name != was.name:
        await job.engine.post(f"{path}/rename", params={"name": was.name}, seconds=_CALL_SECONDS)
    if (now.policy, now.retries) != (was.policy, was.retries):
        await job.engine.post(f"{path}/update", body=_policy(was.policy, was.retries), seconds=_CALL_SECONDS)
    if not was.ran:
        return Way(f"The old {was.name} is as it was.", back=True)
    if not now.ran:
        await job.engine.post(f"{path}/start", seconds=_CALL_SECONDS)
    if was.paused and not (now.ran and now.paused):
        await job.engine.post(f"{path}/pause", seconds=_CALL_SECONDS)
    return Way(f"The old {was.name} runs on." if now.ran else f"The old {was.name} was started again.", back=True)


async def _stay(job: Job, was: Replaced, again: Callable[[], Awaitable[str]] | None) -> str:
    """The new one is all there is: it gets the name, whatever came of it."""
    there = await _lasting(job, was.new) if was.new else {}
    if not there:
        return await again() if was.new and again else f"{was.name} is gone: there is nothing to return to."
    now = Replaced.of(there)
    if now.name != was.name:
        params = {"name": was.name}
        await job.engine.post(f"/containers/{was.new}/rename", params=params, seconds=_CALL_SECONDS)
    runs = "runs" if now.ran else "does not run"
    return f"The old {was.name} is gone, so the new one stays in its place, under this name. It {runs}."


async def _lasting(job: Job, container: str) -> Mapping[str, Any]:
    """The inspect of a container; `{}` when it is gone. One that ended and removes itself is waited for."""
    there = await found(job, container)
    if _removes_itself(there) and text(table(there.get("State")).get("Status")) in _ENDED:
        try:
            path, params = f"/containers/{container}/wait", {"condition": "removed"}
            await job.engine.post(path, params=params, seconds=_CALL_SECONDS)
        except EngineReplied as refusal:
            if refusal.status != NOT_FOUND:
                raise
        return {}
    return there


def _removes_itself(inspect: Mapping[str, Any]) -> bool:
    return table(inspect.get("HostConfig")).get("AutoRemove") is True


def _policy(name: str, retries: int) -> dict[str, Any]:
    return {"RestartPolicy": {"Name": name, "MaximumRetryCount": retries}}


def _health_seconds(inspect: Mapping[str, Any]) -> float:
    """How long it may take until it is healthy; 0 when nothing checks that."""
    check = table(table(inspect.get("Config")).get("Healthcheck"))
    test = check.get("Test")
    if not isinstance(test, list) or not test or test[0] == "NONE":
        return 0.0
    interval = number(check.get("Interval")) / _BILLION or _USUAL_SECONDS
    timeout = number(check.get("Timeout")) / _BILLION or _USUAL_SECONDS
    tries = (number(check.get("Retries")) or _USUAL_RETRIES) * (interval + timeout)
    return min(_MOST_HEALTH_SECONDS, number(check.get("StartPeriod")) / _BILLION + tries + PROOF_SECONDS)


def _exit(state: Mapping[str, Any]) -> int:
    return number(state.get("ExitCode"))


def _error(state: Mapping[str, Any]) -> str:
    return text(state.get("Error"))[:_ENDED_PROBE_CHARACTERS]


def _probe(health: Mapping[str, Any]) -> str:
    """With what the last probe ended; not what it said, which may be secret."""
    last = tables(health.get("Log"))[-1:]
    return f" Its last probe ended with exit code {number(last[0].get('ExitCode'))}." if last else ""
