"""Decodes the progress of a BuildKit build: messages `{"id": "moby.buildkit.trace", "aux": "<base64>"}`.

The payload is `moby.buildkit.v1.StatusResponse` of BuildKit's control.proto. The engine is not trusted: whatever
it sends becomes a Trace or a TraceError.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

# The largest message seen from a real engine is 267 kB of base64.
MAX_AUX = 1 << 20
_VARINT_BYTES = 10


class TraceError(ValueError):
    """The message is not a StatusResponse."""


@dataclass(frozen=True)
class Vertex:
    """A step of the build. Sent again whole at each change; upsert by `digest`. Times are seconds since the epoch."""

    digest: str = ""
    inputs: tuple[str, ...] = ()
    name: str = ""
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


@dataclass(frozen=True)
class VertexStatus:
    """Progress inside a step, such as one layer of a pull; `current` and `total` are bytes, 0 when unknown."""

    id: str = ""
    vertex: str = ""
    name: str = ""
    current: int = 0
    total: int = 0
    started: float | None = None
    completed: float | None = None


@dataclass(frozen=True)
class VertexLog:
    """Output of a step: `stream` 1 is stdout, 2 is stderr; `message` is raw bytes that may split a character."""

    vertex: str = ""
    timestamp: float | None = None
    stream: int = 1
    message: bytes = b""


@dataclass(frozen=True)
class VertexWarning:
    """A warning about a step."""

    vertex: str = ""
    level: int = 0
    short: str = ""
    detail: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Trace:
    """One message's changes, each kind in the order sent."""

    vertexes: tuple[Vertex, ...] = ()
    statuses: tuple[VertexStatus, ...] = ()
    logs: tuple[VertexLog, ...] = ()
    warnings: tuple[VertexWarning, ...] = ()


def decode(aux: str) -> Trace:
    """The Trace in the base64 text `aux`. Raises TraceError."""
    if len(aux) > MAX_AUX:
        raise TraceError(f"trace message of {len(aux)} characters, at most {MAX_AUX} are read")
    try:
        message = _Message(base64.b64decode(aux, validate=True))
    except (binascii.Error, ValueError) as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError("trace message is not base64") from error
    return Trace(
        vertexes=tuple(_vertex(part) for part in message.messages(1)),
        statuses=tuple(_status(part) for part in message.messages(2)),
        logs=tuple(_log(part) for part in message.messages(3)),
        warnings=tuple(_warning(part) for part in message.messages(4)),
    )


def _vertex(message: "_Message") -> Vertex:
    return Vertex(
        digest=message.text(1),
        inputs=message.texts(2),
        name=message.text(3),
        cached=bool(message.integer(4)),
        started=message.time(5),
        completed=message.time(6),
        error=message.text(7),
    )


def _status(message: "_Message") -> VertexStatus:
    return VertexStatus(
        id=message.text(1),
        vertex=message.text(2),
        name=message.text(3),
        current=message.integer(4),
        total=message.integer(5),
        started=message.time(7),
        completed=message.time(8),
    )


def _log(message: "_Message") -> VertexLog:
    return VertexLog(
        vertex=message.text(1),
        timestamp=message.time(2),
        stream=message.integer(3),
        message=message.last(4),
    )


def _warning(message: "_Message") -> VertexWarning:
    return VertexWarning(
        vertex=message.text(1),
        level=message.integer(2),
        short=message.text(3),
        detail=message.texts(4),
        url=message.text(5),
    )


class _Message:
    """The fields of one protobuf message. Unknown fields are kept unread, as newer engines may add some."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        for number, value in _fields(data):
            self._fields.setdefault(number, []).append(value)

    def integer(self, number: int) -> int:
        """The last int64 of field `number`, 0 when absent."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise TraceError(f"field {number} is not a number")
        return value - (1 << 64) if value >> 63 else value

    def bytes_of(self, number: int) -> list[bytes]:
        """Every length-delimited value of field `number`."""
        values = []
        for value in self._fields.get(number, []):
            if not isinstance(value, bytes):
                raise TraceError(f"field {number} is not length-delimited")
            values.append(value)
        return values

    def last(self, number: int) -> bytes:
        return (self.bytes_of(number) or [b""])[-1]

    def text(self, number: int) -> str:
        return self.last(number).decode(errors="replace")

    def texts(self, number: int) -> tuple[str, ...]:
        return tuple(value.decode(errors="replace") for value in self.bytes_of(number))

    def messages(self, number: int) -> list["_Message"]:
        return [_Message(value) for value in self.bytes_of(number)]

    def time(self, number: int) -> float | None:
        """A Timestamp in seconds since the epoch, None when absent."""
        stamps = self.messages(number)
        return stamps[-1].integer(1) + stamps[-1].integer(2) / 1e9 if stamps else None


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        wire_type = key & 7
        if wire_type == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if wire_type == 2:
            length, position = _varint(data, position)
        elif wire_type in {1, 5}:
            length = 8 if wire_type == 1 else 4
        else:
            raise TraceError(f"unknown wire type {wire_type}")
        if length > len(data) - position:
            raise TraceError("field runs past the end of its message")
        yield key >> 3, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[position : position + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + index + 1
    raise TraceError("number is cut short or too long")
