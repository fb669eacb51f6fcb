"""Nothing is doubled and nothing is lost, whichever process dies: the whole console on a real engine."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.rig.hosts import Host
from tests.stack import Browser, Stack, running

SILENT = "FROM busybox:local\nRUN sleep {seconds}\n"
_ROW = """
import json
from engines.models import LogChunk, Operation
operation = Operation.objects.get(pk="{pk}")
log = "".join(LogChunk.objects.filter(operation=operation).values_list("text", flat=True))
print(json.dumps(dict(status=operation.status, sentence=operation.sentence, log=log)))
"""


@pytest.fixture(scope="module")
def stack(unix_host: Host) -> Iterator[Stack]:
    with running() as console:
        console.register(unix_host.endpoint, "Harbour", "harbour")
        yield console


@pytest.fixture
def browser(stack: Stack) -> Browser:
    return stack.browser().login()


def build(browser: Browser, text: str, **fields: str) -> str:
    """Start a build by the form; the operation's id."""
    reply = browser.submit("/engines/harbour/images/build/", {"dockerfile": text, **fields}, allow_redirects=False)
    assert reply.status_code == 302, reply.text[:2000]
    return reply.headers["Location"].rstrip("/").rsplit("/", 1)[1]


def row(stack: Stack, pk: str) -> dict:
    return json.loads(stack.manage(script=_ROW.format(pk=pk)).strip().splitlines()[-1])


def status(browser: Browser, pk: str) -> str:
    """The status that the operation's page shows."""
    text = browser.page(f"/operations/{pk}/", headers={"HX-Request": "true"}).text
    return next(
        word for word in ("queued", "running", "succeeded", "failed", "cancelled", "lost") if f">{word}<" in text
    )


def kill(stack: Stack, word: str) -> None:
    """SIGKILL to the console's process whose command line holds `word`."""
    [pid] = stack.children(word)
    os.kill(pid, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "the condition did not come true"
        time.sleep(0.1)
    return time.monotonic() - began


def test_a_double_submit_starts_one_build(stack, browser):
    token = str(uuid.uuid4())
    first = build(browser, SILENT.format(seconds=0), form_token=token)
    second = build(browser, SILENT.format(seconds=0), form_token=token)
    assert first == second
    wait_for(lambda: status(browser, first) == "succeeded", 20)


def test_a_killed_worker_s_operation_ends_lost_and_the_next_one_runs(stack, browser):
    pk = build(browser, SILENT.format(seconds=3000))
    wait_for(lambda: status(browser, pk) == "running", 20)
    kill(stack, "worker\0--loglevel")
    after = build(browser, "FROM busybox:local\nRUN echo after the crash\n")
    assert wait_for(lambda: status(browser, pk) == "lost", 60) < 60
    assert "worker" in row(stack, pk)["sentence"]
    wait_for(lambda: status(browser, after) == "succeeded", 30)


def test_redis_killed_while_a_build_runs_loses_no_line_and_the_next_build_runs(stack, browser):
    text = 'FROM busybox:local\nRUN i=0; while [ $i -lt 60 ]; do echo "tick $i"; i=$((i+1)); usleep 100000; done\n'
    pk = build(browser, text, no_cache="on")
    wait_for(lambda: status(browser, pk) == "running", 20)
    kill(stack, "valkey-server")
    wait_for(lambda: status(browser, pk) == "succeeded", 40)
    log = row(stack, pk)["log"]
    assert [f"tick {number}" in log for number in range(60)] == [True] * 60
    after = build(browser, "FROM busybox:local\nRUN echo after redis\n")
    wait_for(lambda: status(browser, after) == "succeeded", 60)


def test_the_web_process_killed_while_a_build_runs_changes_nothing_for_the_build(stack, browser):
    pk = build(browser, SILENT.format(seconds=4), no_cache="on")
    wait_for(lambda: status(browser, pk) == "running", 20)
    kill(stack, "console.web")

    def back() -> bool:
        try:
            return status(browser, pk) == "succeeded"
        except (requests.ConnectionError, StopIteration):
            return False

    wait_for(back, 30)


def test_stopping_the_console_ends_a_running_build_with_a_sentence_and_leaves_no_process(unix_host):
    with running() as console:
        console.register(unix_host.endpoint, "Harbour", "harbour")
        browser = console.browser().login()
        pk = build(browser, SILENT.format(seconds=5000))
        wait_for(lambda: status(browser, pk) == "running", 20)
        began = time.monotonic()
        assert console.stop() == 0
        assert time.monotonic() - began < 12
        assert console.children("python") == []
        assert row(console, pk)["status"] == "LOST"
