"""Build contexts nobody vouches for. An uploaded archive is read as a stream and written anew; nothing is extracted.

Only regular files, folders and relative symlinks that stay inside get through, under clean relative names.
"""

import io
import posixpath
import tarfile
import unicodedata
from dataclasses import dataclass
from typing import BinaryIO

_NAME_BYTES = 1024
_DEPTH = 64
DOCKERFILE_BYTES = 1 << 20


class ContextRefused(Exception):
    """The context cannot be used; the message is one sentence that names the entry."""


@dataclass(frozen=True)
class Limits:
    """How much a context may hold: unpacked bytes, and entries."""

    unpacked: int = 8 << 30
    entries: int = 50_000


@dataclass(frozen=True)
class Summary:
    """What was written: the number of entries, their bytes, and the size of each regular file by name."""

    entries: int
    unpacked: int
    files: dict[str, int]


def from_dockerfile(text: str, target: BinaryIO) -> Summary:
    """Write a context that holds `Dockerfile` alone. Raises ContextRefused above 1 MiB."""
    body = text.encode()
    if len(body) > DOCKERFILE_BYTES:
        raise ContextRefused("The Dockerfile is larger than 1 MiB.")
    entry = tarfile.TarInfo("Dockerfile")
    entry.size = len(body)
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as out:
        out.addfile(entry, io.BytesIO(body))
    return Summary(entries=1, unpacked=len(body), files={"Dockerfile": len(body)})


def rewrite_tar(source: BinaryIO, target: BinaryIO, limits: Limits | None = None) -> Summary:
    """Write the plain tar in `source` anew to `target`. Raises ContextRefused, and leaves `target` unusable then."""
    writer = _Writer(limits or Limits())
    try:
        with (
            tarfile.open(fileobj=source, mode="r|") as archive,
            tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as out,
        ):
            while (member := archive.next()) is not None:
                # tarfile keeps every member it has read: a million of them are 400 MB.
                archive.members = []  # type: ignore[attr-defined]
                writer.copy(archive, member, out)
    except (tarfile.TarError, EOFError, OverflowError, ValueError, RecursionError) as error:
        raise ContextRefused("The archive is damaged or not a tar.") from error
    return Summary(entries=len(writer.seen), unpacked=writer.unpacked, files=writer.files)


def require_dockerfile(summary: Summary, name: str) -> None:
    """Raises ContextRefused unless `name` is a regular file of the context, of at most 1 MiB.

    The engine would hang for ever on a FIFO of that name.
    """
    size = summary.files.get(name)
    if size is None:
        raise ContextRefused(f"The context has no regular file {name!r}.")
    if size > DOCKERFILE_BYTES:
        raise ContextRefused(f"{name!r} is larger than 1 MiB.")


class _Writer:
    """Copies members one by one and counts against the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.seen: set[str] = set()
        self.files: dict[str, int] = {}
        self.unpacked = 0

    def copy(self, archive: tarfile.TarFile, member: tarfile.TarInfo, out: tarfile.TarFile) -> None:
        name = clean_name(member.name)
        if name == ".":
            return
        self._count(name, member)
        entry = tarfile.TarInfo(name)
        entry.mode = member.mode & 0o755
        entry.mtime = int(member.mtime)
        entry.type = member.type
        if member.isreg():
            self._copy_file(archive, member, entry, out)
        elif member.isdir():
            out.addfile(entry)
        elif member.issym():
            entry.linkname = _clean_link(name, member.linkname)
            out.addfile(entry)
        else:
            raise ContextRefused(f"{name!r} is neither a file, a folder nor a symbolic link.")

    def _count(self, name: str, member: tarfile.TarInfo) -> None:
        # Before next(): tarfile loops for ever on a negative size, and reads on for a huge claimed one.
        if not 0 <= member.size <= self._limits.unpacked - self.unpacked:
            raise ContextRefused(f"{name!r} makes the context larger than {self._limits.unpacked} bytes.")
        if name in self.seen:
            raise ContextRefused(f"{name!r} is in the archive twice.")
        if len(self.seen) >= self._limits.entries:
            raise ContextRefused(f"The context has more than {self._limits.entries} entries.")
        self.seen.add(name)
        self.unpacked += member.size

    def _copy_file(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, entry: tarfile.TarInfo, out: tarfile.TarFile
    ) -> None:
        content = archive.extractfile(member)
        if content is None or member.issparse():
            raise ContextRefused(f"{entry.name!r} is a sparse file.")
        entry.type = tarfile.REGTYPE
        entry.size = member.size
        try:
            out.addfile(entry, content)
        except OSError as error:
            raise ContextRefused(f"The archive ends in the middle of {entry.name!r}.") from error
        self.files[entry.name] = member.size


def clean_name(name: str) -> str:
    """`name` as a relative path in its shortest form, `.` for the root. Raises ContextRefused."""
    shown = ascii(name[:100])
    if len(name.encode(errors="surrogateescape")) > _NAME_BYTES:
        raise ContextRefused(f"The name {shown} is longer than {_NAME_BYTES} bytes.")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in name) or "\\" in name:
        raise ContextRefused(f"The name {shown} holds characters that a build context may not.")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or (parts and parts[0][1:2] == ":"):
        raise ContextRefused(f"The name {shown} leads out of the context.")
    if len(parts) > _DEPTH:
        raise ContextRefused(f"The name {shown} is more than {_DEPTH} folders deep.")
    return "/".join(parts) or "."


def _clean_link(name: str, target: str) -> str:
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if not target or target.startswith("/") or resolved.split("/")[0] == "..":
        raise ContextRefused(f"The symbolic link {name!r} leads out of the context.")
    clean_name(resolved)
    return target
