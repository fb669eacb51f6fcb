"""P9: the log viewer in Chromium. A scripted server sends what the console would, as fast as is wanted."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import django
from aiohttp import web
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.bench.report import Line, quantile
from tests.browser.log_page import body, ended, lines, started
from tests.browser.scripted import Script, ScriptedServer

_TEXT = "GET /api/orders/{} 200 \x1b[32m{} ms\x1b[0m user=ann session=8d7f6a5b4c3d2e1f upstream=web-2 agent=Mozilla/5.0"
#: Lines of one message.
_FEW = 500
_WATCH = """new Promise((done) => {
  const log = document.querySelector("log-view"), frames = [], tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)));
  observer.observe({entryTypes: ["longtask"]});
  let last = performance.now();
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    if (log.feeds[0].state === "over" && log.lens.end === log.store.end) setTimeout(() => done({frames, tasks}), 100);
    else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""
_SCROLL = """new Promise((done) => {
  const rows = document.querySelector("log-rows"), frames = [];
  let last = performance.now(), at = 0;
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    at += 1;
    rows.scrollTop = Math.abs(Math.sin(at / 7)) * rows.scrollHeight;
    if (at > 240) done(frames); else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""
_FIND = """new Promise((done) => {
  const log = document.querySelector("log-view"), tasks = [], began = performance.now();
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)));
  observer.observe({entryTypes: ["longtask"]});
  const box = document.querySelector("[data-find]");
  box.value = "orders/77777 ";
  box.dispatchEvent(new Event("input", {bubbles: true}));
  const look = () => {
    if (!log.finder.active || log.finder.searching) setTimeout(look, 5);
    else done({ms: performance.now() - began, hits: log.finder.hits.length, tasks});
  };
  look();
})"""


def measure() -> Iterator[Line]:
    """Nothing where there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield from _lines(browser, 200_000, 20_000, 120)
        yield from _lines(browser, 1_000_000, 50_000, 300)
        browser.close()


def _lines(browser: Browser, count: int, rate: int, megabytes: float) -> Iterator[Line]:
    async def floods(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await begun.wait()
        clock = asyncio.get_running_loop().time
        began = clock()
        for first in range(0, count, _FEW):
            few = range(first, min(first + _FEW, count))
            await socket.send_bytes(lines((_TEXT.format(one, one % 90) for one in few), first / rate, step=1 / rate))
            await asyncio.sleep(max(0, began + first / rate - clock()))
        await ended(socket)

    begun = asyncio.Event()
    with _page(browser, body("web"), floods) as (page, server):
        what = f"log viewer, {count:,} lines at {rate:,}/s"
        devtools = browser.new_browser_cdp_session()
        page.wait_for_selector("log-view[data-state=open]")
        page.evaluate(f"document.querySelector('log-view').store.mostLines = {count + 1024}")
        main = page.context.new_cdp_session(page)
        main.send("Performance.enable", {"timeDomain": "threadTicks"})
        worked = _busy(main)
        before = _resident(devtools)
        page.evaluate("window.watching = " + _WATCH + "; undefined")
        server.tell(begun)
        seen = page.evaluate("window.watching")
        peak = (_resident(devtools) - before) / 1e6
        busy = 100 * (_busy(main) - worked) / (sum(seen["frames"]) / 1000)
        main.send("HeapProfiler.collectGarbage")
        memory = (_resident(devtools) - before) / 1e6
        yield _smooth(what, seen["frames"])
        yield Line("P9", f"{what}: the main thread's work", "of a core", busy, 50, "%")
        yield Line("P9", f"{what}: longest task", f"{len(seen['tasks'])} long", max(seen["tasks"], default=0), 50, "ms")
        yield Line("P9", f"{what}: memory", f"{peak:.0f} MB before garbage is collected", memory, megabytes, "MB")
        yield _smooth(f"{what}: jumping all over it", page.evaluate(_SCROLL))
        found = page.evaluate(_FIND)
        assert found["hits"] == 1
        longest = max(found["tasks"], default=0)
        yield Line("P9", f"{what}: longest task of a search", f"{found['ms']:.0f} ms in all", longest, 50, "ms")


def _smooth(what: str, frames: list[float]) -> Line:
    rate, late = 1000 * len(frames) / sum(frames), quantile(frames, 0.99)
    return Line("P9", f"{what}: frames a second", f"99 % within {late:.1f} ms", rate, 58, "fps", least=True)


class _page:
    """A page of its own on a scripted server."""

    def __init__(self, browser: Browser, body: str, *scripts: Script) -> None:
        self._server = ScriptedServer(body, "logview.js", *scripts)
        self._context = browser.new_context(viewport={"width": 1440, "height": 900})

    def __enter__(self) -> tuple[Page, ScriptedServer]:
        server = self._server.__enter__()
        page = self._context.new_page()
        page.set_default_timeout(120_000)
        page.goto(server.url)
        return page, server

    def __exit__(self, *_: object) -> None:
        self._context.close()
        self._server.__exit__(None, None, None)


def _busy(devtools: CDPSession) -> float:
    """Seconds of processor time that the page's main thread has worked."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def _resident(devtools: CDPSession) -> int:
    """Bytes of memory of all renderers, which are this page's and its worker's."""
    processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    pids = [each["id"] for each in processes if each["type"] == "renderer"]
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * os.sysconf("SC_PAGE_SIZE")
