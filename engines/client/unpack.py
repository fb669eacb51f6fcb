"""Reads uploaded archives (tar, tar.gz, zip) entry by entry, without ever believing what they say of themselves."""

import calendar
import contextlib
import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, Literal, cast

Kind = Literal["file", "folder", "link", "other"]
Format = Literal["tar", "tar.gz", "zip"]

_HEADER_BYTES = 1 << 16
_LINK_BYTES = 4096
_DIRECTORY_BYTES = 64 << 20
_CENTRAL_HEADER = 46
# What a small archive may unpack to, however well it compresses.
_FREE_BYTES = 16 << 20
_TAR_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OverflowError,
    ValueError,
    RecursionError,
    NotImplementedError,
)


class ContextRefused(Exception):
    """The context cannot be used; the message is one sentence that names the entry."""


@dataclass(frozen=True)
class Limits:
    """How much a context may hold: unpacked bytes, entries, and unpacked bytes for each byte uploaded.

    Entries that `.dockerignore` leaves out count for bytes, and up to four times as many of them may be there.
    """

    unpacked: int = 8 << 30
    entries: int = 50_000
    ratio: int = 200

    @property
    def entries_read(self) -> int:
        return 4 * self.entries


@dataclass(frozen=True)
class Entry:
    """One entry as the archive has it; `content` is readable until the next one is asked for."""

    name: str
    kind: Kind
    size: int = 0
    mode: int = 0o755
    mtime: int = 0
    link: str = ""
    content: IO[bytes] | None = None


def format_of(source: BinaryIO) -> Format:
    """What kind of archive `source` is, by its first bytes. Raises ContextRefused for none of the three."""
    source.seek(0)
    head = source.read(512)
    source.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return "tar.gz"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if len(head) == 512 and (head[257:262] == b"ustar" or _is_old_tar(head)):
        return "tar"
    if not head:
        raise ContextRefused("The uploaded file is empty.")
    raise ContextRefused("The archive is damaged or not a tar, tar.gz or zip.")


@contextlib.contextmanager
def damage_told() -> Iterator[None]:
    """What the libraries raise at damage becomes ContextRefused; a full disk does not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise ContextRefused("The archive is damaged or cut off.") from error
    except _DAMAGE as error:
        raise ContextRefused("The archive is damaged or cut off.") from error


def entries(source: BinaryIO, limits: Limits) -> Iterator[Entry]:
    """The entries of the archive in `source`, from its start. Raises ContextRefused."""
    format = format_of(source)
    with damage_told():
        if format == "zip":
            yield from _zip_entries(source, limits)
        elif format == "tar":
            yield from _tar_entries(source, limits)
        else:
            allowed = max(_FREE_BYTES, limits.ratio * _size(source))
            with gzip.GzipFile(fileobj=source, mode="rb") as unpacked:
                yield from _tar_entries(_Bounded(cast(BinaryIO, unpacked), limits, allowed), limits)


class _Bounded:
    """Reads on from `source` until `allowed` bytes have come: what is too much is never unpacked."""

    def __init__(self, source: BinaryIO, limits: Limits, allowed: int) -> None:
        self._source = source
        self._limits = limits
        self._left = allowed

    def read(self, size: int) -> bytes:
        block = self._source.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise ContextRefused(f"The archive unpacks to more than {self._limits.ratio} times its size.")
        return block


class _Header(tarfile.TarInfo):
    """A header that is checked before tarfile acts on it: it would loop on a negative size, and read any it is told.

    What tarfile takes for the end, a damaged header or no header at all, is refused: half a context is none.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        if not buf:
            raise ContextRefused("The archive is cut off: its end is missing.")
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.InvalidHeaderError as error:  # type: ignore[attr-defined]
            raise ContextRefused("The archive is damaged or not a tar.") from error

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0:
            raise ContextRefused(f"{self.name[:100]!r} has a negative size.")
        if self.type in _TAR_HEADERS and self.size > _HEADER_BYTES:
            raise ContextRefused("The archive has a header larger than 64 KiB.")
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise self._sparse()
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]

    def _proc_gnusparse_00(self, *_: object) -> None:
        raise self._sparse()

    _proc_gnusparse_01 = _proc_gnusparse_10 = _proc_gnusparse_00

    def _sparse(self) -> ContextRefused:
        return ContextRefused(f"{self.name[:100]!r} is a sparse file; make the archive without --sparse.")


def _tar_entries(source: BinaryIO | _Bounded, limits: Limits) -> Iterator[Entry]:
    with tarfile.open(fileobj=cast(BinaryIO, source), mode="r|", tarinfo=_Header, bufsize=1 << 16) as archive:
        count = unpacked = 0
        while (member := archive.next()) is not None:
            count, unpacked = count + 1, unpacked + member.size
            _check(member.name, count, unpacked, limits)
            # tarfile keeps every member it has read: a million of them are 400 MB.
            archive.members = []  # type: ignore[attr-defined]
            kind: Kind = "other"
            if member.isreg():
                kind = "file"
            elif member.isdir():
                kind = "folder"
            elif member.issym():
                kind = "link"
            content = archive.extractfile(member) if kind == "file" else None
            # A time may be a fraction, and in a pax header even infinite.
            mtime = int(member.mtime) if abs(member.mtime) < 1 << 33 else 0
            yield Entry(member.name, kind, member.size, member.mode, mtime, member.linkname, content)


def _zip_entries(source: BinaryIO, limits: Limits) -> Iterator[Entry]:
    _check_directory(source, limits)
    allowed = max(_FREE_BYTES, limits.ratio * _size(source))
    with zipfile.ZipFile(source) as archive:
        # All at once, before the first is unpacked: many entries may share the same compressed bytes.
        if sum(info.file_size for info in archive.infolist()) > allowed:
            raise ContextRefused(f"The archive unpacks to more than {limits.ratio} times its size.")
        unpacked = 0
        for count, info in enumerate(archive.infolist(), 1):
            unpacked += info.file_size
            _check(info.filename, count, unpacked, limits)
            yield from _zip_entry(archive, info)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Entry]:
    shown = ascii(info.filename[:100])
    if info.flag_bits & 0x41:
        raise ContextRefused(f"{shown} is encrypted.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ContextRefused(f"{shown} is compressed in a way other than deflate.")
    attributes = info.external_attr >> 16
    kind = _zip_kind(info, attributes)
    # Archives made on Windows have no mode; docker there makes everything executable, too.
    mode = stat.S_IMODE(attributes) if attributes else 0o755
    mtime = 0
    with contextlib.suppress(ValueError):
        mtime = max(0, calendar.timegm((*info.date_time, 0, 0, 0)))
    if kind not in {"file", "link"}:
        yield Entry(info.filename, kind, mode=mode, mtime=mtime)
        return
    with archive.open(info) as content:
        if kind == "file":
            yield Entry(info.filename, kind, info.file_size, mode, mtime, content=content)
            return
        if info.file_size > _LINK_BYTES:
            raise ContextRefused(f"The target of the symbolic link {shown} is longer than {_LINK_BYTES} bytes.")
        yield Entry(info.filename, kind, mode=mode, mtime=mtime, link=os.fsdecode(content.read()))


def _zip_kind(info: zipfile.ZipInfo, attributes: int) -> Kind:
    if info.filename.endswith("/"):
        return "folder"
    kinds: dict[int, Kind] = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(attributes), "other")


def _check_directory(source: BinaryIO, limits: Limits) -> None:
    """Count the entries before zipfile makes an object of each, which it does whatever the archive's own count says."""
    # Its own search, so that both look at the same directory.
    end = zipfile._EndRecData(source)  # type: ignore[attr-defined]
    if not end:
        raise ContextRefused("The archive is damaged or cut off.")
    size, location, is_zip64 = end[5], end[9], end[0] == b"PK\x06\x06"
    start = location - size - (76 if is_zip64 else 0)
    if size > _DIRECTORY_BYTES or start < 0:
        raise ContextRefused("The archive's list of entries is damaged or too large.")
    source.seek(start)
    directory = source.read(size)
    at = count = 0
    while at + _CENTRAL_HEADER <= len(directory):
        lengths = (int.from_bytes(directory[at + offset : at + offset + 2], "little") for offset in (28, 30, 32))
        at += _CENTRAL_HEADER + sum(lengths)
        count += 1
        if count > limits.entries_read:
            raise ContextRefused(f"The context has more than {limits.entries} entries.")
    source.seek(0)


def _check(name: str, count: int, unpacked: int, limits: Limits) -> None:
    # Before the content is touched: an archive may claim any size.
    if unpacked > limits.unpacked:
        raise ContextRefused(f"{ascii(name[:100])} makes the context larger than {limits.unpacked} bytes.")
    if count > limits.entries_read:
        raise ContextRefused(f"The context has more than {limits.entries} entries.")


def _is_old_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _size(source: BinaryIO) -> int:
    at = source.tell()
    size = source.seek(0, os.SEEK_END)
    source.seek(at)
    return size
