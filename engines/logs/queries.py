"""Logs, read from the engine as they come."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from engines.client.endpoint import Endpoint
from engines.client.errors import NotAnEngine
from engines.client.frames import GAP, Framed, Run, Unframed
from engines.client.ids import require_name
from engines.client.stream import AsyncEngine
from engines.logs.types import Source, Wanted

#: An engine that does not follow sends without a pause.
_SILENT_SECONDS = 60
_GZIP = 16 + zlib.MAX_WBITS
#: Fast: text that repeats itself becomes small at any level.
_LEVEL = 3


async def source(way: AsyncEngine, container: str) -> Source:
    """The container behind a log, by name or id. Raises EngineError, and IdInvalid for what cannot be either."""
    reply = await way.json("GET", f"/containers/{require_name(container)}/json")
    if not isinstance(reply, dict):
        raise NotAnEngine("The engine sent other JSON than a Docker Engine does.")
    return Source.from_api(reply)


async def runs(way: AsyncEngine, of: Source, wanted: Wanted, *, timed: bool = True) -> AsyncGenerator[list[Run]]:
    """The log of `of`, as it comes, in pieces as large as were waiting. `timed`: each line begins with its timestamp.

    Begins with the run GAP where the log does not hold any more what of it was seen. Raises EngineError; EngineReplied
    where the engine gives no log.
    """
    frames = (Unframed if of.tty else Framed)(wanted.seen, timed=timed)
    begun = False
    async with aclosing(_blocks(way, of, wanted, timed)) as blocks:
        async for block in blocks:
            piece = frames.feed(block) if block else frames.end()
            if piece and not begun:
                begun = True
                piece = piece if frames.found else [(GAP, b""), *piece]
            if piece:
                yield piece


async def _blocks(way: AsyncEngine, of: Source, wanted: Wanted, timed: bool) -> AsyncGenerator[bytes]:
    """The body of the engine's answer, and an empty block at its end."""
    path = f"/containers/{require_name(of.id)}/logs"
    # Who follows asks anyhow whether the container still runs when the log ends.
    living = wanted.follow and of.running
    silence = None if living else _SILENT_SECONDS
    params = wanted.params(timed=timed)
    async with way.request("GET", path, params=params, silence=silence, chunked=not living) as response:
        async for block in response.content.iter_any():
            yield block
    yield b""


async def text(endpoint: Endpoint, of: Source, wanted: Wanted, *, timed: bool) -> AsyncGenerator[bytes]:
    """The log of `of` as plain text, out and err in the engine's order. Raises EngineError."""
    async with AsyncEngine(endpoint) as way, aclosing(runs(way, of, wanted, timed=timed)) as pieces:
        async for piece in pieces:
            yield b"".join(data for _, data in piece)


async def gzipped(plain: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """`plain` as a gzip file. Packed in a thread: other requests go on meanwhile."""
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    async with aclosing(plain):
        async for block in plain:
            if packed := await asyncio.to_thread(packer.compress, block):
                yield packed
        yield packer.flush()
