"""Reads of a container's files: what is in a folder, what a file holds, what it changed, and all of it.

A running container is asked by a program of its own (`find` with `stat`), which sees all mounts and needs no more than
the folder. Any other, and one without such programs, by the archive API, which sends all that is below the folder.
"""

import asyncio
import base64
import json
import posixpath
import secrets
from collections.abc import AsyncGenerator

from asgiref.sync import async_to_sync

from engines import reach
from engines.client.connect import call
from engines.client.endpoint import Endpoint
from engines.client.errors import EngineReplied, NotAnEngine
from engines.client.fields import table
from engines.client.ids import require_name
from engines.client.run import NoProgram, run
from engines.client.stream import AsyncEngine
from engines.client.tarstream import heads, held, next_head
from engines.files import paths
from engines.files.changes import Change
from engines.files.types import Entry, Listing, Opened, Sizes, Stat
from engines.models import Engine

_SECONDS = 15
#: For a folder whose archive has to be read to its end; what came by then is shown.
_ARCHIVE_SECONDS = 6
_MOST_HEADS = 200_000
_LISTING_BYTES = 8 << 20
_SIZE_SECONDS = 60
#: An engine that sends nothing of a download for so long is given up.
_SILENCE_SECONDS = 60
#: Where programs are looked for: not in a path that the container's own environment names.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "QUOTING_STYLE": "literal", "LC_ALL": "C"}


_NO_FILE = "This is no regular file: there is nothing to be read in it."
#: Such a file's own archive is empty; that of its folder is not.
_NAMELESS = "The engine gives no single file whose name is not UTF-8: download its folder."


class NotThere(Exception):
    """There is nothing at this path; the message is one sentence."""


class NotAFile(Exception):
    """What is at this path is no regular file; the message is one sentence."""


def look(engine: Engine, container: str, path: str, *, running: bool) -> Listing | Stat:
    """What is at `path`: the entries of a folder, else of what kind it is. Raises NotThere and EngineError."""
    return async_to_sync(_look)(reach.endpoint(engine), container, path, running)


def at(engine: Engine, container: str, path: str) -> Stat | None:
    """What the archive API says of `path`; None when there is nothing. Raises EngineError."""

    async def ask(endpoint: Endpoint) -> Stat | None:
        async with AsyncEngine(endpoint) as way:
            return await stat(way, container, path)

    return async_to_sync(ask)(reach.endpoint(engine))


def opened(engine: Engine, container: str, path: str, most: int) -> Opened:
    """The first `most` bytes of the regular file at `path`. Raises NotThere, NotAFile and EngineError."""
    return async_to_sync(_opened)(reach.endpoint(engine), container, path, most)


def changes(engine: Engine, container: str) -> list[Change]:
    """What the container changed of its image. Raises EngineError."""
    reply = call(reach.client(engine, timeout=30), "GET", f"/containers/{require_name(container)}/changes")
    return Change.from_api(reply)


def sizes(engine: Engine, container: str) -> Sizes:
    """Which the engine may have to count for a while. Raises EngineError."""
    path = f"/containers/{require_name(container)}/json"
    return Sizes.from_api(table(call(reach.client(engine, timeout=_SIZE_SECONDS), "GET", path, params={"size": "1"})))


async def file_blocks(endpoint: Endpoint, container: str, path: str) -> AsyncGenerator[bytes, None]:
    """What the regular file at `path` holds. Raises NotThere, NotAFile and EngineError."""
    async with (
        AsyncEngine(endpoint) as way,
        way.request("GET", archive(container, path), silence=_SILENCE_SECONDS) as reply,
    ):
        head = await next_head(reply.content)
        if head is None or head.kind != "file":
            raise NotAFile(_NO_FILE)
        async for block in held(reply.content, head.size):
            yield block


async def folder_blocks(endpoint: Endpoint, container: str, path: str) -> AsyncGenerator[bytes, None]:
    """The folder at `path` and all below it, as a tar. Raises EngineError."""
    async with (
        AsyncEngine(endpoint) as way,
        way.request("GET", archive(container, path), silence=_SILENCE_SECONDS) as reply,
    ):
        async for block in reply.content.iter_any():
            yield block


async def all_blocks(endpoint: Endpoint, container: str) -> AsyncGenerator[bytes, None]:
    """All files of the container without its volumes, as a tar. Raises EngineError."""
    path = f"/containers/{require_name(container)}/export"
    async with AsyncEngine(endpoint) as way, way.request("GET", path, silence=_SILENCE_SECONDS) as reply:
        async for block in reply.content.iter_any():
            yield block


def archive(container: str, path: str) -> str:
    """The address of the archive API for `path`, whose bytes are kept as they are."""
    return f"/containers/{require_name(container)}/archive?path={paths.encoded(path)}"


async def stat(way: AsyncEngine, container: str, path: str) -> Stat | None:
    """What the archive API says of `path`; None when there is nothing. Raises EngineError."""
    try:
        async with way.request("HEAD", archive(container, path), seconds=_SECONDS) as reply:
            told = reply.headers.get("X-Docker-Container-Path-Stat", "")
    except EngineReplied as refusal:
        # 500 where something on the way is no folder.
        if refusal.status in {404, 500}:
            return None
        raise
    try:
        return Stat.from_api(table(json.loads(base64.b64decode(told))))
    except ValueError as error:
        raise NotAnEngine("What answers there tells nothing of a path, as a Docker Engine does.") from error


async def _look(endpoint: Endpoint, container: str, path: str, running: bool) -> Listing | Stat:
    async with AsyncEngine(endpoint) as way:
        there = await stat(way, container, path)
        if there is not None and there.kind != "folder":
            return there
        if running and paths.is_text(path):
            found = await _found(way, container, path)
            if found is not None:
                return found
        if there is None:
            raise NotThere("There is nothing at this path.")
        return await _archived(way, container, path)


async def _found(way: AsyncEngine, container: str, path: str) -> Listing | Stat | None:
    """By a program in the container; None when it has none, or it says nothing."""
    # Names may hold anything but NUL, so what ends a name must be what nobody can have put into one.
    mark = secrets.token_hex(8)
    line = f"{mark} %f %s %Y %u %g %U %G %n{mark}%N"
    argv = ["find", "-H", path, "-maxdepth", "1", "-exec", "stat", "-c", line, "{}", "+"]
    try:
        ran = await run(way, container, argv, environment=ENVIRONMENT, seconds=_SECONDS, most=_LISTING_BYTES)
    except NoProgram:
        return None
    entries = [entry for record in _records(ran.out, mark) if (entry := _entry(record, mark)) is not None]
    own = next((entry for entry in entries if entry.name == path), None)
    if own is None:
        return None
    if own.kind != "folder":
        return Stat(
            own.kind, own.size, target=paths.join(paths.parent(path), own.link) if own.link else "", reached=False
        )
    inside = tuple(_within(entry, path) for entry in entries if entry is not own)
    return Listing(inside, complete=not ran.cut, asked=True)


def _records(out: bytes, mark: str) -> list[bytes]:
    return (b"\n" + out.removesuffix(b"\n")).split(f"\n{mark} ".encode())[1:]


def _entry(record: bytes, mark: str) -> Entry | None:
    """From what `stat` printed of one entry; its name is its whole path."""
    fields = record.decode(errors="surrogateescape").split(" ", 7)
    if len(fields) != 8 or mark not in fields[7]:
        return None
    mode, size, mtime, uid, gid, user, group, rest = fields
    name, _, named = rest.partition(mark)
    try:
        owner = f"{uid if user == 'UNKNOWN' else user}:{gid if group == 'UNKNOWN' else group}"
        return Entry.from_stat(name, int(mode, 16), int(size), owner, int(mtime), _link(name, named))
    except ValueError:
        return None


def _link(name: str, named: str) -> str:
    """Where a link leads, by `name -> target`; busybox puts both into quotes, which it does not escape."""
    if named.startswith(f"'{name}' -> '"):
        return named[len(name) + 7 : -1]
    return named[len(name) + 4 :] if named.startswith(f"{name} -> ") else ""


def _within(entry: Entry, folder: str) -> Entry:
    name = entry.name.removeprefix(folder if folder == "/" else f"{folder}/")
    return Entry(name, entry.kind, entry.size, entry.mode, entry.owner, entry.mtime, entry.link)


async def _archived(way: AsyncEngine, container: str, path: str) -> Listing:
    """By the headers of the folder's archive, as far as they come in time."""
    entries: list[Entry] = []
    # A file that is one with an earlier one comes without size.
    known: dict[str, int] = {}
    root = "/" if path == "/" else posixpath.basename(path)
    try:
        async with asyncio.timeout(_ARCHIVE_SECONDS), way.request("GET", archive(container, path)) as reply:
            async for head in heads(reply.content):
                known[head.name] = size = known.get(head.same, head.size)
                name = head.name.removeprefix(root).lstrip("/")
                if name and name != "." and "/" not in name:
                    entries.append(Entry.from_head(head, name, size))
                if len(known) > _MOST_HEADS:
                    return Listing(tuple(entries), complete=False)
    except TimeoutError:
        return Listing(tuple(entries), complete=False)
    return Listing(tuple(entries))


async def _opened(endpoint: Endpoint, container: str, path: str, most: int) -> Opened:
    async with AsyncEngine(endpoint) as way:
        try:
            async with way.request("GET", archive(container, path), seconds=_SECONDS) as reply:
                head = await next_head(reply.content)
                if head is None:
                    raise NotAFile(_NAMELESS)
                if head.kind != "file":
                    raise NotAFile(_NO_FILE)
                content = bytearray()
                async for block in held(reply.content, min(head.size, most)):
                    content += block
        except EngineReplied as refusal:
            if refusal.status == 404:
                raise NotThere("There is nothing at this path.") from refusal
            raise
    return Opened(head, bytes(content), head.size <= most)
