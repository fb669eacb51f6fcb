"""Build contexts nobody vouches for. An uploaded archive is read as a stream and written anew; nothing is extracted.

Only regular files, folders and relative symlinks that stay inside get through, under clean relative names.
"""

import heapq
import io
import posixpath
import tarfile
import unicodedata
from dataclasses import dataclass
from typing import BinaryIO

from engines.client.dockerignore import Ignore, PatternInvalid
from engines.client.unpack import ContextRefused, Entry, Format, Kind, Limits, damage_told, entries, format_of

__all__ = ["ContextRefused", "Limits", "Summary", "clean_name", "from_dockerfile", "require_dockerfile", "rewrite"]

_NAME_BYTES = 1024
_DEPTH = 64
_IGNORE_BYTES = 1 << 18
DOCKERFILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Summary:
    """What was written: the number of entries, their bytes, and the size of each regular file by name.

    `format` is what came in; `ignored` counts the entries that .dockerignore left out.
    """

    entries: int
    unpacked: int
    files: dict[str, int]
    format: Format = "tar"
    ignored: int = 0

    @property
    def biggest(self) -> list[tuple[str, int]]:
        """The five largest files, largest first."""
        return heapq.nlargest(5, self.files.items(), key=lambda pair: pair[1])


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


def rewrite(
    source: BinaryIO, target: BinaryIO, *, dockerfile: str = "Dockerfile", limits: Limits | None = None
) -> Summary:
    """Write the tar, tar.gz or zip in `source`, which must be seekable, as a clean tar to `target`.

    `.dockerignore` (or `<dockerfile>.dockerignore`) is applied; `dockerfile` must be a regular file of the context.
    Raises ContextRefused, and leaves `target` unusable then.
    """
    limits = limits or Limits()
    name = clean_name(dockerfile)
    writer = _Writer(limits, _ignore(source, name, limits))
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as out:
        for entry in entries(source, limits):
            writer.copy(entry, out)
    summary = Summary(writer.count, writer.unpacked, writer.files, format_of(source), writer.ignored)
    require_dockerfile(summary, name)
    return summary


def require_dockerfile(summary: Summary, name: str) -> None:
    """Raises ContextRefused unless `name` is a regular file of the context, of at most 1 MiB.

    The engine would hang for ever on a FIFO of that name.
    """
    size = summary.files.get(name)
    if size is None:
        elsewhere = next((other for other in summary.files if other.endswith(f"/{posixpath.basename(name)}")), None)
        hint = f"; there is {elsewhere!r}" if elsewhere else ""
        raise ContextRefused(f"The context has no regular file {name!r}{hint}.")
    if size > DOCKERFILE_BYTES:
        raise ContextRefused(f"{name!r} is larger than 1 MiB.")


def _ignore(source: BinaryIO, dockerfile: str, limits: Limits) -> Ignore | None:
    """The patterns that apply, found in a first reading: the file may come after what it leaves out."""
    # As BuildKit: one that belongs to this Dockerfile replaces the general one.
    general, special = ".dockerignore", f"{dockerfile}.dockerignore"
    found: dict[str, bytes] = {}
    for entry in entries(source, limits):
        name = posixpath.normpath(entry.name)
        if name in {general, special} and entry.kind == "file" and entry.content is not None:
            if entry.size > _IGNORE_BYTES:
                raise ContextRefused(f"{name!r} is larger than {_IGNORE_BYTES >> 10} KiB.")
            found[name] = entry.content.read()
    text = found.get(special, found.get(general))
    if text is None:
        return None
    try:
        return Ignore(text.decode(errors="replace"), kept=(dockerfile, general, special))
    except PatternInvalid as error:
        raise ContextRefused(str(error)) from error


class _Writer:
    """Copies entries one by one and counts against the limits."""

    def __init__(self, limits: Limits, ignore: Ignore | None) -> None:
        self._limits = limits
        self._ignore = ignore
        # By name, folders that are only implied by a name below them as well.
        self._kinds: dict[str, Kind] = {}
        self._written: set[str] = set()
        self.files: dict[str, int] = {}
        self.unpacked = 0
        self.ignored = 0

    @property
    def count(self) -> int:
        return len(self._written)

    def copy(self, entry: Entry, out: tarfile.TarFile) -> None:
        name = clean_name(entry.name)
        if self._ignore and name != "." and self._ignore.ignores(name):
            self.ignored += 1
            return
        if entry.kind == "other":
            raise ContextRefused(f"{name!r} is neither a file, a folder nor a symbolic link.")
        # The root itself, and a folder named again, say nothing new.
        if entry.kind == "folder" and (name == "." or self._is_written_folder(name)):
            return
        self._take(name, entry.kind)
        made = tarfile.TarInfo(name)
        made.mode = entry.mode & 0o755
        made.mtime = entry.mtime
        if entry.kind == "folder":
            made.type = tarfile.DIRTYPE
            out.addfile(made)
        elif entry.kind == "link":
            made.type = tarfile.SYMTYPE
            made.linkname = _clean_link(name, entry.link)
            out.addfile(made)
        else:
            self._copy_file(entry, made, out)

    def _is_written_folder(self, name: str) -> bool:
        return name in self._written and self._kinds[name] == "folder"

    def _take(self, name: str, kind: Kind) -> None:
        """Claim `name`. Raises ContextRefused when it is taken, or lies under what is no folder."""
        if name == ".":
            raise ContextRefused("The archive's root is not a folder.")
        if name in self._written:
            raise ContextRefused(f"{name!r} is in the archive twice.")
        if kind != "folder" and name in self._kinds:
            raise ContextRefused(f"{name!r} is a folder and something else at once.")
        above = name
        while above := posixpath.dirname(above):
            known = self._kinds.get(above)
            if known not in {None, "folder"}:
                raise ContextRefused(f"{name!r} lies under {above!r}, which is not a folder.")
            if known:
                break
            self._kinds[above] = "folder"
        self._kinds[name] = kind
        self._written.add(name)
        # Implied folders count: a thousand deep names would imply far more of them.
        if len(self._kinds) > self._limits.entries:
            raise ContextRefused(f"The context has more than {self._limits.entries} entries.")

    def _copy_file(self, entry: Entry, made: tarfile.TarInfo, out: tarfile.TarFile) -> None:
        made.size = entry.size
        with damage_told():
            out.addfile(made, entry.content)
        self.files[made.name] = entry.size
        self.unpacked += entry.size


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
    parts = [part for part in target.split("/") if part not in {"", "."}]
    # After a name, .. is relative to wherever that name leads, which may be another link.
    if ".." in parts[len([part for part in parts if part == ".."]) :]:
        raise ContextRefused(f"The symbolic link {name!r} leads through other folders and back.")
    clean_name(resolved)
    return target
