"""A recording as a file: asciicast v2, what was shown and never what was typed."""

import asyncio
import codecs
import hashlib
import json
import os
import time
from pathlib import Path
from typing import NoReturn

from django.conf import settings

from engines.models import Recording
from engines.terminals.types import Size

#: A longer recording ends its terminal.
MOST_BYTES = 64 << 20
#: What may wait to be written before whoever shows more has to wait too.
_WAITING_CHARACTERS = 4 << 20
_FLUSH_SECONDS = 1


def path_of(recording: Recording) -> Path:
    """Where its file is, or will be."""
    return Path(settings.RECORDINGS_DIR) / f"{recording.pk}.cast"


class Full(Exception):
    """The recording has as many bytes as one may have."""


class Cast:
    """One file, written by threads, a second behind at most. `keep` runs beside whoever shows."""

    def __init__(self, path: Path, size: Size, *, tty: bool) -> None:
        """Makes the file. Raises OSError."""
        # Never what somebody else put there.
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._tty = tty
        self._began = time.monotonic()
        self._hash = hashlib.sha256()
        self._decode = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in (1, 2)}
        self._waiting: list[str] = []
        self._waits = 0
        self._soon = asyncio.Event()
        self._written = asyncio.Event()
        self.size_bytes = 0
        head = {"version": 2, "width": size.columns, "height": size.rows, "timestamp": int(time.time())}
        self._add(json.dumps(head | {"env": {"TERM": "xterm-256color"}}))

    @property
    def digest(self) -> str:
        """SHA-256 of what is written, in hex."""
        return self._hash.hexdigest()

    async def show(self, stream: int, data: bytes) -> None:
        """Add what was shown; waits where a slow disk is far behind."""
        text = self._decode[stream].decode(data)
        self._event("o", text if self._tty else text.replace("\n", "\r\n"))
        while self._waits > _WAITING_CHARACTERS:
            self._written.clear()
            self._soon.set()
            await self._written.wait()

    def resize(self, size: Size) -> None:
        self._event("r", f"{size.columns}x{size.rows}")

    async def keep(self) -> NoReturn:
        """Write what comes, until cancelled. Raises OSError, and Full."""
        while True:
            self._soon.clear()
            try:
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._soon.wait()
            except TimeoutError:
                pass
            await asyncio.to_thread(self._write, self._taken())
            self._written.set()
            if self.size_bytes > MOST_BYTES:
                raise Full

    def close(self) -> None:
        """Write the rest and close. Blocks, and nothing may be shown meanwhile; raises OSError."""
        try:
            for decoder in self._decode.values():
                self._event("o", decoder.decode(b"", final=True))
            self._write(self._taken())
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _taken(self) -> str:
        """What waits, taken out by the thread that puts it in."""
        text = "".join(self._waiting)
        self._waiting.clear()
        self._waits = 0
        return text

    def _write(self, text: str) -> None:
        data = text.encode()
        self._hash.update(data)
        self.size_bytes += len(data)
        self._file.write(data)
        self._file.flush()

    def _event(self, kind: str, text: str) -> None:
        if text:
            self._add(json.dumps([round(time.monotonic() - self._began, 6), kind, text], ensure_ascii=False))

    def _add(self, line: str) -> None:
        self._waiting.append(line + "\n")
        self._waits += len(line)
