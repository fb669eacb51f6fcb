"""What changes files in a container. Knows no HTTP of ours.

What is written goes in as a plain tar of one entry, made here: engines unpacked compressed ones by programs of the
container. What the archive API cannot do, to delete and to rename, programs of a running container do.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import BinaryIO

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from engines import reach
from engines.client.endpoint import Endpoint
from engines.client.errors import EngineError, EngineReplied
from engines.client.run import NoProgram, run
from engines.client.stream import AsyncEngine, read
from engines.client.tarstream import END, Head, next_head, packed, padding
from engines.files import paths, queries
from engines.models import Engine
from engines.permissions import Permission
from engines.trail import write as trail
from engines.trail.write import NotDone

_BLOCK_BYTES = 1 << 20
_SECONDS = 15
_PROGRAM_SECONDS = 300
_PROGRAM_BYTES = 4096
_MODE, _FOLDER_MODE = 0o644, 0o755


class Taken(NotDone):
    """There is something of this name already; nothing was done."""


def upload(engine: Engine, container: str, path: str, source: BinaryIO, size: int, *, by: User, replace: bool) -> None:
    """Write the `size` bytes of `source` to the file at `path`; over one that is there only if `replace`.

    It keeps that one's mode and owner; a new one gets the owner of its folder. Raises Taken, NotDone and EngineError.
    """
    with trail.act(
        Permission.CONTAINER_FILES, by=by, engine=engine, subject=container, parameters=_said("upload", path)
    ):
        async_to_sync(_upload)(reach.endpoint(engine), container, path, source, size, replace)


def save(engine: Engine, container: str, path: str, content: bytes, over: Head | None, *, by: User) -> None:
    """Write `content` to the file at `path`, with mode and owner of `over`, if any. Raises NotDone and EngineError."""
    with trail.act(Permission.CONTAINER_FILES, by=by, engine=engine, subject=container, parameters=_said("edit", path)):
        async_to_sync(_save)(reach.endpoint(engine), container, path, content, over)


def make_folder(engine: Engine, container: str, path: str, *, by: User) -> None:
    """Make an empty folder, of the owner of the one it is in. Raises Taken and EngineError."""
    with trail.act(
        Permission.CONTAINER_FILES, by=by, engine=engine, subject=container, parameters=_said("make-folder", path)
    ):
        async_to_sync(_make_folder)(reach.endpoint(engine), container, path)


def rename(engine: Engine, container: str, path: str, new: str, *, by: User) -> None:
    """Move what is at `path` to the path `new`, where nothing is. Raises Taken, NotDone and EngineError."""
    parameters = _said("rename", path) | {"to": paths.visible(new)[:_PROGRAM_BYTES]}
    with trail.act(Permission.CONTAINER_FILES, by=by, engine=engine, subject=container, parameters=parameters):
        if queries.at(engine, container, new) is not None:
            raise Taken(f"There is something at {paths.visible(new)} already.")
        async_to_sync(_program)(reach.endpoint(engine), container, ["mv", "-T", "--", path, new])


def delete(engine: Engine, container: str, every: Sequence[str], *, by: User) -> None:
    """Delete what is at these paths, folders with all in them. Raises NotDone and EngineError."""
    parameters = _said("delete", ", ".join(every))
    with trail.act(Permission.CONTAINER_FILES, by=by, engine=engine, subject=container, parameters=parameters):
        if "/" in every:
            raise NotDone("The root of the container cannot be deleted.")
        async_to_sync(_program)(reach.endpoint(engine), container, ["rm", "-rf", "--", *every])


def reading(engine: Engine, container: str, path: str, verb: str, *, by: User) -> None:
    """Write down that what is at `path`, which may be secret, is going to be read; `verb` is view or download."""
    trail.note(Permission.CONTAINER_FILES, by=by, engine=engine, subject=container, parameters=_said(verb, path))


def exporting(engine: Engine, container: str, *, by: User) -> None:
    """Write down that all files of the container are downloaded."""
    trail.note(Permission.CONTAINER_EXPORT, by=by, engine=engine, subject=container)


def _said(verb: str, path: str) -> dict[str, object]:
    return {"verb": verb, "path": paths.visible(path)[:_PROGRAM_BYTES]}


async def _upload(endpoint: Endpoint, container: str, path: str, source: BinaryIO, size: int, replace: bool) -> None:
    async with AsyncEngine(endpoint) as way:
        there = await _head(way, container, path)
        if there is not None and (there.kind != "file" or not replace):
            raise Taken(f"There is a {there.kind} of this name already.")
        head = await _to_write(way, container, path, there, size, _MODE)
        await _put(way, container, path, head, _read(source, size))


async def _save(endpoint: Endpoint, container: str, path: str, content: bytes, over: Head | None) -> None:
    async with AsyncEngine(endpoint) as way:
        head = await _to_write(way, container, path, over, len(content), _MODE)
        await _put(way, container, path, head, _once(content))


async def _make_folder(endpoint: Endpoint, container: str, path: str) -> None:
    async with AsyncEngine(endpoint) as way:
        if await _head(way, container, path) is not None:
            raise Taken("There is something of this name already.")
        head = await _to_write(way, container, path, None, 0, _FOLDER_MODE)
        folder = Head(head.name, "folder", mode=head.mode, uid=head.uid, gid=head.gid, mtime=head.mtime)
        await _put(way, container, path, folder, _once(b""))


async def _head(way: AsyncEngine, container: str, path: str) -> Head | None:
    """What is at `path`, with its owner; None when there is nothing."""
    try:
        async with way.request("GET", queries.archive(container, path), seconds=_SECONDS) as reply:
            return await next_head(reply.content)
    except EngineReplied as refusal:
        if refusal.status == 404:
            return None
        raise


async def _to_write(way: AsyncEngine, container: str, path: str, over: Head | None, size: int, mode: int) -> Head:
    """The head of what is to be at `path`: as `over` is, else with `mode` and the owner of its folder."""
    like = over or await _head(way, container, paths.inside(paths.parent(path)))
    if like is None:
        raise NotDone("There is no such folder any more.")
    return Head(
        name=paths.name(path),
        kind="file",
        size=size,
        mode=over.mode if over else mode,
        uid=like.uid,
        gid=like.gid,
        mtime=int(time.time()),
    )


async def _put(way: AsyncEngine, container: str, path: str, head: Head, parts: AsyncIterator[bytes]) -> None:
    """Have the engine unpack a tar of `head` and `parts`; given up when the engine answers no pings meanwhile."""
    address = f"{queries.archive(container, paths.inside(paths.parent(path)))}&noOverwriteDirNonDir=1"

    async def put() -> None:
        headers = {"Content-Type": "application/x-tar"}
        async with way.request("PUT", address, body=_tar(head, parts), headers=headers) as reply:
            await read(reply)

    try:
        await _while_alive(way, put())
    except EngineReplied as refusal:
        raise NotDone(refusal.reason) from refusal
    except EngineError as error:
        raise NotDone(f"{error} What was written may be there in part: upload it again.") from error


async def _while_alive(way: AsyncEngine, work: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(work), asyncio.create_task(way.vigil())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tar(head: Head, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield packed(head)
    async for part in parts:
        yield part
    yield padding(head.size) + END


async def _read(source: BinaryIO, size: int) -> AsyncIterator[bytes]:
    """Exactly `size` bytes of `source`, since that many were announced. Raises NotDone when there are fewer."""
    while size:
        block = await asyncio.to_thread(source.read, min(size, _BLOCK_BYTES))
        if not block:
            raise NotDone("The upload is shorter than it said.")
        size -= len(block)
        yield block


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _program(endpoint: Endpoint, container: str, argv: Sequence[str]) -> None:
    """Run it in the container. Raises NotDone when that cannot be done, or it fails."""
    if not all(paths.is_text(word) for word in argv):
        raise NotDone("A name that is no UTF-8 cannot be given to a program: use a terminal.")
    async with AsyncEngine(endpoint) as way:
        try:
            ran = await run(
                way,
                container,
                argv,
                environment=queries.ENVIRONMENT,
                seconds=_PROGRAM_SECONDS,
                most=_PROGRAM_BYTES,
            )
        except NoProgram as error:
            raise NotDone(f"This takes the program {argv[0]} in the container, while it runs: {error}") from error
    if ran.exit_code:
        raise NotDone(ran.errors or f"{argv[0]} ended with exit code {ran.exit_code}.")
