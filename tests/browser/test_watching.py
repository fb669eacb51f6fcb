"""Several people and several tabs on one real build; what the keyboard, the theme and a log-out do."""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.stack import Browser, Stack

TICKS = 60
TICKING = "i=0; while [ $i -lt {ticks} ]; do echo tick $i of {name}; i=$((i+1)); usleep 50000; done"
ENDLESS = 1_000_000


@pytest.fixture
def script(console: Stack) -> Browser:
    """The administrator without a browser: starts what the browsers look at."""
    return console.browser().login()


def build(script: Browser, name: str, ticks: int = TICKS) -> str:
    """Start a build that prints `ticks` lines, 20 a second; the path of its operation."""
    text = f"FROM busybox:local\nRUN {TICKING.format(ticks=ticks, name=name)}\n"
    reply = script.submit("/engines/harbour/images/build/", {"dockerfile": text, "no_cache": "on"})
    found = re.search(r"/operations/[0-9a-f-]{36}/$", reply.url)
    assert found, reply.text[:2000]
    return found[0]


def seen(page: Page, name: str, number: int) -> None:
    """Wait until this tick has come, in whichever view."""
    page.wait_for_function(
        "words => document.querySelector('operation-log')?.text?.().includes(words)", arg=f"tick {number} of {name}"
    )


def ended(page: Page, status: str = "SUCCEEDED") -> None:
    page.wait_for_selector(f"operation-log[data-status={status}]", timeout=30_000)


def lines(page: Page) -> list[str]:
    return page.evaluate("document.querySelector('operation-log').text()").splitlines()


def ticks_of(found: list[str], name: str) -> list[int]:
    return [int(match[1]) for line in found if (match := re.search(rf"tick (\d+) of {name}$", line))]


def test_whenever_one_opens_or_reloads_one_sees_every_line_in_order(enter: Open, script: Browser) -> None:
    first, second = enter(), enter()
    path = build(script, "all")
    for page in (first, second):
        page.goto(path)
    seen(first, "all", 5)
    second.reload()
    seen(second, "all", 20)
    late = first.context.new_page()
    late.goto(path)
    expected = None
    for page in (first, second, late):
        ended(page)
        expect(page.locator("#head .badge")).to_have_text("succeeded")
        expected = expected or script.page(f"{path}log.txt").text.splitlines()
        assert lines(page) == expected
    assert ticks_of(expected, "all") == list(range(TICKS))
    # And once more when all is over, without anything to wait for.
    late.reload()
    ended(late)
    assert lines(late) == expected


def test_cancelling_ends_the_build_before_all_who_watch(enter: Open, script: Browser) -> None:
    watcher, who = enter(), enter()
    path = build(script, "cancel", ENDLESS)
    watcher.goto(path)
    who.goto(path)
    seen(watcher, "cancel", 3)
    began = time.monotonic()
    who.get_by_role("button", name="Cancel", exact=True).click()
    expect(who.locator("#head .badge")).to_have_text("cancelled", timeout=5000)
    expect(watcher.locator("#head .badge")).to_have_text("cancelled", timeout=5000)
    ended(watcher, "CANCELLED")
    assert time.monotonic() - began < 4
    expect(watcher.locator("#head")).to_contain_text("Cancelled by admin")
    expect(watcher.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)


def test_logging_out_in_one_tab_ends_the_other(enter: Open, script: Browser) -> None:
    page = enter()
    path = build(script, "logout", ENDLESS)
    try:
        other = page.context.new_page()
        other.goto(path)
        seen(other, "logout", 3)
        page.click("[popovertarget=account]")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/accounts/login/**")
        expect(other).to_have_url(re.compile(r"/accounts/login/\?next="), timeout=15_000)
    finally:
        script.submit(f"{path}cancel/", form="/operations/")


def test_a_lost_redis_loses_no_line_on_an_open_page(enter: Open, script: Browser, console: Stack) -> None:
    page = enter()
    path = build(script, "redis", 100)
    page.goto(path)
    seen(page, "redis", 10)
    [pid] = console.children("valkey-server")
    os.kill(pid, signal.SIGKILL)
    ended(page)
    assert ticks_of(lines(page), "redis") == list(range(100))
    assert lines(page) == script.page(f"{path}log.txt").text.splitlines()
    # The page's own socket is there again as well, and says nothing of it any more.
    expect(page.locator("body")).to_have_attribute("data-live-state", "open", timeout=20_000)
    expect(page.locator("#live-lost")).to_be_hidden()
    console.ready()


def test_the_theme_stays_over_pages(enter: Open) -> None:
    page = enter(dark=True)
    dark = background(page)
    page.get_by_role("button", name=re.compile("^Switch between light")).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    light = background(page)
    assert light != dark
    page.goto("/operations/")
    assert background(page) == light
    assert 'data-theme="light"' in page.request.get("/").text(), "said by the server: nothing flashes"


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_keyboard_alone_goes_everywhere(enter: Open) -> None:
    page = enter()
    page.keyboard.press("Control+k")
    page.keyboard.type("light cont")
    options = page.get_by_role("option")
    expect(options).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/engines/lighthouse/containers/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Filter containers")).to_be_focused()
    page.keyboard.type("nothing-is-called-so")
    page.wait_for_selector(".empty")
    page.keyboard.press("Control+k")
    expect(page.locator("dialog#jump")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#jump [aria-selected=true]")).to_have_attribute("href", "/containers/")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#jump")).to_be_hidden()
    page.reload()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), "past the bars"
