"""P14: pages of the audit trail with a million entries, and what an act pays for being found again."""

import subprocess
import sys
import time
from collections.abc import Iterable

from tests.bench.report import Line, median
from tests.stack import ROOT, Browser, Stack

_ACTS = 500_000
_RUNS = 5
#: Of `tests.bench.trail_rows`: rare and common, alone and together, found and not, early and late.
_CHOICES = {
    "everything": "",
    "a common person": "person=ci",
    "a rare person": "person=rare.person",
    "a common act": "act=image.pull",
    "all acts on containers": "act=container.*",
    "a common person and an act never theirs": "person=ci&act=image.pull",
    "a rare person and a common act": "person=rare.person&act=image.pull",
    "an outcome, an engine and a person": "outcome=FAILED&engine=engine9&person=ci",
    "unfinished": "outcome=UNFINISHED",
    "a rare word": "q=zebra",
    "a common word": "q=registry",
    "a common beginning of words": "q=1",
    "two common words": "q=registry+team3",
    "a common word and a person who never": "q=registry&person=ci",
    "a common word and one that is nowhere": "q=registry+nowhere",
    "an address": "q=10.0.1.17",
    "a day long ago": "since=2026-01-01T00:00&until=2026-01-02T00:00",
    "half of all, a person and an act never theirs": "until=2036-01-01&since=2026-09-01&person=ci&act=image.pull",
    "the oldest page of a person": "person=ci&before=2000",
}


def measure(stack: Stack) -> Iterable[Line]:
    """The slowest of the choices decides; each is told by its median."""
    argv = [sys.executable, "-m", "tests.bench.trail_rows", str(_ACTS)]
    subprocess.run(argv, cwd=ROOT, env=stack.environment, check=True)
    browser = stack.browser().login()
    browser.page("/audit/")
    taken = {name: _milliseconds(browser, query) for name, query in _CHOICES.items()}
    for name, spent in sorted(taken.items(), key=lambda item: -item[1])[:3]:
        yield Line("P14", f"audit page, 1,000,000 entries: {name}", f"{spent:.0f} ms", spent, 200, "ms")
    began = time.monotonic()
    stack.manage("audit", "verify", seconds=600)
    spent = (time.monotonic() - began) / (2 * _ACTS) * 100_000
    yield Line("P14", "audit verify: seconds per 100,000 entries", f"{spent:.1f} s", spent, 20, "s")


def _milliseconds(browser: Browser, query: str) -> float:
    spent = []
    for _ in range(_RUNS):
        began = time.monotonic()
        page = browser.page(f"/audit/?{query}")
        spent.append((time.monotonic() - began) * 1000)
        assert page.status_code == 200 and 'role="alert"' not in page.text, query
    return median(spent)
