"""What a container changed of its image, as a tree of folders with counts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from django.http import QueryDict

from engines.client.fields import number, tables, text
from engines.files import paths

#: Number in the Engine API -> letter, word and tone.
KINDS = {1: ("A", "added", "success"), 0: ("C", "changed", "warning"), 2: ("D", "deleted", "danger")}
_MOST_SHOWN = 1500


@dataclass(frozen=True)
class Change:
    """`kind` is a key of KINDS."""

    path: str
    kind: int

    @classmethod
    def from_api(cls, reply: object) -> list[Self]:
        """From the reply of GET /containers/{id}/changes (Engine API: Container/ContainerChanges), by path."""
        found = (cls(text(each.get("Path")), number(each.get("Kind"))) for each in tables(reply))
        return sorted((each for each in found if each.path.startswith("/") and each.kind in KINDS), key=_by_part)

    def __str__(self) -> str:
        return f"{KINDS[self.kind][0]} {paths.visible(self.path)}"


def _by_part(change: Change) -> list[str]:
    return change.path.split("/")


@dataclass(frozen=True)
class Choice:
    """What of the changes is wanted: words that the path holds, and a letter of KINDS."""

    q: str = ""
    letter: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        letter = query.get("kind", "")
        known = {letter for letter, _, _ in KINDS.values()}
        return cls(query.get("q", "")[:200].strip(), letter if letter in known else "")

    def of(self, changes: Iterable[Change]) -> list[Change]:
        words = self.q.lower().split()
        return [
            each
            for each in changes
            if self.letter in {"", KINDS[each.kind][0]} and all(word in each.path.lower() for word in words)
        ]


@dataclass
class Node:
    """A path of the tree. `change` is None for a folder that is only on the way; `counts` is of all below."""

    name: str
    path: str
    change: Change | None = None
    children: dict[str, "Node"] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)

    @property
    def shown(self) -> str:
        return paths.visible(self.name)

    @property
    def encoded(self) -> str:
        return paths.encoded(self.path)

    @property
    def below(self) -> list["Node"]:
        return list(self.children.values())

    @property
    def mark(self) -> tuple[str, str, str] | None:
        """Letter, word and tone."""
        return KINDS[self.change.kind] if self.change else None

    @property
    def totals(self) -> list[tuple[str, str, int]]:
        """Word, tone and number of each kind below that is there."""
        return [(word, tone, self.counts[kind]) for kind, (_, word, tone) in KINDS.items() if self.counts[kind]]

    @property
    def gone(self) -> bool:
        return self.change is not None and self.change.kind == 2


@dataclass(frozen=True)
class Tree:
    """The first changes as a tree; `more` are not in it. `counts`: letter, word, tone and number of all by kind."""

    root: Node
    more: int

    @classmethod
    def of(cls, changes: list[Change]) -> Self:
        root = Node("/", "/")
        for change in changes[:_MOST_SHOWN]:
            _add(root, change)
        return cls(root, max(0, len(changes) - _MOST_SHOWN))


def counted(changes: Iterable[Change]) -> list[tuple[str, str, str, int]]:
    """Letter, word, tone and number of each kind."""
    found = Counter(each.kind for each in changes)
    return [(letter, word, tone, found[kind]) for kind, (letter, word, tone) in KINDS.items()]


def _add(root: Node, change: Change) -> None:
    node = root
    for name, path in _steps(change.path):
        node.counts[change.kind] += 1
        node = node.children.setdefault(name, Node(name, path))
    node.change = change


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """Name and path of each folder on the way, and of itself."""
    parts = path.strip("/").split("/")
    yield from ((part, "/" + "/".join(parts[: at + 1])) for at, part in enumerate(parts))


def as_text(changes: Iterable[Change]) -> str:
    """As `docker diff` prints it."""
    return "".join(f"{change}\n" for change in changes)
