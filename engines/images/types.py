"""What the pages show of images. Read tolerantly: an engine's wrong types become nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_NO_NAME = "<none>"


@dataclass(frozen=True)
class Image:
    """A row of the list. `size` in bytes, `created` in seconds since the epoch, `containers` None when not counted."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    created: int
    size: int
    containers: int | None = None

    @classmethod
    def from_api(cls, entry: Mapping[str, Any]) -> Self:
        """From one entry of GET /images/json (Engine API: Image/ImageList)."""
        containers = entry.get("Containers")
        counted = isinstance(containers, int) and not isinstance(containers, bool) and containers >= 0
        return cls(
            id=str(entry.get("Id")) if isinstance(entry.get("Id"), str) else "",
            tags=_names(entry.get("RepoTags")),
            digests=_names(entry.get("RepoDigests")),
            created=_number(entry.get("Created")),
            size=_number(entry.get("Size")),
            containers=containers if counted else None,
        )

    @property
    def name(self) -> str:
        """The first tag, or the repository it once had a tag of, or its short id."""
        if self.tags:
            return self.tags[0]
        return self.digests[0].partition("@")[0] if self.digests else self.id.removeprefix("sha256:")[:12]

    @property
    def dangling(self) -> bool:
        """Whether no tag names it."""
        return not self.tags

    @property
    def reference(self) -> str:
        """What a new container would name it by."""
        return self.tags[0] if self.tags else self.id

    def matches(self, words: list[str]) -> bool:
        """Whether every one of `words` (lower case) is part of a tag, a digest or the id."""
        text = " ".join([self.id, *self.tags, *self.digests]).lower()
        return all(word in text for word in words)


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(sorted(each for each in value if isinstance(each, str) and not each.startswith(_NO_NAME)))


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else 0
