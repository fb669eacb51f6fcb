"""Values of an engine's JSON, read tolerantly: a wrong type becomes nothing, never an error page."""

from collections.abc import Mapping
from typing import Any

# `dict`, not Mapping: what JSON gives is one, and the check of the abstract class is ten times as dear.
#: Larger numbers fit no column and no clock.
_LARGEST = 1 << 62


def text(value: object) -> str:
    """`value` if it is a string, else empty."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """`value` if it is a whole number from 0 up, else 0. True is no number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST else 0


def table(value: object) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[Mapping[str, Any]]:
    """The objects in the list `value`."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The strings in the list `value`."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def pairs(value: object) -> dict[str, str]:
    """The members of the object `value` that are strings."""
    return {key: each for key, each in table(value).items() if isinstance(key, str) and isinstance(each, str)}
