"""The Engine API requests that clients made, so that every page, operation and audit entry can show them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

# Values that may be secrets: build arguments, and the environment that a commit gives its image, are not shown.
_SECRET_VALUES = re.compile(r"(?<=[?&])(buildargs|secrets|changes)=[^&]*")
# Whoever has an exec's id can type to it.
_EXEC_ID = re.compile(r"(?<=/exec/)[0-9a-f]+(?=/)")


@dataclass(frozen=True)
class Request:
    """One request: `path` with its query, the reply's `status` (0 when none came), and `ms` until its headers."""

    method: str
    path: str
    status: int
    ms: int


_RECORD: ContextVar[list[Request] | None] = ContextVar("record", default=None)


@contextmanager
def recording() -> Iterator[list[Request]]:
    """The list to which every request is added that a client of this thread or task sends inside the block."""
    requests: list[Request] = []
    token = _RECORD.set(requests)
    try:
        yield requests
    finally:
        _RECORD.reset(token)


def sent(request: Request) -> None:
    """Called by the clients for each request."""
    requests = _RECORD.get()
    if requests is not None:
        requests.append(request)


def shown_path(path: str) -> str:
    """`path` without the values that may be secrets."""
    return _EXEC_ID.sub("…", _SECRET_VALUES.sub(r"\1=…", path))
