"""Tar streams to and from an engine, a header at a time: what a file holds is never kept, and nothing is extracted.

Names are as the container has them: bytes that are no UTF-8 come as surrogates (`surrogateescape`).
"""

import asyncio
import posixpath
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Literal

import aiohttp

from engines.client.errors import NotAnEngine

Kind = Literal["file", "folder", "link", "pipe", "device", "socket"]

_BLOCK = 512
_READ_BYTES = 256 << 10
#: Of a pax header: extended attributes are in it, of at most 64 KiB each.
_EXTRA_BYTES = 1 << 20
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_KINDS: dict[bytes, Kind] = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.FIFOTYPE: "pipe",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
}
#: Two blocks of zeros.
END = bytes(2 * _BLOCK)


@dataclass(frozen=True)
class Head:
    """What a tar says of an entry. `mode` holds the permission bits alone; `size` in bytes, `mtime` in seconds.

    `link` is where a symbolic link leads, as it is written. `same` is the earlier entry that a file is one with.
    """

    name: str
    kind: Kind
    size: int = 0
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""
    same: str = ""


async def heads(content: aiohttp.StreamReader) -> AsyncIterator[Head]:
    """Every entry, what files hold left out. Raises NotAnEngine."""
    while (head := await next_head(content)) is not None:
        yield head
        await _skip(content, head.size)


async def next_head(content: aiohttp.StreamReader) -> Head | None:
    """The next entry; None at the end. What follows in `content` is what a file holds. Raises NotAnEngine."""
    told: dict[str, str] = {}
    while True:
        block = await _exactly(content, _BLOCK)
        if not block.strip(b"\0"):
            return None
        info = _parsed(block)
        if info.type in _LONG:
            told[_LONG[info.type]] = _text((await _extra(content, info.size)).rstrip(b"\0"))
        elif info.type == tarfile.XHDTYPE:
            told |= _records(await _extra(content, info.size))
        elif info.type == tarfile.XGLTYPE:
            await _extra(content, info.size)
        else:
            return _head(info, told)


async def held(content: aiohttp.StreamReader, size: int) -> AsyncGenerator[bytes, None]:
    """The `size` bytes that the entry just read holds. Raises NotAnEngine when they end early."""
    while size:
        block = await content.read(min(size, _READ_BYTES))
        if not block:
            raise NotAnEngine("The engine's archive ended in the middle of a file.")
        size -= len(block)
        yield block


def packed(head: Head) -> bytes:
    """The header of `head`, which what it holds must follow, and then `padding`."""
    info = tarfile.TarInfo(head.name)
    info.type = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE}[head.kind]
    info.size, info.mode, info.mtime = head.size, head.mode, head.mtime
    info.uid, info.gid = head.uid, head.gid
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """What stands between a file of `size` bytes and the next header."""
    return bytes(-size % _BLOCK)


def _parsed(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError as error:
        raise NotAnEngine("The engine's archive is damaged.") from error
    if info.size < 0:
        raise NotAnEngine("The engine's archive is damaged.")
    return info


def _head(info: tarfile.TarInfo, told: dict[str, str]) -> Head:
    name = told.get("path", info.name)
    link = told.get("linkpath", info.linkname)
    return Head(
        name=posixpath.normpath(name) if name else "",
        kind=_KINDS.get(info.type, "file"),
        size=_number(told.get("size"), info.size) if info.isreg() else 0,
        mode=info.mode & 0o7777,
        uid=_number(told.get("uid"), info.uid),
        gid=_number(told.get("gid"), info.gid),
        mtime=_number(told.get("mtime", "").partition(".")[0], int(info.mtime)),
        link=link if info.issym() else "",
        same=posixpath.normpath(link) if info.islnk() else "",
    )


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header, each `length key=value\\n`. Raises NotAnEngine."""
    found: dict[str, str] = {}
    while data:
        length, _, _ = data.partition(b" ")
        if not length.isdigit() or not len(length) + 1 < int(length) <= len(data):
            raise NotAnEngine("The engine's archive is damaged.")
        record, data = data[len(length) + 1 : int(length)], data[int(length) :]
        key, _, value = record.removesuffix(b"\n").partition(b"=")
        found[_text(key)] = _text(value)
    return found


def _number(text: str | None, otherwise: int) -> int:
    """`text`, where it is a number of at most 18 digits."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else otherwise


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


async def _extra(content: aiohttp.StreamReader, size: int) -> bytes:
    if size > _EXTRA_BYTES:
        raise NotAnEngine("The engine's archive has a header larger than any that a Docker Engine writes.")
    data = await _exactly(content, size)
    await _exactly(content, -size % _BLOCK)
    return data


async def _exactly(content: aiohttp.StreamReader, size: int) -> bytes:
    try:
        return await content.readexactly(size)
    except asyncio.IncompleteReadError as error:
        raise NotAnEngine("The engine's archive is cut off.") from error


async def _skip(content: aiohttp.StreamReader, size: int) -> None:
    async for _ in held(content, size + -size % _BLOCK):
        pass
