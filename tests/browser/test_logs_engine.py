"""The log viewer on a real engine: what is printed comes whole, once and in order, whatever happens to the engine."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from tests.browser.conftest import log_in
from tests.rig.hosts import Host
from tests.stack import Stack

HOSTILE = r"""printf '<script>document.title="pwned"</script>\n'
printf 'clear \033[2J\033]0;title\007 bidi \342\200\256txt nul \000 bad \377 end\n'
printf '10%%\r50%%\r100%%\n'
printf 'to stderr\n' >&2
head -c 50000000 /dev/zero | tr '\000' y; printf '\nafter\n'"""
COUNTING = "i=0; while true; do echo line $i; i=$((i+1)); usleep 2000; done"

Run = Callable[..., str]


@pytest.fixture
def run(unix_host: Host) -> Iterator[Run]:
    """Runs a shell script in a container of this name on the shared engine."""
    client = connect(unix_host.endpoint)
    made: list[str] = []

    def make(name: str, script: str, **body) -> str:
        config = {"Image": "busybox:local", "Cmd": ["sh", "-c", script], "StopSignal": "SIGKILL", **body}
        made.append(call(client, "POST", "/containers/create", params={"name": name}, body=config)["Id"])
        call(client, "POST", f"/containers/{made[-1]}/start")
        return made[-1]

    yield make
    for container in made:
        with suppress(EngineReplied):
            call(client, "DELETE", f"/containers/{container}", params={"force": "1"})


def page_of(page: Page, container: str, query: str = "?tail=all", slug: str = "harbour") -> None:
    page.goto(f"/engines/{slug}/containers/{container}/logs/{query}")


def shown(page: Page) -> list[str]:
    return page.evaluate("document.querySelector('log-view').text()").split("\n")


def until(page: Page, condition: str, seconds: float = 30) -> None:
    """Wait until `condition`, about the viewer `log` and its `text`, holds."""
    names = "const log = document.querySelector('log-view'), text = log.text?.() ?? ''"
    page.wait_for_function(f"() => {{ {names}; return {condition}; }}", timeout=seconds * 1000, polling=100)


def test_hostile_lines_are_shown_and_do_nothing(enter, run: Run) -> None:
    container = run("logs-hostile", HOSTILE)
    page = enter()
    page_of(page, container)
    until(page, "/ended with exit code 0/.test(text)")
    lines = [line for line in shown(page) if line != "to stderr"]
    assert [line[:80] for line in lines] == [
        '<script>document.title="pwned"</script>',
        "clear  bidi \u202etxt nul \x00 bad \ufffd end",
        "100%",
        "y" * 80,
        "after",
        "logs-hostile ended with exit code 0.",
    ]
    assert "pwned" not in page.title()
    expect(page.locator("log-rows .line", has_text="bidi")).to_contain_text("⟨U+202E⟩txt nul ␀ bad \ufffd")
    expect(page.locator("log-rows .line", has_text="yyyy")).to_contain_text("50.0 MB more")
    expect(page.locator("log-rows .line.err")).to_have_text("to stderr")
    # Under the console's own policy the search has its worker too.
    page.locator("[data-find]").fill("AFTER")
    expect(page.locator("[data-part=hits]")).to_have_text("1 line")


def test_a_container_that_is_removed_meanwhile_leaves_what_was_read(enter, run: Run, unix_host: Host) -> None:
    container = run("logs-removed", "echo here; sleep 1000000")
    page = enter()
    page_of(page, container)
    until(page, "text === 'here'")
    call(connect(unix_host.endpoint), "DELETE", f"/containers/{container}", params={"force": "1"})
    until(page, "/logs-removed (ended with exit code 137|was removed)/.test(text)")
    assert shown(page)[0] == "here"


def test_a_container_that_starts_again_is_followed_again(enter, run: Run, unix_host: Host) -> None:
    container = run("logs-again", "echo up; exit 3")
    page = enter()
    page_of(page, container)
    until(page, "text === 'up\\nlogs-again ended with exit code 3.'")
    call(connect(unix_host.endpoint), "POST", f"/containers/{container}/start")
    ended = "logs-again ended with exit code 3."
    until(page, f"text.startsWith('up\\n{ended}\\n') && text.endsWith('up\\n{ended}') && log.store.end > 3")
    assert [line for line in shown(page) if "runs again" not in line] == ["up", ended] * 2


def test_several_containers_are_chosen_and_merged(enter, run: Run) -> None:
    run("logs-one", "for i in 1 2 3; do echo one $i; usleep 200000; done; sleep 1000000")
    run("logs-two", "usleep 100000; for i in 1 2 3; do echo two $i; usleep 200000; done; sleep 1000000")
    page = enter()
    page.goto("/engines/harbour/logs/")
    for name in ("logs-one", "logs-two"):
        page.get_by_label(name).check()
    page.get_by_role("button", name="Show their logs").click()
    until(page, "log.lens && log.lens.count === 6")
    moments = page.evaluate("[...Array(6).keys()].map((n) => document.querySelector('log-view').store.stamp(n))")
    assert moments == sorted(moments)
    assert sorted(shown(page)) == [f"logs-{name} | {name} {n}" for name in ("one", "two") for n in (1, 2, 3)]


def test_an_engine_that_restarts_costs_no_line_and_doubles_none(fresh, console: Stack, fresh_host: Host) -> None:
    """Lines are numbered. The engine crashes, and starts the container again when it is back."""
    console.register(fresh_host.endpoint, "Adrift", "adrift")
    try:
        client = connect(fresh_host.endpoint)
        config = {"Image": "busybox:local", "Cmd": ["sh", "-c", COUNTING]}
        config["HostConfig"] = {"RestartPolicy": {"Name": "always"}}
        container = call(client, "POST", "/containers/create", params={"name": "counting"}, body=config)["Id"]
        call(client, "POST", f"/containers/{container}/start")
        page = fresh(console.url)
        log_in(page)
        page_of(page, container, slug="adrift")
        until(page, "log.store && log.store.end > 300")
        fresh_host.engine.kill()
        expect(page.locator("log-view")).to_have_attribute("data-state", "lost", timeout=20_000)
        fresh_host.engine.start()
        before = page.evaluate("document.querySelector('log-view').store.end")
        until(page, f"log.store.end > {before} + 300", 60)
        call(client, "POST", f"/containers/{container}/stop", params={"t": "0"})
        until(page, "log.feeds[0].state === 'over'")
        logged = call_text(fresh_host, container)
        said = re.compile(r"The connection was lost|counting (ended|runs again)")
        assert [line for line in shown(page) if not said.match(line)] == logged
        assert any(line.startswith("The connection was lost") for line in shown(page))
    finally:
        console.manage(script="from engines.models import Engine; Engine.objects.filter(slug='adrift').delete()")


def call_text(host: Host, container: str) -> list[str]:
    """The log as the docker CLI gives it."""
    argv = ["docker", "-H", f"unix://{host.engine.socket}", "logs", container]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
