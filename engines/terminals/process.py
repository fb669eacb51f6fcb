"""A process in a container as a terminal has it: what it shows, what is typed to it, its size, its end."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from engines.client.endpoint import Endpoint
from engines.client.errors import EngineError, EngineReplied, NotAnEngine
from engines.client.fields import number, table, text
from engines.client.frames import Framed
from engines.client.hijack import Hijacked
from engines.client.ids import require_name
from engines.client.stream import AsyncEngine, parse_json, read
from engines.terminals.types import Asked, Size

#: Nobody types that by accident: whoever detached would leave a process that nobody watches.
_DETACH_KEYS = "ctrl-^,ctrl-_,ctrl-@,ctrl-^,ctrl-_,ctrl-@,ctrl-^,ctrl-_"
#: In the environment of all that was started from a terminal.
_MARK = "PILOTHOUSE_TERMINAL"
#: An exec has no kill in the Engine API, and lives on when its connection is closed (measured: also with a terminal).
#: So a second exec, as the same user, finds by the mark what runs in it.
_END = (
    'marked() { for file in $(grep -ls "$1" /proc/[0-9]*/environ); do'
    ' pid=${file#/proc/}; echo "${pid%/environ}"; done; };'
    ' for pid in $(marked "$1"); do kill -HUP "$pid"; done 2>/dev/null; sleep 1;'
    ' for pid in $(marked "$1"); do kill -KILL "$pid"; done 2>/dev/null; true'
)
_END_SECONDS = 10
_TRIES, _TRY_SECONDS = 20, 0.1


class Process:
    """An exec or, with no `exec_id`, the container's own first process."""

    def __init__(
        self, way: AsyncEngine, stream: Hijacked, container: str, exec_id: str, mark: str, asked: Asked
    ) -> None:
        self._way, self._stream, self._container = way, stream, container
        self._exec_id, self._mark, self._asked = exec_id, mark, asked
        self._frames = None if asked.tty else Framed({}, timed=False)

    async def read(self) -> list[tuple[int, bytes]]:
        """What it shows next, as stream (1 out, 2 err) and bytes; empty at its end, or when the engine went away."""
        while block := await self._stream.read():
            if self._frames is None:
                return [(1, block)]
            if runs := self._frames.feed(block):
                return runs
        return []

    async def write(self, data: bytes) -> None:
        """Type; returns once the engine takes it. Raises EngineError."""
        await self._stream.write(data)

    async def resize(self, size: Size) -> None:
        """Tell it the size of its terminal. Raises EngineError."""
        path = f"/exec/{self._exec_id}/resize" if self._exec_id else f"/containers/{self._container}/resize"
        params = {"h": str(size.rows), "w": str(size.columns)}
        for left in reversed(range(_TRIES)):
            try:
                return await self._way.post(path, params=params)
            except EngineReplied:
                # The engine passes the stream on before the process is there.
                if not left:
                    raise
            await asyncio.sleep(_TRY_SECONDS)

    async def exit_code(self) -> int | None:
        """Of the process that has just ended; None when it goes on. Raises EngineError."""
        for _ in range(_TRIES):
            state = await self._state()
            if state.get("Running") is False:
                return number(state.get("ExitCode"))
            await asyncio.sleep(_TRY_SECONDS)
        return None

    async def end(self) -> None:
        """End all that was started from this terminal; a container's own first process is left alone.

        Nothing more can be read. Not possible without a shell and grep in the container. Raises EngineError,
        TimeoutError.
        """
        # First: an engine whose stream is not read may take 20 s for anything about that container (measured).
        self._stream.close()
        if not self._exec_id:
            return
        words = ("/bin/sh", "-c", _END, "sh", f"{_MARK}={self._mark}")
        async with asyncio.timeout(_END_SECONDS):
            made = await _create(self._way, self._container, Asked(words, self._asked.user, tty=False, typed=False), "")
            body = {"Detach": False, "Tty": False}
            async with self._way.request("POST", f"/exec/{made}/start", body=_json(body), headers=_JSON) as response:
                await read(response)

    async def runs(self) -> bool:
        """Whether it does, as far as the engine says. Raises EngineError."""
        return (await self._state()).get("Running") is not False

    async def _state(self) -> Mapping[str, Any]:
        if self._exec_id:
            return table(await self._way.json("GET", f"/exec/{self._exec_id}/json"))
        return table(table(await self._way.json("GET", f"/containers/{self._container}/json")).get("State"))


@asynccontextmanager
async def started(endpoint: Endpoint, container: str, asked: Asked) -> AsyncIterator[Process]:
    """The process of `asked`, running or attached to, until the block ends. Raises EngineError.

    `container` is its whole id. Leaving the block leaves the process: `Process.end` ends it.
    """
    container = require_name(container)
    async with AsyncEngine(endpoint) as way:
        if asked.words:
            mark = secrets.token_hex(8)
            made = await _create(way, container, asked, mark)
            start = Hijacked(endpoint, f"/exec/{made}/start", body={"Detach": False, "Tty": asked.tty})
            async with start as stream:
                yield Process(way, stream, container, made, mark, asked)
        else:
            params = dict.fromkeys(("stream", "stdin", "stdout", "stderr"), "1") | {"detachKeys": _DETACH_KEYS}
            async with Hijacked(endpoint, f"/containers/{container}/attach", params=params) as stream:
                yield Process(way, stream, container, "", "", asked)


async def vigil(endpoint: Endpoint) -> NoReturn:
    """Raises EngineError once the engine does not answer any more."""
    async with AsyncEngine(endpoint) as way:
        while True:
            await way.vigil()


_JSON = {"Content-Type": "application/json"}


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


async def _create(way: AsyncEngine, container: str, asked: Asked, mark: str) -> str:
    """The id of a new exec, which never leaves this process. Raises EngineError."""
    body = {
        "Cmd": list(asked.words),
        "User": asked.user,
        "WorkingDir": asked.folder,
        "Tty": asked.tty,
        "AttachStdin": asked.typed,
        "AttachStdout": True,
        "AttachStderr": True,
        "DetachKeys": _DETACH_KEYS,
        "Env": [*([f"{_MARK}={mark}"] if mark else []), *(["TERM=xterm-256color"] if asked.tty else [])],
    }
    path = f"/containers/{container}/exec"
    async with way.request("POST", path, body=_json(body), headers=_JSON, seconds=20) as response:
        made = text(table(parse_json(await read(response))).get("Id"))
    try:
        return require_name(made)
    except ValueError as error:
        raise NotAnEngine("The engine gave an exec no id.") from error


async def ended(process: Process) -> bool:
    """End it and say whether it did end, as far as the engine says."""
    with suppress(EngineError, TimeoutError):
        await process.end()
        return not await process.runs()
    return False
