"""P10: the second start, from the command to the first page; and the memory of all processes while idle."""

from pathlib import Path

from tests.bench.report import Line
from tests.stack import Stack


def measure(stack: Stack) -> list[Line]:
    """`stack` has been started once, and is started again."""
    stack.stop()
    seconds = stack.start()
    stack.ready()
    total = sum(_pss(pid) for pid in stack.children(""))
    return [
        Line("P10", "second start: seconds to the first page", f"{seconds:.2f} s", seconds, 3, "s"),
        Line("P10", "all processes while idle: memory", f"{total:.0f} MB, shared pages counted once", total, 350, "MB"),
    ]


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
