"""`make bench`: every measurement once, printed as it is done. Exit code 1 when a target is missed."""

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench import builds, container_logs, lists, live, logs, logview, starting, terminal, trail, watching
from tests.bench.report import Line
from tests.rig.cell import missing
from tests.rig.hosts import Host, host
from tests.stack import Browser, Stack, running

SLUG = "harbour"


def main() -> int:
    lines: list[Line] = []

    def tell(measured: Iterable[Line]) -> None:
        for line in measured:
            lines.append(line)
            print(line, flush=True)

    _alone(lambda stack: tell(starting.measure(stack)))
    _alone(lambda stack: tell(watching.measure(stack)))
    _alone(lambda stack: tell(trail.measure(stack)))
    _alone(lambda stack: tell([lists.measure_fleet(stack)]))
    tell(logview.measure())
    if lacks := missing():
        print(f"Not measured, since private engines need {', '.join(lacks)}: P1, P2, P3, P4, P5, P7, P8.")
    else:
        with tempfile.TemporaryDirectory(prefix="b-", dir="/tmp") as directory, host("unix", Path(directory)) as made:
            _alone(lambda stack: tell(_with_an_engine(stack, made)))
    missed = [line for line in lines if not line.met]
    print(f"{len(lines) - len(missed)} of {len(lines)} targets met.")
    return 1 if missed else 0


def _with_an_engine(stack: Stack, made: Host) -> Iterable[Line]:
    stack.register(made.endpoint, "Harbour", SLUG)
    browser: Browser = stack.browser().login()
    yield from logs.measure(stack, browser)
    yield from live.measure(stack, made, SLUG)
    yield from container_logs.measure(stack, browser, made, SLUG)
    yield from terminal.measure(stack, browser, made, SLUG)
    yield from builds.measure(browser, made, SLUG)
    yield lists.measure(browser, made, SLUG)


def _alone(measure: Callable[[Stack], None]) -> None:
    with running() as stack:
        measure(stack)


if __name__ == "__main__":
    sys.exit(main())
