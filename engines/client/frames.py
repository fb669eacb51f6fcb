"""An engine's log taken apart in bulk: frames of a block at once, never a line at a time while all is plain.

Docker's framing: 8 bytes (stream, 0, 0, 0, length as big-endian u32), then so many bytes. A container with a terminal
has none. Each message begins with its timestamp where they were asked for, and holds a line, or 16 KiB of a longer one:
then the parts of the line all have the timestamp of the first, and only the last ends with a newline.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from engines.client.errors import EngineReplied, NotAnEngine

OUT, ERR = 1, 2
#: The stream of an empty run before all others: lines that were seen are gone from the log, and perhaps later ones.
GAP = 0
#: On which the engine tells that it cannot read its log.
_ENGINE = 3
_HEADER = struct.Struct(">BxxxL")
#: A frame of a real engine holds a message: 16 KiB, with some logging drivers 256 KiB.
_FRAME_BYTES = 1 << 20
#: What the engine reads of a line at once.
_PART_BYTES = 16 << 10
#: What may follow the engine's word that it cannot read its log, which is the last of it, before that is told.
_LAST_BYTES = 64 << 10
_STAMP_BYTES = 64
_NEWLINE = 10

#: Stream, and what came on it.
Run = tuple[int, bytes]


@dataclass(frozen=True)
class Seen:
    """Of one stream: the timestamp of the last whole line that was read, and how many lines of just that timestamp.

    Timestamps of one stream are in order; those of out and err are not in order to each other.
    """

    stamp: bytes
    count: int


class Timed:
    """Makes lines of the messages of one stream, each of which begins with a timestamp.

    A line keeps its first timestamp only. Lines that have been `seen` are left out.
    """

    def __init__(self, seen: Seen | None = None) -> None:
        self._seen = seen
        #: How many lines of the timestamp of the last one seen are still to come again.
        self._missing = seen.count if seen else 0
        self._leaving_out = False
        #: The timestamp, with the space after it, of a line that has not ended.
        self._unfinished = b""

    @property
    def found(self) -> bool:
        """Whether all that was seen has come again, once something new has come."""
        return not self._missing

    @property
    def plain(self) -> bool:
        """Whether a whole line that comes now is passed on as it is."""
        return not self._unfinished and self._seen is None

    def take(self, message: bytes) -> Iterable[bytes]:
        """What of one message is passed on."""
        stamp = _stamp(message)
        ends = message[-1] == _NEWLINE
        if self._unfinished and stamp == self._unfinished:
            passed: list[bytes] = [] if self._leaving_out else [message[len(stamp) :]]
        else:
            # What ended without a newline, as its container did, has ended for all that.
            passed = [b"\n"] if self._unfinished and not self._leaving_out else []
            self._leaving_out = self._was_seen(stamp.rstrip(b" "))
            if not self._leaving_out:
                passed.append(message)
        self._unfinished = b"" if ends else stamp
        return passed

    def _was_seen(self, stamp: bytes) -> bool:
        if self._seen is None:
            return False
        if stamp < self._seen.stamp:
            return True
        if stamp == self._seen.stamp and self._missing:
            self._missing -= 1
            return True
        if stamp > self._seen.stamp:
            self._seen = None
        return False


class Untimed:
    """The messages of one stream without timestamps: passed on as they are."""

    found = plain = True

    def take(self, message: bytes) -> Iterable[bytes]:
        return (message,)


Lines = Timed | Untimed


class _Log:
    """What both kinds of logs have. `timed`: asked for with timestamps."""

    streams: ClassVar[tuple[int, ...]]

    def __init__(self, seen: Mapping[int, Seen], *, timed: bool = True) -> None:
        self._timed = timed
        self._lines: dict[int, Lines] = {
            stream: Timed(seen.get(stream)) if timed else Untimed() for stream in self.streams
        }
        known = [stream for stream in self.streams if stream in seen]
        # Which of them the engine is asked for again is certain of the newest alone.
        self._newest = self._lines[max(known, key=lambda stream: seen[stream].stamp)] if known else Untimed()
        self._rest = b""

    @property
    def found(self) -> bool:
        """Whether the log still holds what was seen of it; known once something new has come."""
        return self._newest.found


class Framed(_Log):
    """The log of a container without a terminal."""

    streams = (OUT, ERR)

    def feed(self, block: bytes) -> list[Run]:
        """What `block` completes, neighbours of one stream together. Raises NotAnEngine, and EngineReplied as `end`."""
        if len(self._rest) > _LAST_BYTES:
            self.end()
        data = self._rest + block if self._rest else block
        size, at = len(data), 0
        runs: list[Run] = []
        parts: list[bytes] = []
        current, lines = OUT, self._lines[OUT]
        plain = lines.plain
        # Once for each line of a log: all that can be is outside.
        while size - at >= 8:
            stream, length = _HEADER.unpack_from(data, at)
            begin = at + 8
            end = begin + length
            if end > size and length <= _FRAME_BYTES or stream == _ENGINE:
                break
            if end > size or stream not in self._lines:
                raise NotAnEngine("The engine sent a log in other frames than a Docker Engine does.")
            if stream != current:
                _close(runs, current, parts)
                parts, current, lines = [], stream, self._lines[stream]
                plain = lines.plain
            if plain and data[end - 1] == _NEWLINE:
                parts.append(data[begin:end])
            elif length:
                parts += lines.take(data[begin:end])
                plain = lines.plain
            at = end
        _close(runs, current, parts)
        self._rest = data[at:]
        return runs

    def end(self) -> list[Run]:
        """What the end of the stream completes: nothing. Raises EngineReplied when the engine could not read on."""
        if self._rest.startswith(bytes((_ENGINE,))):
            sentence = self._rest[8:508].decode(errors="replace")
            raise EngineReplied(500, sentence.strip())
        return []


class Unframed(_Log):
    """The log of a container with a terminal: all on one stream, messages one after the other."""

    streams = (OUT,)

    def feed(self, block: bytes) -> list[Run]:
        """What `block` completes. Engines send whole messages: the rest of what is kept back is on its way."""
        if not self._timed:
            return [(OUT, block)]
        data, lines = self._rest + block, self._lines[OUT]
        at = 0
        parts: list[bytes] = []
        while end := self._end(data, at):
            message = data[at:end]
            parts += (message,) if lines.plain and message[-1] == _NEWLINE else lines.take(message)
            at = end
        self._rest = data[at:]
        runs: list[Run] = []
        _close(runs, OUT, parts)
        return runs

    def end(self) -> list[Run]:
        """What the end of the stream completes: a last line that ends without a newline."""
        return [(OUT, self._rest)] if self._rest else []

    def _end(self, data: bytes, at: int) -> int:
        """Where a message that begins `at` ends, or as many whole lines as cannot hide a part of one; 0: not yet."""
        stamp = data.find(b" ", at, at + _STAMP_BYTES) + 1 or at
        full = stamp + _PART_BYTES
        find = data.rfind if self._lines[OUT].plain else data.find
        return find(b"\n", at, full) + 1 or (full if len(data) >= full else 0)


def multiplexed(runs: Iterable[Run], most: int) -> Iterator[bytes]:
    """`runs` in Docker's framing, in messages of at most about `most` bytes."""
    parts: list[bytes] = []
    size = 0
    for stream, data in runs:
        for at in range(0, len(data), most):
            part = data[at : at + most]
            if size and size + len(part) > most:
                yield b"".join(parts)
                parts, size = [], 0
            parts += (_HEADER.pack(stream, len(part)), part)
            size += len(part)
    if parts:
        yield b"".join(parts)


def _close(runs: list[Run], stream: int, parts: list[bytes]) -> None:
    if parts:
        runs.append((stream, b"".join(parts)))


def _stamp(message: bytes) -> bytes:
    """The timestamp that `message` begins with, and the space after it."""
    return message[: message.find(b" ", 0, _STAMP_BYTES) + 1]
