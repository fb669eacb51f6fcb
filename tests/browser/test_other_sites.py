"""What a page of another site can do with the browser of somebody who is logged in here: nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.conftest import log_in


class _Evil(BaseHTTPRequestHandler):
    """Says the same to everything: a page, and a script."""

    def do_GET(self) -> None:
        kind = "text/javascript" if self.path.endswith(".js") else "text/html"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(b"" if kind == "text/javascript" else b"<!doctype html><p>Hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The port of a site that is not ours: `localhost`, while the console is at 127.0.0.1."""
    # A real one: of a made-up public name the browser would refuse all that follows by itself.
    with ThreadingHTTPServer(("127.0.0.1", 0), _Evil) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def evil(chromium, console, site):
    """A page of another site, in a browser that is logged in to the console."""
    context = chromium.new_context(base_url=console.url)
    page = context.new_page()
    log_in(page)
    page.goto(f"http://localhost:{site}/")
    yield page
    context.close()


def still_logged_in(page) -> bool:
    page.goto("/accounts/profile/")
    return page.locator("body.app").count() == 1


def test_it_cannot_show_the_console_in_a_frame(evil, console):
    with evil.expect_console_message(lambda message: "frame-ancestors" in message.text):
        evil.evaluate(
            """(url) => document.body.append(Object.assign(document.createElement("iframe"), { src: url }))""",
            console.url,
        )
    assert [frame.url for frame in evil.frames if frame.url.startswith(console.url)] == []


def test_it_cannot_post_a_form(evil, console):
    with evil.expect_navigation():
        evil.evaluate(
            """(url) => {
                const form = document.createElement("form");
                Object.assign(form, { method: "post", action: url });
                document.body.append(form);
                form.submit();
            }""",
            f"{console.url}/accounts/logout/",
        )
    assert still_logged_in(evil)


FETCH = """([url, mode]) =>
    fetch(url, { mode, credentials: "include" }).then((reply) => reply.type, (error) => error.name)"""
LOAD = """([tag, attribute, url]) => new Promise((done) => {
    const element = document.createElement(tag);
    element.rel = "stylesheet";
    element.addEventListener("load", () => done("loaded"));
    element.addEventListener("error", () => done("refused"));
    element[attribute] = url;
    document.head.append(element);
})"""


def test_of_a_site_without_our_headers_it_can(evil, site):
    assert evil.evaluate(FETCH, [f"http://127.0.0.1:{site}/", "no-cors"]) == "opaque"
    assert evil.evaluate(LOAD, ["script", "src", f"http://127.0.0.1:{site}/a.js"]) == "loaded"


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
@pytest.mark.parametrize("path", ["/", "/operations/", "/healthz", "/nowhere/"])
def test_it_cannot_read_a_page(evil, console, mode, path):
    assert evil.evaluate(FETCH, [console.url + path, mode]) == "TypeError"


def test_it_cannot_load_a_script_or_style_of_the_console(evil, console, site):
    evil.goto(f"{console.url}/accounts/login/")
    script = evil.locator("script[src]").first.get_attribute("src")
    style = evil.locator("link[rel=stylesheet]").first.get_attribute("href")
    evil.goto(f"http://localhost:{site}/")
    assert evil.evaluate(LOAD, ["script", "src", console.url + script]) == "refused"
    assert evil.evaluate(LOAD, ["link", "href", console.url + style]) == "refused"


def test_it_cannot_open_a_socket(evil, console):
    said = evil.evaluate(
        """(url) => new Promise((done) => {
            const socket = new WebSocket(url);
            socket.onopen = () => done("opened");
            socket.onclose = () => done("refused");
        })""",
        console.url.replace("http", "ws") + "/ws/fleet/",
    )
    assert said == "refused"


def test_it_keeps_no_hold_of_a_window_that_it_opens(evil, console):
    with evil.context.expect_page() as opened:
        evil.evaluate("(url) => { window.opened = window.open(url) }", console.url)
    opened.value.wait_for_selector("body.app")
    assert evil.evaluate("() => window.opened.closed")
    assert opened.value.evaluate("() => window.opener === null")
