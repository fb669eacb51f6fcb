"""P5: an operation's log from writer to watcher: latency, lines lost or doubled, the price of 200 watchers.

The writer is the product's own, in a process of its own; the watchers are sockets of the running console.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from tests.bench.report import Line, quantile
from tests.stack import ROOT, Browser, Stack

_SECONDS = 4
_WRITER = """
import asyncio, sys, time, uuid
from django.utils import timezone
from engines import hints
from engines.models import Operation
from engines.operations.ledger import Ledger
from engines.operations.log import LogWriter
from concurrent.futures import ThreadPoolExecutor
operation = Operation.objects.get(pk="{pk}")
ledger, pool = Ledger(operation), ThreadPoolExecutor(1)
async def append(chunks, progress):
    await asyncio.get_running_loop().run_in_executor(pool, ledger.append, chunks, progress)
    await hints.announce_advance(operation.pk)
async def main():
    log = LogWriter(append)
    pump = asyncio.create_task(log.pump())
    began, sent = time.monotonic(), 0
    while sent < {rate} * {seconds}:
        due = min(int((time.monotonic() - began) * {rate}), {rate} * {seconds})
        for number in range(sent, due):
            await log.write(f"{{number}} {{time.time():.6f}} {{'x' * 60}}")
        sent = due
        await asyncio.sleep(0.002)
    await log.flush()
    pump.cancel()
asyncio.run(main())
Operation.objects.filter(pk=operation.pk).update(status="SUCCEEDED")
"""
_NEW = """
import uuid
from engines.models import Engine, Operation
engine = Engine.objects.order_by("pk").first()
print(Operation.objects.create(engine=engine, engine_name=engine.name, kind="image.build", title="bench",
    status="RUNNING", fence=uuid.uuid4()).pk)
"""


def measure(stack: Stack, browser: Browser) -> list[Line]:
    """10, 1,000 and 50,000 lines a second with one watcher; 1,000 with 200."""
    lines = []
    for rate, watchers in ((10, 1), (1_000, 1), (50_000, 1), (1_000, 200)):
        latencies, wrong, cores = asyncio.run(_run(stack, browser, rate, watchers))
        p95, p99 = quantile(latencies, 0.95) * 1000, quantile(latencies, 0.99) * 1000
        what = f"log, {rate:,} lines/s, {watchers} watcher{'s' if watchers > 1 else ''}"
        lines.append(Line("P5", f"{what}: p99 in ms", f"p95 {p95:.0f} ms, p99 {p99:.0f} ms", p99, 150, "ms"))
        lines.append(Line("P5", f"{what}: lines lost or doubled", f"of {rate * _SECONDS * watchers:,}", wrong, 0, ""))
        if watchers > 1:
            lines.append(Line("P5", f"{what}: cores of the web process", "", cores, 0.15, ""))
    return lines


async def _run(stack: Stack, browser: Browser, rate: int, watchers: int) -> tuple[list[float], int, float]:
    pk = stack.manage(script=_NEW).strip().splitlines()[-1]
    url = f"{stack.url.replace('http', 'ws')}/ws/operations/{pk}/?after=0"
    headers = {"Origin": stack.url, "Cookie": "; ".join(f"{c.name}={c.value}" for c in browser.cookies)}
    [web] = stack.children("console.web")
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = [await session.ws_connect(url, max_msg_size=0) for _ in range(watchers)]
        busy = _cpu(web)
        script = _WRITER.format(pk=pk, rate=rate, seconds=_SECONDS)
        writer = await asyncio.create_subprocess_exec(
            *(sys.executable, "manage.py", "shell", "--verbosity", "0"),
            cwd=ROOT,
            env=stack.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        began = time.monotonic()
        _, *seen = await asyncio.gather(writer.communicate(script.encode()), *(_watch(socket) for socket in sockets))
        cores = (_cpu(web) - busy) / (time.monotonic() - began)
    wanted = list(range(rate * _SECONDS))
    wrong = sum(abs(len(wanted) - len(numbers)) + (sorted(numbers) != wanted) for numbers, _ in seen)
    return [latency for _, latencies in seen for latency in latencies], wrong, cores


async def _watch(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[int], list[float]]:
    numbers: list[int] = []
    latencies: list[float] = []
    async for message in socket:
        frame = json.loads(message.data)
        if frame["type"] == "finished":
            break
        if frame["type"] != "chunk":
            continue
        now = time.time()
        lines = frame["text"].splitlines()
        numbers += [int(line.split(" ", 1)[0]) for line in lines]
        # The oldest and the newest line of a frame bound all of it.
        latencies += [now - float(line.split(" ", 2)[1]) for line in (lines[0], lines[-1])]
    return numbers, latencies


def _cpu(pid: int) -> float:
    """Seconds of processor time that `pid` has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
