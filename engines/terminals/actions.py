"""Terminals and short commands, as acts of somebody: who may, what is written down, what is recorded. Know no HTTP."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from engines import access, reach
from engines.client.endpoint import Endpoint
from engines.client.fields import table, text
from engines.containers import entry
from engines.containers.queries import inspected
from engines.models import AuditEntry, Engine, EngineLimits, Recording
from engines.permissions import Permission
from engines.terminals import book
from engines.terminals.cast import Cast, path_of
from engines.terminals.process import ended, started
from engines.terminals.types import Asked, Ran
from engines.trail import write as trail

#: Of a short command: how long it may take, and what is kept of what it shows.
RUN_SECONDS = 30
RUN_BYTES = 1 << 20


@dataclass
class Opening:
    """A terminal that somebody may open: what it takes of them to stay, and what is written of it."""

    endpoint: Endpoint
    container: str
    name: str
    asked: Asked
    needs: access.Needs
    reads_input: bool
    intent: AuditEntry
    recording: Recording | None

    @property
    def tty(self) -> bool:
        return self.asked.tty

    def cast(self) -> Cast | None:
        """The file of its recording, made now; None where nothing is recorded. Blocks; raises OSError."""
        if self.recording is None:
            return None
        return Cast(path_of(self.recording), self.asked.size, tty=self.tty)


def opened(engine: Engine, container: str, asked: Asked, *, by: User) -> Opening:
    """Begin a terminal in the container of this whole id; `concluded` says later what came of it.

    Raises PermissionDenied, EngineError, IdInvalid.
    """
    needs = entry.require_may_enter(by, asked.permission, engine, container)
    inspect = inspected(engine, container)
    config, name = table(inspect.get("Config")), text(inspect.get("Name")).lstrip("/")
    if not asked.words:
        asked = Asked(tty=config.get("Tty") is True, size=asked.size)
    recording = _recording(engine, container, name, asked, by)
    noted = {"recording": str(recording.pk)} if recording else {}
    parameters = asked.parameters | noted
    intent = trail.begin(asked.permission, by=by, engine=engine, subject=container, parameters=parameters)
    reads = bool(asked.words) or config.get("OpenStdin") is True
    return Opening(reach.endpoint(engine), container, name, asked, needs, reads, intent, recording)


def run(engine: Engine, container: str, asked: Asked, *, by: User) -> Ran:
    """Run a command that ends by itself, for at most RUN_SECONDS. Raises as `opened`, and NotDone."""
    entry.require_may_enter(by, Permission.CONTAINER_EXEC, engine, container)
    name = text(inspected(engine, container).get("Name")).lstrip("/")
    recording = _recording(engine, container, name, asked, by)
    parameters = asked.parameters | ({"recording": str(recording.pk)} if recording else {})
    act = trail.act(asked.permission, by=by, engine=engine, subject=container, parameters=parameters)
    with act, _kept(recording, asked) as cast:
        return async_to_sync(_run)(reach.endpoint(engine), container, asked, cast)


def looked_at(recording: Recording, engine: Engine, *, by: User, taken: bool) -> None:
    """Write down that somebody sees what a recording holds; `taken`: takes it along as a file."""
    trail.note(
        Permission.RECORDING_VIEW,
        by=by,
        engine=engine,
        subject=recording.container_id,
        parameters={"recording": str(recording.pk), "as": "file" if taken else "replay"},
    )


def _recording(engine: Engine, container: str, name: str, asked: Asked, by: User) -> Recording | None:
    if not EngineLimits.of(engine).record_terminals:
        return None
    return Recording.objects.create(
        engine=engine,
        engine_name=engine.name,
        container_id=container,
        container_name=name[:255],
        user=by,
        user_name=by.get_username(),
        command=asked.command[:1024],
    )


@contextmanager
def _kept(recording: Recording | None, asked: Asked) -> Iterator[Cast | None]:
    """The file of a recording until its end is written down. Raises NotDone where it cannot be written."""
    if recording is None:
        yield None
        return
    try:
        cast = Cast(path_of(recording), asked.size, tty=False)
    except OSError as error:
        recording.delete()
        raise trail.NotDone("Its recording cannot be written, so it did not run.") from error
    try:
        try:
            yield cast
        finally:
            cast.close()
            book.stored(recording, cast)
    except OSError as error:
        raise trail.NotDone("Its recording could not be written to its end, so what it showed is not shown.") from error


async def _run(endpoint: Endpoint, container: str, asked: Asked, cast: Cast | None) -> Ran:
    """Raises EngineError; OSError when its recording cannot be written, and then it is ended."""
    if cast is None:
        return await _ran(endpoint, container, asked, None)
    running = asyncio.create_task(_ran(endpoint, container, asked, cast))
    keeping = asyncio.create_task(cast.keep())
    try:
        await asyncio.wait([running, keeping], return_when=asyncio.FIRST_COMPLETED)
        return await (running if running.done() else keeping)
    finally:
        running.cancel()
        keeping.cancel()
        await asyncio.gather(running, keeping, return_exceptions=True)


async def _ran(endpoint: Endpoint, container: str, asked: Asked, cast: Cast | None) -> Ran:
    began, shown, size = time.monotonic(), {1: bytearray(), 2: bytearray()}, 0
    async with started(endpoint, container, asked) as process:
        code = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(RUN_SECONDS):
                    while size < RUN_BYTES and (runs := await process.read()):
                        for stream, data in runs:
                            shown[stream] += data[: RUN_BYTES - size]
                            size += len(data)
                            if cast is not None:
                                await cast.show(stream, data)
                    code = await process.exit_code() if size < RUN_BYTES else None
        finally:
            if code is None:
                await ended(process)
    out, err = (bytes(data).decode(errors="replace") for data in shown.values())
    return Ran(out, err, code, time.monotonic() - began, cut=size >= RUN_BYTES)
