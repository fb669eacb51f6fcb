"""An operation's log: whole lines, appended in numbered chunks, durable before anybody is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

#: A flush waits this long for more: half of what a watcher sees as latency, and the price of one write.
FLUSH_SECONDS = 0.05
CHUNK_CHARACTERS = 128 * 1024
_BUFFER_CHARACTERS = 4 << 20
#: What is kept of one log. Engines clip the output of one step at a lower rate than this fills.
LOG_CHARACTERS = 64 << 20
_PROGRESS_SECONDS = 0.2

Append = Callable[[list[str], dict[str, Any] | None], Awaitable[None]]


class LogWriter:
    """Collects lines and progress, and hands them to `append` in order, in batches, from one task (`pump`)."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._lines: list[str] = []
        self._size = 0
        self._kept = 0
        self._cut = False
        self._progress: dict[str, Any] | None = None
        self._writing: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def write(self, text: str) -> None:
        """Append `text` as lines of its own. Waits while the database is behind by more than 4 MiB."""
        if not text:
            return
        if self._kept + len(text) > LOG_CHARACTERS:
            if self._cut:
                return
            self._cut = True
            text = f"(The log is cut here: more than {LOG_CHARACTERS >> 20} MiB.)"
        self._kept += len(text)
        # A NUL cannot be stored as text in PostgreSQL.
        self._lines.append(text.replace("\0", "\N{SYMBOL FOR NULL}").removesuffix("\n") + "\n")
        self._size += len(text)
        self._news.set()
        if self._size > _BUFFER_CHARACTERS:
            self._room.clear()
            await self._room.wait()

    def progress(self, value: dict[str, Any]) -> None:
        """Replace the progress shown: {"total", "current", "unit": "steps"|"bytes", "items": […]}."""
        self._progress = value
        self._news.set()

    async def pump(self) -> None:
        """Flush for ever, at most once per FLUSH_SECONDS. Ends by an error of `append` or when cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(FLUSH_SECONDS if self._lines else _PROGRESS_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Make durable all that was written so far. Raises what a write raised, once."""
        self._news.clear()
        lines, self._lines, self._size = self._lines, [], 0
        progress, self._progress = self._progress, None
        self._room.set()
        if lines or progress is not None:
            self._writing = asyncio.ensure_future(self._write_after(self._writing, _chunks(lines), progress))
        if self._writing is None:
            return
        writing = self._writing
        try:
            # Shielded: when the work ends, the pump is cancelled, and must not take with it what it had in hand.
            await asyncio.shield(writing)
        finally:
            # Told once: a failure of one write is none of the next.
            if writing.done() and self._writing is writing:
                self._writing = None

    async def _write_after(
        self, before: asyncio.Future[None] | None, chunks: list[str], progress: dict[str, Any] | None
    ) -> None:
        if before is not None:
            await before
        await self._append(chunks, progress)


def _chunks(lines: list[str]) -> list[str]:
    """`lines` joined into texts of about CHUNK_CHARACTERS; a line is never divided."""
    chunks: list[str] = []
    current: list[str] = []
    size = 0
    for line in lines:
        if current and size + len(line) > CHUNK_CHARACTERS:
            chunks.append("".join(current))
            current, size = [], 0
        current.append(line)
        size += len(line)
    return [*chunks, "".join(current)] if current else chunks
