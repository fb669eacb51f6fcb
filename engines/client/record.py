"""The Engine API requests a client made, so that every page and operation can show them."""

import re
from dataclasses import dataclass

# Values that may be secrets: build arguments and their like are not part of what is shown.
_SECRET_VALUES = re.compile(r"(?<=[?&])(buildargs|secrets)=[^&]*")


@dataclass(frozen=True)
class Request:
    """One request: `path` with its query, the reply's `status` (0 when none came), and `ms` until its headers."""

    method: str
    path: str
    status: int
    ms: int


def shown_path(path: str) -> str:
    """`path` without the values that may be secrets."""
    return _SECRET_VALUES.sub(r"\1=…", path)
