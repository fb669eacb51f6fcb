"""The supervisor with real children: it names, restarts, gives up, stops in order, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Lives until SIGTERM, then says so.
PATIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit(0)))
print("here", flush=True)
while True: time.sleep(60)
"""


class Run:
    """A supervisor in a process of its own, and the lines it has printed so far."""

    def __init__(self, children: str) -> None:
        program = f"""
        import asyncio, sys
        from console import supervisor
        from console.supervisor import Child, Supervisor
        supervisor._FIRST_DELAY, supervisor._LONGEST_DELAY = 0.02, 0.1
        supervisor._GRACE = 0.5
        def child(name, code, **more):
            return Child(name, (sys.executable, "-c", code), **more)
        PATIENT = {PATIENT!r}
        sys.exit(asyncio.run(Supervisor({children}, announce=lambda: print("announced", flush=True)).run()))
        """
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def until(self, wanted: str, times: int = 1) -> None:
        wait(lambda: sum(wanted in line for line in self.lines) >= times, wanted, self.lines)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal the whole group, as Ctrl-C in a terminal does. The exit code."""
        os.killpg(self.process.pid, number)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(timeout=20)
        self._reader.join(timeout=5)
        return code


def wait(condition: Callable[[], bool], what: str, seen: object = None) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"not within 20 s: {what}; seen: {seen}"
        time.sleep(0.01)


@pytest.fixture
def supervise() -> Iterator[Callable[[str], Run]]:
    runs: list[Run] = []

    def start(children: str) -> Run:
        runs.append(Run(children))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def is_gone(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_one_ctrl_c_ends_all_in_order_with_exit_code_0(supervise):
    run = supervise('[child("store", PATIENT, stop_rank=2), child("web", PATIENT, stop_rank=0), child("job", PATIENT)]')
    run.until("here", times=3)
    assert run.end() == 0
    assert [line for line in run.lines if "bye" in line] == ["web   | bye", "job   | bye", "store | bye"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ways_to_be_told_to_stop(supervise, number):
    run = supervise('[child("web", PATIENT)]')
    run.until("here")
    assert run.end(number) == 0


def test_a_crashed_child_is_named_with_its_exit_code_and_restarted(supervise, tmp_path):
    once = f"import pathlib, sys; p = pathlib.Path({str(tmp_path / 'seen')!r})\n"
    once += "if not p.exists(): p.touch(); sys.exit(3)\n"
    run = supervise(f'[child("job", {once!r} + PATIENT), child("web", PATIENT)]')
    run.until("here", times=2)
    assert "up  | job ended with exit code 3; restarting it in 0.02 s." in run.lines
    assert run.end() == 0


def test_a_killed_child_is_named_with_the_signal_and_the_others_stay(supervise):
    run = supervise('[child("job", "import os; print(os.getpid(), flush=True)\\n" + PATIENT), child("web", PATIENT)]')
    run.until("here", times=2)
    pid = int(next(line for line in run.lines if line.startswith("job")).split("|")[1])
    os.kill(pid, signal.SIGKILL)
    run.until("job was killed by SIGKILL; restarting")
    run.until("job | here", times=2)
    assert sum("web | here" in line for line in run.lines) == 1
    assert run.end() == 0


def test_a_child_that_keeps_failing_ends_the_whole_with_its_reason(supervise):
    run = supervise('[child("web", PATIENT), child("job", "import sys; sys.exit(\'no such database\')")]')
    assert run.ended() == 1
    assert run.lines[-1] == "up  | job failed 6 times in a row: it ended with exit code 1. It said: no such database"
    assert sum("restarting it in" in line for line in run.lines) == 5
    assert "web | bye" in run.lines


def test_the_wait_before_a_restart_doubles_up_to_a_limit(supervise):
    run = supervise('[child("job", "raise SystemExit(1)")]')
    assert run.ended() == 1
    waits = [line.rsplit(" in ", 1)[1] for line in run.lines if "restarting" in line]
    assert waits == ["0.02 s.", "0.04 s.", "0.08 s.", "0.1 s.", "0.1 s."]


def test_a_program_that_is_not_there_is_said(supervise):
    run = supervise('[child("web", PATIENT), Child("job", ("/nonexistent/program",))]')
    assert run.ended() == 1
    assert run.lines[-1] == "up  | job cannot be started: /nonexistent/program: No such file or directory."


def test_a_child_that_ignores_the_end_is_killed_with_what_it_started(supervise):
    stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork()\n"
    # One write each: two processes share the pipe.
    stubborn += "os.write(1, f'pid {os.getpid()}\\n'.encode()); time.sleep(600)"
    run = supervise(f'[child("job", {stubborn!r})]')
    run.until("pid", times=2)
    pids = [int(line.rsplit(" ", 1)[1]) for line in run.lines if "pid" in line]
    assert run.end() == 0
    assert "up  | job does not stop; killing it" in run.lines
    wait(lambda: all(is_gone(pid) for pid in pids), f"{pids} gone")


def test_killing_the_supervisor_leaves_no_orphan(supervise):
    run = supervise('[child("job", "import os; print(\'pid\', os.getpid(), flush=True)\\n" + PATIENT)]')
    run.until("here")
    pid = int(next(line for line in run.lines if "pid" in line).rsplit(" ", 1)[1])
    run.process.kill()
    wait(lambda: is_gone(pid), f"{pid} gone")


def test_a_child_waits_until_the_one_before_is_ready(supervise, tmp_path):
    flag = tmp_path / "ready"
    slow = f"import pathlib, time; time.sleep(0.5); pathlib.Path({str(flag)!r}).touch(); print('ready', flush=True)\n"
    ready = f"lambda: __import__('os').path.exists({str(flag)!r})"
    run = supervise(f'[child("store", {slow!r} + PATIENT, ready={ready}, announces=True), child("web", PATIENT)]')
    run.until("web   | here")
    assert run.lines.index("store | ready") < run.lines.index("web   | here")
    assert "announced" in run.lines
    assert run.end() == 0


def test_a_quiet_child_is_heard_only_when_it_fails(supervise):
    run = supervise("[child(\"store\", \"import sys; print('advice'); sys.exit('no space')\", quiet=True)]")
    assert run.ended() == 1
    assert not any(line.startswith("store") for line in run.lines)
    assert run.lines[-1].endswith("It said: no space")


def test_a_line_without_end_is_printed_all_the_same(supervise):
    run = supervise("[child(\"job\", \"print('x' * 200_000, end='', flush=True)\\n\" + PATIENT)]")
    wait(lambda: sum(line.count("x") for line in run.lines) >= 131072, "most of the line")
    assert run.end() == 0
