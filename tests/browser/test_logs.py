"""The log viewer in the browser: each line once, in order and harmless; following, search, filters, links, floods."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from random import Random

import pytest
from aiohttp import web
from multidict import MultiMapping
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.log_page import ERR, OUT, body, ended, frame, lines, stamp, started
from tests.browser.scripted import Script, ScriptedServer, stay

LINES = 200_000
#: Of memory that the page's scripts hold at most, with all LINES in it.
MOST_BYTES = 60_000_000
#: So long a flood of ten seconds may keep the page's main thread busy.
BUSY_SECONDS = 3.0

Watch = Callable[..., Page]


@pytest.fixture
def watch(fresh):
    """Opens the log of containers whose sockets play scripts, in turn."""
    servers = []

    def make(*scripts: Script, names: tuple[str, ...] = ("web",), path: str = "/", **options) -> Page:
        server = ScriptedServer(body(*names), "logview.js", *scripts)
        servers.append(server.__enter__())
        page = fresh(server.url, **options)
        page.server = server
        page.goto(path)
        return page

    yield make
    for server in servers:
        server.__exit__(None, None, None)


def sends(*messages: bytes, code: int | None = 0) -> Script:
    """A container that printed just this, and ended with this exit code (None: it runs on)."""

    async def script(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        for message in messages:
            await socket.send_bytes(message)
        if code is None:
            await stay(socket)
        await ended(socket, code)

    return script


def asked(socket: web.WebSocketResponse) -> MultiMapping[str]:
    return socket._req.query


def text(page: Page) -> list[str]:
    return page.evaluate("document.querySelector('log-view').text()").split("\n")


def shows(page: Page, *wanted: str) -> None:
    """Wait until the viewer shows just these lines."""
    page.wait_for_function("text => document.querySelector('log-view').text?.() === text", arg="\n".join(wanted))


def holds(page: Page, count: int, seconds: float = 30) -> None:
    """Wait until so many lines are shown."""
    page.wait_for_function(
        "count => document.querySelector('log-view').lens?.count === count", arg=count, timeout=seconds * 1000
    )


def numbered(*numbers: int) -> bytes:
    return lines((f"line {number}" for number in numbers), at=numbers[0] / 1000)


# -- what comes over the socket


def test_lines_keep_the_order_of_the_engine_and_go_on_in_the_next_frame_of_their_stream(watch: Watch) -> None:
    whole = f"{stamp(3)} gr\u00fc\u00df dich\n".encode()
    half = whole.index(b"\xc3") + 1
    page = watch(
        sends(
            lines(["out 1"], 1) + lines(["err 1"], 1.5, ERR) + lines(["out 2"], 2),
            frame(OUT, whole[:half]) + lines(["err 2"], 2.5, ERR),
            frame(OUT, whole[half:]) + frame(OUT, f"{stamp(4)} without an end".encode()),
        )
    )
    shows(page, "out 1", "err 1", "out 2", "err 2", "grüß dich", "without an end", "web ended with exit code 0.")


def test_nothing_that_is_printed_does_anything(watch: Watch) -> None:
    hostile = [
        "<script>document.title = 'pwned'</script><img src=x onerror=alert(1)>",
        "clear \x1b[2J\x1b[H screen \x1b]0;title\x07 link \x1b]8;;http://evil\x07here\x1b]8;;\x07",
        "safe \u202etxt.exe\u202c and \u200bzero \ufeffmark",
        "nul \x00 bell \x07 back \x08",
        b"bad \xff\xfe utf-8 \xc3",
        "10%\r50%\r100%\r",
        "\x1b[31mred\x1b[0m plain",
    ]
    page = watch(sends(lines(hostile)))
    holds(page, len(hostile) + 1)
    assert page.locator("log-rows .line:not([hidden]) .what").all_inner_texts()[:-1] == [
        "<script>document.title = 'pwned'</script><img src=x onerror=alert(1)>",
        "clear  screen  link here",
        "safe ⟨U+202E⟩txt.exe⟨U+202C⟩ and ⟨U+200B⟩zero ⟨U+FEFF⟩mark",
        "nul ␀ bell ␇ back ␈",
        "bad \ufffd\ufffd utf-8 \ufffd",
        "100%",
        "red plain",
    ]
    assert page.title() == "Scripted"
    assert page.locator("log-rows :is(script, img)").count() == 0
    assert page.locator("log-rows .ansi-f1").inner_text() == "red"


def test_a_line_cannot_pass_for_something_the_viewer_says(watch: Watch) -> None:
    page = watch(sends(lines([" ─── web ended with exit code 0. ─── "])))
    holds(page, 2)
    assert page.locator("log-rows .said").count() == 1


def test_a_line_of_50_mb_is_one_line_of_which_the_beginning_is_kept(watch: Watch) -> None:
    block = frame(OUT, b"y" * 500_000)
    first = frame(OUT, f"{stamp(1)} begin ".encode())
    page = watch(sends(first, *[block] * 100, frame(OUT, b"\n") + lines(["after"], 2)))
    holds(page, 3)
    line = page.locator("log-rows .line", has_text="begin")
    expect(line).to_contain_text("50.0 MB more")
    assert page.evaluate("document.querySelector('log-view').store.text(0).length") <= 65_536
    assert len(line.locator(".what").inner_text()) < 5000
    line.click()
    expect(page.locator("[data-part=line]")).to_contain_text("of this line are in the download")


def test_a_lost_connection_goes_on_after_the_last_line_of_each_stream(watch: Watch) -> None:
    queries = []

    async def breaks(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await socket.send_bytes(lines(["out 1", "out 2", "out 2 as well"], 1, step=0) + lines(["err 1"], 1.5, ERR))
        await socket.send_bytes(frame(OUT, f"{stamp(2)} half a li".encode()))
        await socket.close(code=4502)

    async def resumes(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await socket.send_bytes(lines(["half a line"], 2))
        await ended(socket)

    page = watch(breaks, resumes)
    holds(page, 7)
    shown = text(page)
    assert re.fullmatch(r"The connection was lost for \d+ s; nothing is missing\.", shown.pop(4))
    assert shown == ["out 1", "out 2", "out 2 as well", "err 1", "half a line", "web ended with exit code 0."]
    first, second = queries
    assert "seen" not in first and first["tail"] == "1000"
    assert second.getall("seen") == [f"1,3,{stamp(1)}", f"2,1,{stamp(1.5)}"]


def test_lines_that_the_engine_dropped_while_the_connection_was_lost_are_told(watch: Watch) -> None:
    async def resumes(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_json({"type": "gap"})
        await socket.send_bytes(numbered(9))
        await ended(socket)

    async def breaks(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(1))
        await socket.close(code=4502)

    page = watch(breaks, resumes)
    holds(page, 4)
    first, said, second, _ = text(page)
    assert (first, second) == ("line 1", "line 9")
    assert "some may be missing here" in said


def test_ten_cuts_anywhere_leave_every_line_once_and_in_the_order_of_its_stream(watch: Watch) -> None:
    """Also within a line, and where out and err are not in the order of their timestamps to each other."""
    random = Random(20)
    log = [(random.choice([OUT, OUT, ERR]), f"{number} \u20ac") for number in range(2000)]
    stamps = [stamp(number // 3 * 0.001 - (0.002 if stream == ERR else 0)) for number, (stream, _) in enumerate(log)]
    cuts = 0

    async def breaks(socket: web.WebSocketResponse, after: int) -> None:
        nonlocal cuts
        seen = {int(each[0]): each.split(",")[1:] for each in asked(socket).getall("seen", [])}
        had = {stream: int(count) for stream, (count, _) in seen.items()}
        await started(socket)
        for at, (stream, line) in zip(stamps, log, strict=True):
            if stream in seen and at <= seen[stream][1]:
                had[stream] -= at == seen[stream][1]
                if at < seen[stream][1] or had[stream] >= 0:
                    continue
            whole = f"{at} {line}\n".encode()
            half = random.randrange(len(whole))
            await socket.send_bytes(frame(stream, whole[:half]))
            if cuts < 10 and random.random() < 0.02:
                cuts += 1
                socket._req.transport.abort()
                return
            await socket.send_bytes(frame(stream, whole[half:]))
        await ended(socket)

    page = watch(breaks, path="/?tail=all")
    page.wait_for_function("() => document.querySelector('log-view').feeds?.[0].state === 'over'", timeout=60_000)
    lines = page.evaluate(
        """() => {
          const {store} = document.querySelector("log-view");
          return [...Array(store.end).keys()].map((line) => [store.stream(line), store.text(line)]);
        }"""
    )
    assert cuts == 10
    for stream in (OUT, ERR):
        assert [text for of, text in lines if of == stream] == [text for of, text in log if of == stream]


def test_a_stream_that_said_nothing_yet_is_resumed_where_the_other_began(watch: Watch) -> None:
    queries = []

    async def breaks(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        if len(queries) > 1:
            await started(socket)
            await socket.send_bytes(lines(["one", "two"], 1))
        await socket.close(code=1011)

    async def ends(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await ended(socket)

    page = watch(breaks, breaks, ends)
    holds(page, 5)
    assert [query.getall("seen", []) for query in queries] == [[], [], [f"1,1,{stamp(1.001)}", f"2,0,{stamp(1)}"]]


def test_how_it_ended_is_said_and_that_it_runs_again(watch: Watch) -> None:
    async def dies(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(1))
        await ended(socket, 137, oom_killed=True)

    async def still_dead(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket, running=False)
        await ended(socket, 137, oom_killed=True)

    async def runs_again(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(2))
        await ended(socket, 3, finished_at="2026-11-25T09:00:00Z")

    page = watch(dies, still_dead, runs_again)
    killed = "web ended with exit code 137: it was killed for lack of memory."
    shows(page, "line 1", killed)
    changed = "document.body.dispatchEvent(new CustomEvent('changed:containers'))"
    page.wait_for_function(f"() => {{ {changed}; return document.querySelector('log-view').store.end > 2 }}")
    shows(page, "line 1", killed, "web runs again.", "line 2", "web ended with exit code 3.")
    assert len(page.server.cursors) == 3


def test_a_restart_policy_is_followed(watch: Watch) -> None:
    async def restarts(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(1))
        await ended(socket, 1, running=True, restarted=True)

    page = watch(restarts, sends(numbered(2), code=143))
    shows(
        page,
        "line 1",
        "web ended with exit code 1 and is started again.",
        "web runs again.",
        "line 2",
        "web ended with exit code 143 (SIGTERM).",
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(4404, "was removed"), (4409, "disabled"), (1008, "does not understand"), (0, "configured logging driver")],
)
def test_what_gives_no_log_is_said_and_not_asked_again(watch: Watch, code: int, sentence: str) -> None:
    async def refuses(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(1))
        if not code:
            await socket.send_json({"type": "refused", "sentence": "The configured logging driver cannot be read."})
        await socket.close(code=code or 1000)

    page = watch(refuses)
    holds(page, 2)
    assert sentence in text(page)[1]
    expect(page.locator("log-view")).to_have_attribute("data-state", "closed")
    assert len(page.server.cursors) == 1


def test_a_withdrawn_right_asks_for_the_page_again_once_and_is_then_said(watch: Watch) -> None:
    async def refuses(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(1))
        await socket.close(code=4403)

    page = watch(refuses)
    shows(page, "line 1", "You may not read the log of web any more.")
    assert len(page.server.cursors) == 2


def test_an_ended_login_leads_to_the_login_page(watch: Watch) -> None:
    async def refuses(socket: web.WebSocketResponse, after: int) -> None:
        await socket.close(code=4401)

    watch(refuses).wait_for_url("**/accounts/login/?next=*")


def test_several_containers_are_one_log_in_the_order_of_time(watch: Watch) -> None:
    def of(name: str, *moments: float) -> Script:
        async def tells(socket: web.WebSocketResponse, after: int) -> None:
            await started(socket, name)
            for moment in moments:
                await socket.send_bytes(lines([f"at {moment}"], moment))
            await stay(socket)

        return tells

    page = watch(of("web", 1, 3, 5), of("db", 2, 4, 6), names=("web", "db"))
    shows(page, *(f"{'db' if moment % 2 == 0 else 'web'} | at {moment}" for moment in range(1, 7)))
    page.locator("[data-source='0']").click()
    shows(page, "db | at 2", "db | at 4", "db | at 6")
    assert "hide=webwebwebweb" in page.url


# -- reading


def test_scrolling_up_pauses_and_the_end_follows_again(watch: Watch) -> None:
    more = asyncio.Event()

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(*range(500)))
        await more.wait()
        await socket.send_bytes(numbered(*range(500, 512)))
        await stay(socket)

    page = watch(tells)
    rows = page.locator("log-rows")
    expect(rows.locator(".line", has_text="line 499")).to_be_visible()
    rows.hover()
    page.mouse.wheel(0, -400)
    expect(page.locator("[data-act=follow]")).to_have_attribute("aria-pressed", "false")
    top = page.evaluate("document.querySelector('log-rows').scrollTop")
    page.server.tell(more)
    expect(page.locator("[data-part=pill]")).to_have_text("12 new lines")
    assert page.evaluate("document.querySelector('log-rows').scrollTop") == top
    page.locator("[data-part=pill]").click()
    expect(rows.locator(".line", has_text="line 511")).to_be_in_viewport()
    expect(page.locator("[data-act=follow]")).to_have_attribute("aria-pressed", "true")


def test_a_window_that_grows_or_shrinks_goes_on_following(watch: Watch) -> None:
    page = watch(sends(numbered(*range(500)), code=None))
    holds(page, 500)
    last = page.locator("log-rows .line:not([hidden])", has_text="line 499")
    for height in (900, 1400, 500, 900):
        page.set_viewport_size({"width": 1440, "height": height})
        expect(last).to_be_in_viewport()
        assert page.locator("log-rows").evaluate("rows => rows.following")


def test_what_one_reads_stays_in_place_when_older_lines_are_forgotten(watch: Watch) -> None:
    more = asyncio.Event()

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(numbered(*range(8000)))
        await more.wait()
        await socket.send_bytes(numbered(*range(8000, 12_000)))
        await stay(socket)

    page = watch(tells)
    holds(page, 8000)
    page.evaluate("document.querySelector('log-view').store.mostLines = 8000")
    page.evaluate("document.querySelector('log-view').rows.reveal(6000)")
    line = page.locator("log-rows .line", has_text=re.compile(r"^line 6000$"))
    expect(line).to_be_in_viewport()
    before = line.bounding_box()
    page.server.tell(more)
    page.wait_for_function("() => document.querySelector('log-view').store.end === 12000")
    expect(page.locator("[data-part=dropped]")).to_contain_text("4,096 older lines")
    assert line.bounding_box() == before


def test_wrapped_lines_reach_from_the_first_to_the_last(watch: Watch) -> None:
    long = [f"begin-{number} {'word ' * (number % 70)}end-{number}" for number in range(3000)]
    page = watch(sends(lines(long), code=None), path="/?tail=all&wrap=1&time=utc")
    holds(page, 3000)
    last = page.locator("log-rows .line", has_text="end-2999")
    expect(last).to_be_in_viewport()
    rows = page.locator("log-rows")
    assert abs(edge(last, "bottom") - edge(rows, "bottom")) < 2
    rows.focus()
    page.keyboard.press("g")
    expect(rows.locator(".line", has_text="begin-0 ")).to_be_in_viewport()
    assert rows.evaluate("rows => rows.scrollWidth - rows.clientWidth") == 0
    rows.evaluate("rows => { rows.scrollTop = 1e9 }")
    expect(last).to_be_in_viewport()


def edge(locator, side: str) -> float:
    return locator.evaluate(f"each => each.getBoundingClientRect().{side}")


def test_the_keyboard_goes_through_all_of_it(watch: Watch) -> None:
    page = watch(sends(numbered(*range(2000)), code=None), path="/?tail=all")
    holds(page, 2000)
    rows = page.locator("log-rows")
    rows.focus()
    at = "document.querySelector('log-rows').scrollTop"
    for keys, moved in [("g", 0), ("jj", 36), ("k", 18), ("ArrowDown", 36)]:
        for key in [keys] if len(keys) > 2 else keys:
            page.keyboard.press(key)
        page.wait_for_function(f"() => {at} === {moved}")
    page.keyboard.press("G")
    expect(rows.locator(".line", has_text="line 1999")).to_be_in_viewport()
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(rows).to_be_focused()


def test_marked_text_of_several_rows_is_the_lines_alone(watch: Watch) -> None:
    page = watch(sends(numbered(1, 2, 3), code=None), path="/?time=utc")
    holds(page, 3)
    selected = page.evaluate(
        """() => {
          const [first, , last] = document.querySelectorAll("log-rows .line:not([hidden]) .what");
          getSelection().setBaseAndExtent(first, 0, last, 1);
          return getSelection().toString();
        }"""
    )
    assert selected.split() == ["line", "1", "line", "2", "line", "3"]


# -- search and filters


def test_search_counts_and_walks_and_marks(watch: Watch) -> None:
    some = (f"line {number}{' Needle' if number % 1000 == 500 else ''}" for number in range(3000))
    page = watch(sends(lines(some), code=None), path="/?tail=all&follow=0")
    holds(page, 3000)
    box, hits = page.locator("[data-find]"), page.locator("[data-part=hits]")
    box.fill("needle")
    expect(hits).to_have_text("3 lines")
    for key, found, line in [("Enter", "1 of 3", 500), ("Enter", "2 of 3", 1500), ("Shift+Enter", "1 of 3", 500)]:
        box.press(key)
        expect(hits).to_have_text(found)
        expect(page.locator(".line.current mark")).to_have_text("Needle")
        expect(page.locator(".line.current")).to_contain_text(f"line {line} ")
    box.press("Shift+Enter")
    expect(hits).to_have_text("3 of 3")
    box.fill("haystack")
    expect(hits).to_have_text("no line")
    box.fill("line 2222")
    box.press("Enter")
    expect(page.locator(".line.current")).to_have_text("line 2222")


def test_a_pattern_finds_across_colours_and_a_wrong_one_is_told(watch: Watch) -> None:
    page = watch(sends(lines(["\x1b[31mERR\x1b[0mOR 42", "error x"]), code=None), path="/?regex=1")
    holds(page, 2)
    box = page.locator("[data-find]")
    box.fill(r"error \d+")
    expect(page.locator("[data-part=hits]")).to_have_text("1 line")
    assert page.locator("log-rows mark").all_inner_texts() == ["ERR", "OR 42"]
    box.fill("(")
    expect(page.locator("[data-part=fault]")).to_have_text("Not a pattern: unterminated group.")
    expect(box).to_have_attribute("aria-invalid", "true")


FRAMES = """window.late = 0;
let last = performance.now();
const look = () => {
  window.late = Math.max(window.late, performance.now() - last);
  last = performance.now();
  requestAnimationFrame(look);
};
look();"""


def test_a_pattern_that_would_take_for_ever_is_given_up_and_holds_up_nothing(watch: Watch) -> None:
    page = watch(sends(lines([f"{'a' * 60}!"]), code=None), path="/?regex=1")
    holds(page, 1)
    page.locator("[data-find]").fill("(a+)+$")
    page.evaluate(FRAMES)
    expect(page.locator("[data-part=fault]")).to_contain_text("takes too long")
    assert page.evaluate("window.late") < 1000, "milliseconds that the page stood still"


def test_lines_are_filtered_by_search_and_by_level(watch: Watch) -> None:
    some = ["INFO up", '{"level":"warn","msg":"slow"}', "time=1 level=error msg=down", "plain", "DEBUG x"]
    page = watch(sends(lines(some), code=None))
    shows(page, *some)
    assert page.locator(".line.level-error").inner_text() == some[2]
    page.locator("[popovertarget=log-show]").click()
    for level in ("info", "debug", "none"):
        page.locator(f"[data-level={level}]").uncheck()
    shows(page, *some[1:3])
    page.keyboard.press("Escape")
    page.locator("[data-find]").fill("msg=")
    page.locator("[data-mode]").select_option("hide")
    shows(page, some[1])
    page.locator("[data-mode]").select_option("only")
    shows(page, some[2])
    assert "levels=warn,error" in page.url and "mode=only" in page.url


def test_a_filter_takes_up_lines_that_come_later(watch: Watch) -> None:
    more = asyncio.Event()

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        await socket.send_bytes(lines(["a hit", "a miss"]))
        await more.wait()
        await socket.send_bytes(lines(["miss two", "hit two"], 1))
        await stay(socket)

    page = watch(tells, path="/?q=hit&mode=only")
    shows(page, "a hit")
    page.server.tell(more)
    shows(page, "a hit", "hit two")


# -- the address


def test_the_address_says_what_is_shown_and_a_link_shows_it_again(watch: Watch) -> None:
    queries = []

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await socket.send_bytes(numbered(1, 2, 3))
        await stay(socket)

    page = watch(tells, path="/?tail=100&err=0&time=utc&q=line%202&mode=only")
    shows(page, f"{stamp(0.002)} line 2")
    assert (queries[0]["tail"], queries[0]["stdout"], queries[0]["stderr"]) == ("100", "1", "0")
    page.locator("[popovertarget=log-range]").click()
    page.get_by_role("button", name="10,000").click()
    page.wait_for_url("**/?tail=10000&err=0&time=utc&q=line+2&mode=only")
    page.reload()
    shows(page, f"{stamp(0.002)} line 2")
    assert queries[-1]["tail"] == "10000"
    # How lines look is kept by the browser, for links that do not say.
    page.goto("/")
    shows(page, *(f"{stamp(number / 1000)} line {number}" for number in (1, 2, 3)))


def local(page: Page, time: str) -> str:
    """That time of the day, which is UTC, in a field of a browser wherever it is."""
    return page.evaluate(
        "moment => new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)",
        datetime.fromisoformat(f"2026-11-25T{time}+00:00"),
    )


def test_an_exact_time_is_asked_for_and_one_that_ends_before_it_begins_is_told_at_its_field(watch: Watch) -> None:
    queries = []

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await ended(socket, None)

    page = watch(tells)
    page.locator("[popovertarget=log-range]").click()
    page.locator("[name=since]").fill(local(page, "08:00:00"))
    page.locator("[name=until]").fill(local(page, "07:00:00"))
    page.get_by_role("button", name="Show", exact=True).click()
    assert (
        page.locator("[name=until]").evaluate("field => field.validationMessage") == "This is not after the beginning."
    )
    page.locator("[name=until]").fill(local(page, "09:00:00"))
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/?since=*&until=*")
    expect(page.locator("[data-part=empty]")).to_have_text("No line of this time.")
    assert queries[-1]["since"].startswith("2026-11-25T08:00") and queries[-1]["tail"] == "all"


def test_a_link_to_a_line_shows_what_is_around_it_with_the_line_marked(watch: Watch) -> None:
    queries = []

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await socket.send_bytes(numbered(*range(900)))
        if "until" in queries[-1]:
            await ended(socket, None)
        await stay(socket)

    page = watch(tells)
    holds(page, 900)
    page.evaluate("document.querySelector('log-view').rows.reveal(400)")
    page.locator("log-rows .line", has_text=re.compile("^line 400$")).click()
    expect(page.locator("[data-part=line]")).to_contain_text(stamp(0.4))
    expect(page.locator("log-rows .line.marked")).to_be_in_viewport()
    link = page.url
    assert link.endswith(f"#L{stamp(0.4)}")
    other = page.context.new_page()
    other.goto(link)
    expect(other.locator("log-rows .line.marked .what")).to_have_text("line 400")
    expect(other.locator("log-rows .line.marked")).to_be_in_viewport()
    assert (queries[-1]["since"], queries[-1]["until"]) == ("2026-11-25T06:59:00.000Z", "2026-11-25T07:01:00.000Z")


def test_a_jump_goes_to_a_time_that_is_here_and_asks_for_one_that_is_not(watch: Watch) -> None:
    queries = []

    async def tells(socket: web.WebSocketResponse, after: int) -> None:
        queries.append(asked(socket))
        await started(socket)
        await socket.send_bytes(lines((f"line {number}" for number in range(900)), step=1))
        await ended(socket, None) if "until" in queries[-1] else await stay(socket)

    page = watch(tells)
    holds(page, 900)
    for at, line, sockets in [("07:05:00", "line 300", 1), ("06:59:50", "line 0", 2)]:
        page.locator("[popovertarget=log-range]").click()
        page.locator("[name=at]").fill(local(page, at))
        page.get_by_role("button", name="Jump").click()
        expect(page.locator("log-rows :is(.current, .marked) .what")).to_have_text(line)
        assert len(queries) == sockets
    assert queries[-1]["since"] == "2026-11-25T06:58:50.000Z"


def test_json_is_shown_as_a_tree_and_its_values_are_text(watch: Watch) -> None:
    page = watch(
        sends(lines(['{"level":"error","who":{"name":"<b>ann\u202e"},"tries":[1,2]}', "{not json"]), code=None)
    )
    holds(page, 2)
    page.locator("log-rows .line").first.click()
    detail = page.locator("[data-part=line]")
    expect(detail.locator(".tree .key")).to_have_text(["level", "who", "name", "tries", "0", "1"])
    expect(detail.locator(".tree .string").nth(1)).to_have_text('"<b>ann⟨U+202E⟩"')
    page.keyboard.press("Escape")
    expect(page.locator("[data-part=detail]")).to_be_hidden()
    page.locator("log-rows .line").nth(1).click()
    expect(detail.locator(".whole")).to_have_text("{not json")
    assert detail.locator(".tree").count() == 0


def test_lines_are_copied_as_they_are_shown(watch: Watch) -> None:
    page = watch(sends(numbered(1, 2, 3, 4), code=None))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    holds(page, 4)
    rows = page.locator("log-rows .line")
    rows.nth(1).click()
    rows.nth(2).click(modifiers=["Shift"])
    copied = {}
    for what in ("The chosen lines", "All lines shown"):
        page.locator("[popovertarget=log-copy]").click()
        page.get_by_role("button", name=what).click()
        expect(page.locator("[data-part=told]")).to_have_text(f"{what}: copied.")
        copied[what] = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied == {
        "The chosen lines": ["line 2", "line 3"],
        "All lines shown": ["line 1", "line 2", "line 3", "line 4"],
    }


# -- floods


def busy(devtools: CDPSession) -> float:
    """Seconds of processor time that the page's main thread has worked."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def test_a_flood_of_lines_is_taken_with_little_work_and_memory(watch: Watch) -> None:
    async def floods(socket: web.WebSocketResponse, after: int) -> None:
        await started(socket)
        for first in range(0, LINES, 1000):
            few = (f"\x1b[32mline\x1b[0m {number} {'x' * 60}" for number in range(first, first + 1000))
            await socket.send_bytes(lines(few, first / 20_000, step=1 / 20_000))
            await asyncio.sleep(0.02)
        await ended(socket)

    page = watch(floods, path="/?tail=all")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy(devtools)
    holds(page, LINES + 1, 90)
    assert busy(devtools) - before < BUSY_SECONDS
    wrong = page.evaluate(
        "document.querySelector('log-view').text().split('\\n').findIndex((line, n) => !line.includes(` ${n} x`))"
    )
    assert wrong == LINES, "all but what the viewer says at the end"
    assert page.locator("log-rows *").count() < 600
    devtools.send("HeapProfiler.collectGarbage")
    assert devtools.send("Runtime.getHeapUsage")["usedSize"] < MOST_BYTES
    rows = page.locator("log-rows")
    expect(rows.locator(".line", has_text=f"line {LINES - 1} ")).to_be_in_viewport()
    rows.focus()
    page.keyboard.press("Home")
    expect(rows.locator(".line", has_text="line 0 x")).to_be_in_viewport()
