"""What the pages show of images. Read tolerantly: an engine's wrong types become nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from engines.client.fields import number, text, texts

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
            id=text(entry.get("Id")),
            tags=_names(entry.get("RepoTags")),
            digests=_names(entry.get("RepoDigests")),
            created=number(entry.get("Created")),
            size=number(entry.get("Size")),
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
    return tuple(sorted(each for each in texts(value) if not each.startswith(_NO_NAME)))
