"""A program run inside a container, without terminal or input, to its end: what it printed and its exit code."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.client.errors import EngineReplied, NotAnEngine
from engines.client.fields import number, table, text
from engines.client.frames import ERR, OUT, Framed
from engines.client.ids import require_name
from engines.client.stream import AsyncEngine, parse_json, read

_CALL_SECONDS = 15
_MOST_ERRORS = 4096
#: With which an engine ends what it could not begin: there is no such program, or it may not be run.
_NOT_BEGUN = {126, 127}


class NoProgram(Exception):
    """The container has no such program, or lets none be run now; the message is one sentence."""


@dataclass(frozen=True)
class Ran:
    """What a program printed, and its exit code; `cut` when there was more than was wanted, and then no exit code."""

    exit_code: int
    out: bytes
    errors: str
    cut: bool = False


async def run(
    way: AsyncEngine,
    container: str,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    seconds: float,
    most: int,
) -> Ran:
    """Run `argv` in the container as its root, for at most `seconds`, and take `most` bytes of what it prints.

    No shell reads `argv`. A program that is given up is not ended by that. Raises NoProgram and EngineError.
    """
    made = await _create(way, container, argv, environment)
    out, errors = bytearray(), bytearray()
    frames = Framed({}, timed=False)
    start = way.request(
        "POST",
        f"/exec/{made}/start",
        body=json.dumps({"Detach": False, "Tty": False}),
        headers={"Content-Type": "application/json"},
        seconds=seconds,
    )
    try:
        async with start as reply:
            async for block in reply.content.iter_any():
                for stream, part in frames.feed(block):
                    target = {OUT: out, ERR: errors}[stream]
                    target += part[: (most if stream == OUT else _MOST_ERRORS) - len(target)]
                if len(out) >= most:
                    return Ran(0, bytes(out), "", cut=True)
    except EngineReplied as refusal:
        # Newer engines refuse at once what is not there.
        raise NoProgram(refusal.reason) from refusal
    ended = table(await way.json("GET", f"/exec/{made}/json", seconds=_CALL_SECONDS))
    if number(ended.get("Pid")) == 0 and number(ended.get("ExitCode")) in _NOT_BEGUN:
        raise NoProgram(out[:500].decode(errors="replace").strip())
    return Ran(number(ended.get("ExitCode")), bytes(out), errors.decode(errors="replace").strip())


async def _create(way: AsyncEngine, container: str, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    body = {
        "Cmd": list(argv),
        "User": "0:0",
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "AttachStdout": True,
        "AttachStderr": True,
    }
    try:
        async with way.request(
            "POST",
            f"/containers/{require_name(container)}/exec",
            body=json.dumps(body),
            headers={"Content-Type": "application/json"},
            seconds=_CALL_SECONDS,
        ) as reply:
            made = text(table(parse_json(await read(reply))).get("Id"))
    except EngineReplied as refusal:
        if refusal.status != 409:
            raise
        # Stopped or paused.
        raise NoProgram(refusal.reason) from refusal
    try:
        return require_name(made)
    except ValueError as error:
        raise NotAnEngine("What answers there gives no id of what it made, as a Docker Engine does.") from error
