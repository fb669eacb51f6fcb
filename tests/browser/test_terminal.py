"""The terminal in a real browser: what is typed, pasted, lost and found again, and what hostile output cannot do."""

import hashlib
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, WebSocketRoute

from engines.client.connect import call, connect
from tests.rig.hosts import Host

TERMINAL = "container-terminal[data-open]"
#: All that the terminal holds, as text.
TEXT = """() => {
  const buffer = document.querySelector("container-terminal, cast-player").terminal.buffer.active;
  return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row).translateToString(true)).join("\\n");
}"""


@pytest.fixture
def container(unix_host: Host) -> Iterator[str]:
    client = connect(unix_host.endpoint)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"]}
    made = call(client, "POST", "/containers/create", params={"name": "typed-to"}, body=body)["Id"]
    call(client, "POST", f"/containers/{made}/start")
    yield made
    call(client, "DELETE", f"/containers/{made}", params={"force": "1"})


@pytest.fixture
def opened(enter, container) -> Callable[..., Page]:
    """A page with a terminal in the container, connected."""

    def make(prepare: Callable[[Page], object] = lambda page: None, **options) -> Page:
        page = enter(**options)
        prepare(page)
        page.goto(f"/engines/harbour/containers/{container}/terminal/")
        page.click("[data-begin] button")
        page.wait_for_selector(TERMINAL)
        sees(page, r"#$")
        return page

    return make


def text(page: Page) -> str:
    return page.evaluate(TEXT).rstrip("\n")


def sees(page: Page, pattern: str, seconds: float = 20) -> None:
    page.wait_for_function(
        f"pattern => new RegExp(pattern, 'm').test(({TEXT})().trimEnd())", arg=pattern, timeout=seconds * 1000
    )


def test_one_types_sees_colours_and_is_told_the_exit_code(opened):
    page = opened()
    page.keyboard.type("printf '\\033[38;2;255;100;0mgrü\\303\\237e\\033[0m 你好\\n'; stty size\n")
    sees(page, r"^grüße 你好$")
    columns = page.evaluate("document.querySelector('container-terminal').terminal.cols")
    sees(page, rf"^\d+ {columns}$")
    orange = page.locator(".xterm-rows span", has_text="grüße").last
    assert orange.evaluate("each => getComputedStyle(each).color") == "rgb(255, 100, 0)"
    page.keyboard.type("exit 7\n")
    page.wait_for_selector("text=exit code 7")
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(TERMINAL)


def test_the_shell_hears_of_the_size_of_the_window(opened):
    page = opened()
    before = page.evaluate("document.querySelector('container-terminal').terminal.cols")
    page.set_viewport_size({"width": 900, "height": 700})
    page.wait_for_function("before => document.querySelector('container-terminal').terminal.cols < before", arg=before)
    columns = page.evaluate("document.querySelector('container-terminal').terminal.cols")
    page.keyboard.type("echo size $(stty size)\n")
    sees(page, rf"^size \d+ {columns}$")


def test_a_paste_of_one_mebibyte_arrives_intact(opened):
    page = opened()
    data = "".join(hashlib.sha256(str(n).encode()).hexdigest()[:63] + "\n" for n in range(1 << 14))
    page.keyboard.type("stty -echo; echo re''ady; head -c 1048576 | md5sum\n")
    sees(page, "^ready$")
    page.evaluate("text => document.querySelector('container-terminal').terminal.paste(text)", data)
    sees(page, hashlib.md5(data.encode()).hexdigest(), 60)


def test_a_lost_connection_goes_on_where_it_was_and_keeps_what_is_typed(opened):
    routes: list[tuple[WebSocketRoute, WebSocketRoute]] = []

    def pass_on(page: Page) -> None:
        page.route_web_socket(re.compile("/terminal/$"), lambda ws: routes.append((ws, ws.connect_to_server())))

    page = opened(pass_on)
    page.keyboard.type("stty -echo; i=0; while [ $i -lt 8 ]; do echo line-$i; i=$((i+1)); sleep 0.2; done\n")
    sees(page, "^line-2$")
    ours, theirs = routes[-1]
    theirs.close(code=3000)
    ours.close(code=3000)
    page.wait_for_selector("text=The connection was lost")
    page.keyboard.type("echo typed''-meanwhile\n")
    sees(page, "typed-meanwhile$")
    assert re.findall(r"^line-(\d)$", text(page), re.M) == list("01234567")
    assert len(routes) == 2


def test_who_opens_the_page_again_finds_the_same_shell(opened):
    page = opened()
    page.keyboard.type("x=kept; printf '\\033[6n'; sleep 0.1; echo before\n")
    sees(page, "^.*before$")
    page.reload()
    page.wait_for_selector(TERMINAL)
    sees(page, "before")
    page.wait_for_timeout(300)
    page.locator(".xterm-helper-textarea").focus()
    # The question that was shown before is not answered once more.
    page.keyboard.press("Control+u")
    page.keyboard.type("echo $x-on\n")
    sees(page, "^kept-on$")


def test_hostile_output_sets_no_title_no_clipboard_and_opens_nothing(opened):
    page = opened()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('mine')")
    title = page.title()
    page.keyboard.type(
        "printf '\\033]0;owned\\007\\033]52;c;b3duZWQ=\\007'"
        "; printf '\\033]8;;javascript:document.title=1\\033\\\\link\\033]8;;\\033\\\\'"
        "; printf '\\033P$q\\033\\\\\\033[21t\\033[?1049h\\033[?1049l'; echo do''ne\n"
    )
    sees(page, "done")
    page.locator(".xterm-rows span", has_text="link").last.click(force=True)
    assert page.title() == title
    assert page.evaluate("navigator.clipboard.readText()") == "mine"
    assert len(page.context.pages) == 1


def test_one_finds_and_copies_what_was_shown(opened):
    page = opened()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.type("seq 1 200; echo nee''dle; seq 1 100\n")
    sees(page, r"^100$")
    page.fill("[data-find]", "needle")
    page.wait_for_function("document.querySelector('container-terminal').terminal.getSelection() === 'needle'")
    page.click("[data-do=copy]")
    page.wait_for_function("async () => (await navigator.clipboard.readText()) === 'needle'")
    page.fill("[data-find]", "no such words")
    page.wait_for_selector("[data-find][data-none]")


def test_the_keys_of_the_page_type_on_a_phone(opened):
    page = opened(width=390)
    page.keyboard.type("(echo be''gun; exec sleep 1000)")
    page.keyboard.press("Enter")
    sees(page, "^begun$")
    page.click("[data-key=ctrl]")
    page.keyboard.type("c")
    page.keyboard.type("echo st''opped\n")
    sees(page, "^stopped$")
    page.click("[data-key=up]")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => (({TEXT})().match(/^stopped$/gm) ?? []).length === 2")


def test_a_flood_is_stopped_by_ctrl_c(opened):
    page = opened()
    page.keyboard.type("yes\n")
    page.wait_for_timeout(1500)
    page.keyboard.press("Control+c")
    page.keyboard.type("echo st''opped\n")
    sees(page, "^stopped$", 5)


def test_logging_out_in_another_tab_ends_it(opened):
    page = opened()
    other = page.context.new_page()
    other.goto("/")
    other.click("[popovertarget=account]")
    other.click("#account button[type=submit]")
    other.wait_for_selector("input[name=login]")
    page.wait_for_selector("input[name=login]")


def test_a_recording_is_replayed_and_answers_nothing(opened, console):
    console.manage(
        script="from engines.models import *\nEngineLimits.objects.update_or_create("
        "engine=Engine.objects.get(slug='harbour'), defaults={'record_terminals': True})"
    )
    try:
        page = opened()
        page.wait_for_selector("text=recorded")
        page.keyboard.type("printf '\\033[6n\\033]52;c;b3duZWQ=\\007'; echo for the re''cord\n")
        sees(page, "for the record")
        page.keyboard.type("\nexit\n")
        page.wait_for_selector("text=exit code")
        page.goto("/engines/harbour/recordings/")
        page.locator("tbody th a").first.click()
        page.click("[data-play]")
        sees(page, "for the record")
        page.fill("[data-seek]", "0")
        assert "for the record" not in text(page)
        page.keyboard.press("Space")
        page.locator("[data-seek]").evaluate(
            "each => { each.value = each.max; each.dispatchEvent(new Event('input')) }"
        )
        sees(page, "for the record")
        before = text(page)
        page.locator(".xterm-screen").click()
        page.keyboard.type("typed")
        page.wait_for_timeout(200)
        assert text(page) == before
    finally:
        console.manage(script="from engines.models import *\nEngineLimits.objects.update(record_terminals=False)")


def test_a_container_that_does_not_run_can_be_started_from_there(enter, container, unix_host):
    call(connect(unix_host.endpoint), "POST", f"/containers/{container}/kill")
    page = enter()
    page.goto(f"/engines/harbour/containers/{container}/terminal/")
    page.wait_for_selector("text=does not run")
    page.click("button:has-text('Start')")
    page.wait_for_selector("container-terminal .xterm-rows")
    page.click("[data-begin] button")
    page.wait_for_selector(TERMINAL)
