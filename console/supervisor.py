"""Runs the console's processes together: starts, names, restarts and ends them. Knows nothing of what they do.

Each child leads a session of its own, so that Ctrl-C reaches the supervisor alone and the order of the end is its
choice; and each is killed by the kernel when the supervisor dies, so that no orphan survives even a SIGKILL.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: A child that lived this many seconds is counted as healthy again.
_HEALTHY = 30.0
_QUICK_FAILURES = 6
_FIRST_DELAY = 0.25
_LONGEST_DELAY = 10.0
#: Seconds between SIGTERM and SIGKILL.
_GRACE = 8.0
#: Bytes of an unfinished line before it is printed as it is.
_LONGEST_LINE = 64 * 1024
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Child:
    """A process to keep running. `ready` says when the next may start; `stop_rank` orders the end, lowest first.

    With `announces`, the supervisor calls its `announce` once this child is ready. What a `quiet` child prints is
    shown only when it fails.
    """

    name: str
    argv: tuple[str, ...]
    stop_rank: int = 1
    ready: Callable[[], bool] | None = None
    announces: bool = False
    quiet: bool = False


@dataclass
class _Running:
    child: Child
    process: asyncio.subprocess.Process | None = None
    failures: int = 0
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=5))

    def last_words(self) -> str:
        """Its last line that says something, as a sentence to append; or empty."""
        said = next((line for line in reversed(self.last_lines) if line), "")
        return f" It said: {said}" if said else ""

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            # The group outlives its leader when a grandchild stays behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Supervisor:
    """Keeps `children` running until a signal, or until one of them keeps failing."""

    def __init__(self, children: Sequence[Child], *, announce: Callable[[], None] = lambda: None) -> None:
        self._runs = [_Running(child) for child in children]
        self._width = max([len("up"), *(len(child.name) for child in children)])
        self._announce = announce
        self._stopping = asyncio.Event()
        self._failure = ""
        self._interrupts = 0
        self._pumps: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Start the children in order, each once the one before is ready, and keep them. Returns the exit code.

        0 after SIGINT, SIGTERM or SIGHUP; 1 when a child failed too often.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt)
        guards: list[asyncio.Task[None]] = []
        for run in self._runs:
            if self._stopping.is_set():
                break
            guards.append(asyncio.create_task(self._keep_running(run)))
            await self._until_ready(run.child)
            if run.child.announces and not self._stopping.is_set():
                self._announce()
        await self._stopping.wait()
        await self._stop_all()
        for task in [*guards, *self._pumps]:
            task.cancel()
        await asyncio.gather(*guards, *self._pumps, return_exceptions=True)
        if self._failure:
            self._say("up", self._failure)
            return 1
        return 0

    async def _keep_running(self, run: _Running) -> None:
        while True:
            started = time.monotonic()
            run.process = None
            await self._start(run)
            if run.process is None:
                return
            code = await run.process.wait()
            if self._stopping.is_set():
                return
            # What it left behind would hold its files and ports.
            run.signal(signal.SIGKILL)
            run.failures = 1 if time.monotonic() - started > _HEALTHY else run.failures + 1
            if run.failures >= _QUICK_FAILURES:
                self._fail(f"{run.child.name} failed {run.failures} times in a row: it {ending(code)}.", run)
                return
            delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (run.failures - 1))
            quote = run.last_words() if run.child.quiet else ""
            self._say("up", f"{run.child.name} {ending(code)}; restarting it in {delay:g} s.{quote}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
                return

    async def _start(self, run: _Running) -> None:
        parent = os.getpid()

        def die_with_parent() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        try:
            process = await asyncio.create_subprocess_exec(
                *run.child.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            self._fail(f"{run.child.name} cannot be started: {run.child.argv[0]}: {error.strerror}.", run)
            return
        run.process = process
        if self._stopping.is_set():
            run.signal(signal.SIGTERM)
        if process.stdout is not None:
            pump = asyncio.create_task(self._pump(run, process.stdout))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, run: _Running, output: asyncio.StreamReader) -> None:
        rest = b""
        while data := await output.read(_LONGEST_LINE):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                run.last_lines.append(text)
                if not run.child.quiet:
                    self._say(run.child.name, text)

    async def _until_ready(self, child: Child) -> None:
        # Polled: a socket that begins to answer sends no event.
        while child.ready is not None and not self._stopping.is_set() and not child.ready():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def _stop_all(self) -> None:
        for rank in sorted({run.child.stop_rank for run in self._runs}):
            await asyncio.gather(*(self._stop(run) for run in self._runs if run.child.stop_rank == rank))

    async def _stop(self, run: _Running) -> None:
        if run.process is None:
            return
        if run.process.returncode is None:
            run.signal(signal.SIGTERM)
            deadline = time.monotonic() + _GRACE
            while run.process.returncode is None and time.monotonic() < deadline and self._interrupts < 2:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(run.process.wait(), 0.1)
            if run.process.returncode is None:
                self._say("up", f"{run.child.name} does not stop; killing it")
        run.signal(signal.SIGKILL)
        await run.process.wait()

    def _interrupt(self) -> None:
        self._interrupts += 1
        if self._interrupts == 1:
            self._say("up", "stopping (once more to kill)")
        self._stopping.set()

    def _fail(self, reason: str, run: _Running) -> None:
        self._failure = self._failure or f"{reason}{run.last_words()}"
        self._stopping.set()

    def _say(self, name: str, line: str) -> None:
        # A closed terminal must not keep the processes from being stopped in order.
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{name:<{self._width}} | {line}\n")
            sys.stdout.flush()


def ending(code: int) -> str:
    """How a process ended, in words: asyncio gives minus the signal's number when one killed it."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
