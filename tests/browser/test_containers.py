"""The list and the page of containers in a browser: what is chosen stays, and what is asked reaches the engine."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from tests.rig.hosts import Host

LIST = "/engines/harbour/containers/"


@pytest.fixture
def boats(unix_host: Host) -> Iterator[Callable[..., None]]:
    """Asks the engine behind the console's back, by container name. `boat-0` to `boat-3` run; all are removed."""
    client = connect(unix_host.endpoint)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    names = [f"boat-{number}" for number in range(4)]
    for name in names:
        call(client, "POST", "/containers/create", params={"name": name}, body=body)
        call(client, "POST", f"/containers/{name}/start")

    def ask(method: str, name: str, verb: str = "", **params: str) -> None:
        call(client, method, f"/containers/{name}" + (f"/{verb}" if verb else ""), params=params)

    yield ask
    for name in names:
        with suppress(EngineReplied):
            ask("DELETE", name, force="1")


def test_the_filter_the_ticks_and_the_focus_survive_what_happens_elsewhere(enter, boats) -> None:
    page: Page = enter()
    page.goto(LIST)
    page.keyboard.press("/")
    page.keyboard.type("boat")
    page.wait_for_url("**/containers/?q=boat")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    row(page, "boat-1").locator("input").check()
    row(page, "boat-2").locator("input").check()
    page.locator("[data-filter]").focus()
    boats("POST", "boat-0", "stop", t="0")
    expect(row(page, "boat-0").locator(".badge")).to_contain_text("exited")
    expect(rows).to_have_count(4)
    expect(page.locator("tbody input:checked")).to_have_count(2)
    expect(page.locator("[data-filter]")).to_be_focused()
    expect(page.locator("[data-filter]")).to_have_value("boat")
    page.reload()
    expect(rows).to_have_count(4)


def test_a_removal_asks_takes_its_ticks_along_and_tells_what_it_did(enter, boats) -> None:
    page: Page = enter()
    page.goto(f"{LIST}?q=boat")
    row(page, "boat-1").locator("input").check()
    row(page, "boat-2").locator("input").check()
    page.locator("[data-bulk][value=remove]").click()
    page.locator("#confirm-yes").click()
    expect(page.locator("#toasts li.danger")).to_have_count(2)
    page.locator("[data-bulk][value=remove]").click()
    expect(page.locator("#confirm-force-box")).not_to_be_checked()
    page.locator("#confirm-force-box").check()
    page.locator("#confirm-yes").click()
    expect(page.locator("#toasts li.success")).to_have_count(2)
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_signal_by_the_page_and_a_removal_elsewhere(enter, boats) -> None:
    page: Page = enter()
    page.goto(f"{LIST}?q=boat-3")
    row(page, "boat-3").locator("th a").click()
    page.locator("[popovertarget=signals]").click()
    page.locator("#signals button", has_text="SIGHUP").click()
    expect(page.locator("#toasts")).to_contain_text("boat-3 got SIGHUP.")
    expect(page.locator("#signals")).not_to_be_visible()
    boats("DELETE", "boat-3", force="1")
    expect(page.locator("main")).to_contain_text("This container is gone")


def row(page: Page, name: str):
    return page.locator("tbody tr", has_text=name)
