"""Reads of images: one Engine API call each."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from engines import reach
from engines.client.connect import call
from engines.client.errors import NotAnEngine
from engines.images.types import Image
from engines.models import Engine

_SORTS = {
    "name": lambda image: (image.dangling, image.name.lower()),
    "size": lambda image: -image.size,
    "created": lambda image: -image.created,
}
#: Sorted from the largest and from the newest unless turned around: what one looks for first.
_DESCENDING = ("size", "created")


@dataclass(frozen=True)
class Choice:
    """What of the list is wanted: from the query string, anything else is the default."""

    q: str = ""
    show: str = ""
    sort: str = "name"
    descending: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> "Choice":
        """Any query string is some choice."""
        sort, show = query.get("sort", ""), query.get("show", "")
        key = sort.removeprefix("-")
        if key not in _SORTS:
            key, sort = "name", ""
        return cls(query.get("q", "")[:200].strip(), show if show == "dangling" else "", key, sort.startswith("-"))

    def link(self, **changed: str) -> str:
        """The query string of this choice with `q`, `show` or `sort` changed."""
        sort = ("-" if self.descending else "") + self.sort
        now = {"q": self.q, "show": self.show, "sort": "" if sort == "name" else sort} | changed
        return "?" + urlencode({key: value for key, value in now.items() if value})

    def heads(self) -> list[tuple[str, str, str, str]]:
        """Label, link, `aria-sort` value and class of each column that can be sorted."""
        now = "descending" if self.descending != (self.sort in _DESCENDING) else "ascending"
        return [
            (
                label,
                self.link(sort=f"-{key}" if key == self.sort and not self.descending else key),
                now if key == self.sort else "",
                style,
            )
            for key, label, style in (("name", "Image", ""), ("size", "Size", "num"), ("created", "Created", "p2"))
        ]


@dataclass(frozen=True)
class Listing:
    """The images wanted; how many the words find, and how many of these have no tag; number and bytes of all."""

    rows: list[Image]
    found: int
    dangling: int
    total: int
    size: int


def listing(engine: Engine, choice: Choice) -> Listing:
    """The images of `engine`. Raises EngineError."""
    reply = call(reach.client(engine), "GET", "/images/json")
    if not isinstance(reply, list):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    every = [Image.from_api(entry) for entry in reply if isinstance(entry, dict)]
    return chosen(every, choice)


def chosen(every: list[Image], choice: Choice) -> Listing:
    """`every` narrowed and sorted; equal ones stay in the order of their names."""
    words = choice.q.lower().split()
    found = [image for image in every if image.matches(words)]
    rows = [image for image in found if choice.show != "dangling" or image.dangling]
    rows.sort(key=_SORTS["name"])
    rows.sort(key=_SORTS[choice.sort], reverse=choice.descending)
    dangling = sum(image.dangling for image in found)
    return Listing(rows, len(found), dangling, len(every), sum(image.size for image in every))
