"""What the pages about people show."""

from dataclasses import dataclass
from typing import Literal

Standing = Literal["active", "invited", "disabled"]
#: In the order of the page, with the tone of each.
TONES: dict[Standing, str] = {"active": "success", "invited": "info", "disabled": "neutral"}


@dataclass(frozen=True)
class Line:
    """One permission: whether it is held, and the weakest role that gives it."""

    permission: str
    held: bool
    given_by: str


@dataclass(frozen=True)
class Group:
    """Permissions about one kind of thing, such as `Container`."""

    title: str
    lines: tuple[Line, ...]
