"""The log writer: order, batches, limits."""

import asyncio

import pytest

from engines.operations import log
from engines.operations.log import LogWriter


class Shelf:
    def __init__(self) -> None:
        self.chunks: list[str] = []
        self.progress: list[dict] = []

    async def append(self, chunks, progress):
        self.chunks += chunks
        if progress is not None:
            self.progress.append(progress)


async def pumped(writer: LogWriter, work) -> None:
    pump = asyncio.create_task(writer.pump())
    await work
    await writer.flush()
    pump.cancel()


@pytest.mark.asyncio
async def test_lines_come_out_once_in_order_and_in_few_chunks():
    shelf = Shelf()
    writer = LogWriter(shelf.append)

    async def work() -> None:
        for number in range(50_000):
            await writer.write(f"line {number}")

    await pumped(writer, work())
    assert "".join(shelf.chunks).splitlines() == [f"line {number}" for number in range(50_000)]
    assert len(shelf.chunks) < 20
    assert all(len(chunk) <= log.CHUNK_CHARACTERS + 100 for chunk in shelf.chunks)


@pytest.mark.asyncio
async def test_a_writer_waits_for_a_slow_database(monkeypatch):
    monkeypatch.setattr(log, "_BUFFER_CHARACTERS", 100)
    shelf = Shelf()
    writer = LogWriter(shelf.append)
    waiting = asyncio.create_task(writer.write("x" * 200))
    await asyncio.sleep(0)
    assert not waiting.done()
    await writer.flush()
    await waiting


@pytest.mark.asyncio
async def test_a_log_that_grows_without_end_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr(log, "LOG_CHARACTERS", 100)
    shelf = Shelf()
    writer = LogWriter(shelf.append)
    for _ in range(5):
        await writer.write("y" * 60)
    await writer.flush()
    lines = "".join(shelf.chunks).splitlines()
    assert lines[0] == "y" * 60
    assert len(lines) == 2
    assert "cut here" in lines[1]


@pytest.mark.asyncio
async def test_nul_does_not_reach_the_database_and_only_the_last_progress_counts():
    shelf = Shelf()
    writer = LogWriter(shelf.append)
    await writer.write("a\0b")
    writer.progress({"current": 1})
    writer.progress({"current": 2})
    await writer.flush()
    assert shelf.chunks == ["a\N{SYMBOL FOR NULL}b\n"]
    assert shelf.progress == [{"current": 2}]


@pytest.mark.asyncio
async def test_what_a_cancelled_pump_had_in_hand_is_kept_and_comes_first():
    shelf = Shelf()
    go = asyncio.Event()

    async def slow(chunks, progress):
        await go.wait()
        await shelf.append(chunks, progress)

    writer = LogWriter(slow)
    pump = asyncio.create_task(writer.pump())
    await writer.write("first")
    writer.progress({"current": 1})
    await asyncio.sleep(2 * log.FLUSH_SECONDS)
    pump.cancel()
    await writer.write("second")
    last = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    go.set()
    await last
    assert shelf.chunks == ["first\n", "second\n"]
    assert shelf.progress == [{"current": 1}]


@pytest.mark.asyncio
async def test_the_last_flush_waits_for_what_is_still_being_written():
    shelf = Shelf()
    go = asyncio.Event()

    async def slow(chunks, progress):
        await go.wait()
        await shelf.append(chunks, progress)

    writer = LogWriter(slow)
    pump = asyncio.create_task(writer.pump())
    await writer.write("only")
    await asyncio.sleep(2 * log.FLUSH_SECONDS)
    pump.cancel()
    last = asyncio.create_task(writer.flush())
    await asyncio.sleep(0.01)
    assert not last.done()
    go.set()
    await last
    assert shelf.chunks == ["only\n"]
