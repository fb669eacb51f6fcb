"""The page's socket in the browser: what changed is told, and nothing is missed while it was lost."""

import asyncio

from aiohttp import web
from playwright.sync_api import Page, expect

from tests.browser.scripted import ScriptedServer, stay

BODY = (
    '<body data-live="/ws/fleet/"><div id="toasts"></div>'
    '<div id="live-lost" hidden>Live updates are paused</div></body>'
)
COUNT = """for (const topic of ["containers", "images", "operations", "state"])
  document.body.addEventListener(`changed:${topic}`, () => {
    document.body.dataset[topic] = Number(document.body.dataset[topic] ?? 0) + 1;
  });"""


async def listens(socket: web.WebSocketResponse, after: int) -> None:
    await stay(socket)


def opened(page: Page, server: ScriptedServer) -> None:
    page.add_init_script(f"document.addEventListener('DOMContentLoaded', () => {{ {COUNT} }})")
    page.goto(f"{server.url}/engines/harbour/")


def told(page: Page, topic: str) -> int:
    return int(page.locator("body").get_attribute(f"data-{topic}") or 0)


def test_many_changes_are_gathered_and_the_last_is_not_lost(fresh) -> None:
    async def changes(socket: web.WebSocketResponse, after: int) -> None:
        for _ in range(100):
            await socket.send_json({"type": "changed", "topic": "containers"})
        await socket.send_json({"type": "changed", "topic": "images"})
        await stay(socket)

    with ScriptedServer(BODY, "live.js", changes) as server:
        page = fresh(server.url)
        opened(page, server)
        # One at once, one for all that came within the quarter of a second after it.
        expect(page.locator("body")).to_have_attribute("data-containers", "2")
        # A page that was slow to open its socket has asked for everything once by then.
        expect(page.locator("body")).to_have_attribute("data-images", str(told(page, "state") + 1))


def test_after_a_lost_connection_everything_is_asked_again(fresh) -> None:
    with ScriptedServer(BODY, "live.js", listens) as server:
        page = fresh(server.url)
        opened(page, server)
        expect(page.locator("body")).to_have_attribute("data-live-state", "open")
        before = {topic: told(page, topic) for topic in ("containers", "images", "operations", "state")}
        server.cut()
        for topic, times in before.items():
            expect(page.locator("body")).to_have_attribute(f"data-{topic}", str(times + 1))
        expect(page.locator("#live-lost")).to_be_hidden()
        assert len(server.cursors) == 2


def test_a_page_that_is_looked_at_again_has_one_socket(fresh) -> None:
    async def breaks(socket: web.WebSocketResponse, after: int) -> None:
        await socket.close(code=1011)

    with ScriptedServer(BODY, "live.js", breaks, breaks, breaks, listens) as server:
        page = fresh(server.url)
        opened(page, server)
        expect(page.locator("#live-lost")).to_be_visible()
        # It waits for its next try; coming back to the page tries at once, instead and not besides.
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("body")).to_have_attribute("data-live-state", "open")
        expect(page.locator("#live-lost")).to_be_hidden()
        sockets = len(server.cursors)
        page.evaluate("new Promise((done) => setTimeout(done, 3000))")
        assert len(server.cursors) == sockets


def test_without_the_right_the_page_is_asked_for_again_once_and_then_says_so_and_stops(fresh) -> None:
    async def refuses(socket: web.WebSocketResponse, after: int) -> None:
        await socket.close(code=4403)

    with ScriptedServer(BODY, "live.js", refuses) as server:
        page = fresh(server.url)
        opened(page, server)
        expect(page.locator("#live-lost")).to_contain_text("no access")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.evaluate("new Promise((done) => setTimeout(done, 500))")
        assert len(server.cursors) == 2


def test_a_page_whose_rights_changed_is_asked_for_again_and_says_so(fresh) -> None:
    async def demotes(socket: web.WebSocketResponse, after: int) -> None:
        await socket.send_json({"type": "rights"})
        await stay(socket)

    with ScriptedServer(BODY, "live.js", demotes, listens) as server:
        page = fresh(server.url)
        opened(page, server)
        expect(page.locator("#toasts .notice")).to_have_text("What you may do here has changed.")
        assert len(server.cursors) == 2


def test_what_was_typed_outlasts_changed_rights(fresh) -> None:
    go = asyncio.Event()

    async def demotes(socket: web.WebSocketResponse, after: int) -> None:
        await go.wait()
        for _ in range(2):
            await socket.send_json({"type": "rights"})
        await stay(socket)

    with ScriptedServer(BODY.replace("</body>", "<textarea></textarea></body>"), "live.js", demotes, listens) as server:
        page = fresh(server.url)
        opened(page, server)
        page.fill("textarea", "precious")
        before = told(page, "containers")
        server.tell(go)
        expect(page.locator("#toasts .notice")).to_contain_text("Reload the page")
        expect(page.locator("body")).not_to_have_attribute("data-containers", str(before))
        expect(page.locator("textarea")).to_have_value("precious")
        expect(page.locator("#toasts .notice")).to_have_count(1)
        assert len(server.cursors) == 1


def test_without_a_login_it_leads_to_the_login_page(fresh) -> None:
    async def refuses(socket: web.WebSocketResponse, after: int) -> None:
        await socket.close(code=4401)

    with ScriptedServer(BODY, "live.js", refuses) as server:
        page = fresh(server.url)
        opened(page, server)
        page.wait_for_url("**/accounts/login/?next=%2Fengines%2Fharbour%2F")
