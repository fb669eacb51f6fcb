"""A real Chromium on the real console, with real engines behind it. What the browser complains about fails the test."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.rig.cell import missing, prepare
from tests.rig.hosts import Host
from tests.stack import PASSWORD, USERNAME, Stack, running

CHROMIUM = shutil.which("chromium")
#: What a test provokes on purpose is no fault of the page: a refused form, a closed socket, a part that was asking for
#: itself when the page was left or the console ended.
_NETWORK = ("Failed to load resource", "WebSocket", "Failed to fetch")


@pytest.fixture(scope="session", autouse=True)
def cable() -> None:
    """This process's cable to its engines, before any browser of the processes beside it loads a page."""
    if not missing():
        prepare()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    if CHROMIUM is None:
        pytest.skip("browser tests need Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def console(unix_host: Host, tls_host: Host) -> Iterator[Stack]:
    """A console that knows two engines, `harbour` (unix) and `lighthouse` (TLS)."""
    with running() as stack:
        stack.register(unix_host.endpoint, "Harbour", "harbour")
        stack.register(tls_host.endpoint, "Lighthouse", "lighthouse")
        yield stack


Open = Callable[..., Page]


@pytest.fixture
def fresh(chromium: Browser) -> Iterator[Open]:
    """Opens pages of a browser of their own, at a console's address, not logged in."""
    contexts = []
    complaints: list[str] = []

    def make(url: str, *, width: int = 1440, dark: bool = False) -> Page:
        context = chromium.new_context(
            base_url=url, viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        # Of the context: its other tabs are listened to as well.
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page = context.new_page()
        page.set_default_timeout(10_000)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(network in text for network in _NETWORK)] == []


@pytest.fixture
def enter(fresh: Open, console: Stack) -> Open:
    """Opens pages of the console as its administrator; each in a browser of its own."""

    def make(**options) -> Page:
        page = fresh(console.url, **options)
        log_in(page)
        return page

    return make


def log_in(page: Page, username: str = USERNAME, password: str = PASSWORD) -> None:
    """By the form, as a person does."""
    page.goto("/accounts/login/")
    page.fill("input[name=login]", username)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_selector("body.app")
