"""What the pages show of files in a container, read tolerantly from the words of the engine and of a program."""

import hashlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from engines.client.fields import number, table, tables, text
from engines.client.tarstream import Head, Kind
from engines.files import paths

#: Of Go's file mode, in which the engine tells it.
_GO_KINDS: tuple[tuple[int, Kind], ...] = (
    (1 << 31, "folder"),
    (1 << 27, "link"),
    (1 << 26, "device"),
    (1 << 25, "pipe"),
    (1 << 24, "socket"),
)
_TYPES: dict[Kind, int] = {
    "file": stat.S_IFREG,
    "folder": stat.S_IFDIR,
    "link": stat.S_IFLNK,
    "pipe": stat.S_IFIFO,
    "device": stat.S_IFCHR,
    "socket": stat.S_IFSOCK,
}
_KINDS: dict[int, Kind] = {bits: kind for kind, bits in _TYPES.items()} | {stat.S_IFBLK: "device"}
#: What the engine's archives do not see in a running container, unless something is mounted there.
_IN_MEMORY = ("/proc", "/sys", "/dev")
_HEX_BYTES = 512
_HEX_ROW = 16


@dataclass(frozen=True)
class Entry:
    """Something in a folder. `size` in bytes, `mtime` in seconds since the epoch; `owner` as user:group."""

    name: str
    kind: Kind
    size: int
    mode: int
    owner: str
    mtime: int
    link: str = ""

    @classmethod
    def from_head(cls, head: Head, name: str, size: int) -> Self:
        return cls(name, head.kind, size, head.mode, f"{head.uid}:{head.gid}", head.mtime, head.link)

    @classmethod
    def from_stat(cls, name: str, mode: int, size: int, owner: str, mtime: int, link: str) -> Self:
        """`mode` with its type, as the kernel has it."""
        kind = _KINDS.get(stat.S_IFMT(mode), "file")
        return cls(name, kind, size if kind == "file" else 0, stat.S_IMODE(mode), owner, mtime, link)

    @property
    def shown(self) -> str:
        return paths.visible(self.name)

    @property
    def shown_link(self) -> str:
        return paths.visible(self.link)

    @property
    def word(self) -> str:
        """Type and permissions, such as `drwxr-xr-x`."""
        return stat.filemode(_TYPES[self.kind] | self.mode)

    @property
    def encoded(self) -> str:
        return paths.encoded(self.name)

    @property
    def told(self) -> bool:
        """Whether its name can be told to a program."""
        return paths.is_text(self.name)


@dataclass(frozen=True)
class Listing:
    """What a folder holds. `complete`: all of it. `asked`: a program in the container was asked, else the archive."""

    entries: tuple[Entry, ...]
    complete: bool = True
    asked: bool = False


@dataclass(frozen=True)
class Stat:
    """What is at a path that is no folder. `target`: where a link leads in the end; `reached`: by the archive too."""

    kind: Kind
    size: int = 0
    mtime: datetime | None = None
    target: str = ""
    reached: bool = True

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> Self:
        """From the header X-Docker-Container-Path-Stat (Engine API: Container/ContainerArchiveInfo)."""
        mode = number(reply.get("mode"))
        kind: Kind = next((kind for bit, kind in _GO_KINDS if mode & bit), "file")
        return cls(kind, number(reply.get("size")), _time(text(reply.get("mtime"))), text(reply.get("linkTarget")))


def _time(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Opened:
    """A regular file: its first bytes, and whether those are all."""

    head: Head
    content: bytes
    whole: bool

    @property
    def seen(self) -> str:
        """Another one when anybody changed the file meanwhile."""
        facts = (self.head.mode, self.head.uid, self.head.gid, self.head.mtime, self.head.size)
        return hashlib.sha256(repr(facts).encode() + self.content).hexdigest()

    @property
    def binary(self) -> bool:
        return b"\0" in self.content

    @property
    def encoding(self) -> str:
        """UTF-8, or Latin-1 where it is not."""
        # The end of what was read may be within a character.
        try:
            self.content[: len(self.content) if self.whole else -4].decode()
        except UnicodeDecodeError as error:
            return "UTF-8" if not self.whole and error.end == len(self.content) - 4 else "Latin-1"
        return "UTF-8"

    @property
    def text(self) -> str:
        if self.encoding == "UTF-8":
            return self.content.decode(errors="strict" if self.whole else "ignore")
        return self.content.decode("latin-1")

    @property
    def crlf(self) -> bool:
        return b"\r\n" in self.content

    @property
    def newline(self) -> str:
        return "\r\n" if self.crlf else "\n"

    @property
    def fixed(self) -> str:
        """Why it cannot be edited in a form without loss; empty when it can."""
        if not self.whole:
            return "It is too large to be edited here."
        if self.binary or self.encoding != "UTF-8":
            return "It is not UTF-8 text."
        lines = self.text.replace("\r\n", "\n")
        if "\r" in lines or lines.replace("\n", self.newline) != self.text:
            return "Its lines end in different ways, which a form would make the same."
        return ""

    @property
    def hex(self) -> str:
        """The first bytes, 16 in a row, as hex and as text."""
        return "\n".join(_hex_rows(self.content[:_HEX_BYTES]))


def _hex_rows(data: bytes) -> Iterable[str]:
    for at in range(0, len(data), _HEX_ROW):
        row = data[at : at + _HEX_ROW]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{at:08x}  {row.hex(' '):<{3 * _HEX_ROW}} {shown}"


def unreached(inspect: Mapping[str, Any], path: str) -> str:
    """The mount of a running container in which `path` lies, but where its engine's archives do not look; or empty.

    What is written there by an archive would lie under the mount, where nobody finds it.
    """
    if table(inspect.get("State")).get("Status") not in {"running", "paused"}:
        return ""
    mounts = tables(inspect.get("Mounts"))
    memory = [*table(table(inspect.get("HostConfig")).get("Tmpfs")), *_IN_MEMORY]
    memory += [text(each.get("Destination")) for each in mounts if each.get("Type") == "tmpfs"]
    others = [text(each.get("Destination")) for each in mounts if each.get("Type") != "tmpfs"]
    within = [each for each in (*memory, *others) if path == each or path.startswith(each.rstrip("/") + "/")]
    nearest = max(within, key=len, default="")
    return nearest if nearest in memory else ""


def read_only(inspect: Mapping[str, Any]) -> bool:
    """Whether nothing can be written but in volumes."""
    return table(inspect.get("HostConfig")).get("ReadonlyRootfs") is True


@dataclass(frozen=True)
class Sizes:
    """Bytes of a container's files with those of its image, and of what it wrote itself."""

    all: int
    own: int

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> Self:
        """From the reply of GET /containers/{id}/json?size=1 (Engine API: Container/ContainerInspect)."""
        return cls(number(reply.get("SizeRootFs")), number(reply.get("SizeRw")))


@dataclass(frozen=True)
class View:
    """How a folder is shown: from the query string, anything else is the default."""

    q: str = ""
    sort: str = "name"
    descending: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        sort = query.get("sort", "")
        key = sort.removeprefix("-")
        known = key in SORTS
        return cls(query.get("q", "")[:200].strip(), key if known else "name", known and sort.startswith("-"))

    def link(self, key: str) -> str:
        """The parameters of the query that sort by `key`; once more turns the order around."""
        turned = key == self.sort and not self.descending
        return urlencode({"sort": f"-{key}" if turned else key} | ({"q": self.q} if self.q else {}))

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """Folders first, then by what is sorted by."""
        words = self.q.lower().split()
        found = [each for each in entries if all(word in each.name.lower() for word in words)]
        found.sort(key=lambda each: each.name.lower())
        found.sort(key=SORTS[self.sort], reverse=self.descending)
        found.sort(key=lambda each: each.kind != "folder")
        return found


#: Key -> what is sorted by.
SORTS: dict[str, Any] = {
    "name": lambda each: each.name.lower(),
    "size": lambda each: each.size,
    "modified": lambda each: -each.mtime,
}
