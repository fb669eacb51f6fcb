"""Lists of containers in a browser: groups, columns, many at once, and what those that run use."""

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from tests.rig.hosts import Host

LIST = "/engines/harbour/containers/"
PROJECT = "com.docker.compose.project"


@pytest.fixture
def crates(unix_host: Host) -> Iterator[list[str]]:
    """Twenty containers of the projects `crates` and `barrels`; the first two run, and one of them is busy."""
    client = connect(unix_host.endpoint)
    names = [f"crate-{number:02}" for number in range(20)]
    for number, name in enumerate(names):
        busy = ["sh", "-c", "while true; do :; done"] if number == 0 else ["sleep", "1000000"]
        labels = {PROJECT: "crates" if number < 10 else "barrels"}
        body = {"Image": "busybox:local", "Cmd": busy, "StopSignal": "SIGKILL", "Labels": labels}
        host = {"HostConfig": {"Memory": 32 << 20, "NanoCpus": 200_000_000}}
        call(client, "POST", "/containers/create", params={"name": name}, body=body | host)
    for name in names[:2]:
        call(client, "POST", f"/containers/{name}/start")
    yield names
    for name in names:
        with suppress(EngineReplied):
            call(client, "DELETE", f"/containers/{name}", params={"force": "1"})


def row(page: Page, name: str):
    return page.locator("tbody tr", has_text=name)


def test_a_group_stays_folded_through_what_happens_elsewhere_and_is_chosen_as_one(enter, crates, unix_host) -> None:
    page: Page = enter()
    page.goto(f"{LIST}?grouped=1&q=crate")
    group = page.locator("tbody[data-group=barrels]")
    expect(group.locator("tr:visible")).to_have_count(11)
    group.locator("[data-fold]").click()
    expect(group.locator("tr:visible")).to_have_count(1)
    call(connect(unix_host.endpoint), "POST", "/containers/crate-15/start")
    expect(group.locator(".chip", has_text="1 running")).to_be_visible()
    expect(group.locator("tr:visible")).to_have_count(1)
    group.locator("[data-all-of]").check()
    expect(page.locator("[data-selected]")).to_have_text("10 selected")
    page.reload()
    expect(group.locator("[data-fold]")).to_have_attribute("aria-expanded", "false")


def test_many_are_done_in_parts_and_told_in_one_panel(enter, crates) -> None:
    page: Page = enter()
    page.goto(f"{LIST}?q=crate")
    page.locator("[data-all]").check()
    page.locator("[popovertarget=bulk-menu]").click()
    page.locator("#bulk-menu [value=pause]").click()
    panel = page.locator("#toasts .results")
    expect(panel.locator("summary")).to_have_text("2 done, 18 failed")
    expect(panel).to_have_count(1)
    expect(panel.locator("li").first).to_have_class("danger")
    expect(row(page, "crate-01").locator(".badge")).to_have_text("paused")
    panel.get_by_role("button", name="Dismiss").click()
    expect(panel).to_have_count(0)
    page.locator("[popovertarget=bulk-menu]").click()
    page.locator("#bulk-menu [value=unpause]").click()
    expect(row(page, "crate-01").locator(".badge")).to_have_text("running")


def test_columns_are_chosen_moved_and_kept(enter, crates) -> None:
    page: Page = enter()
    page.goto(f"{LIST}?q=crate")
    page.locator("[popovertarget=columns]").click()
    page.get_by_label("Command", exact=True).check()
    sooner = page.get_by_role("button", name="Command further left")
    while page.locator("[data-order] li").first.inner_text().strip() != "Command":
        sooner.click()
    page.get_by_role("button", name="Keep").click()
    heads = page.locator("thead th")
    expect(heads.nth(3)).to_have_text("Command")
    expect(row(page, "crate-01").locator("code")).to_have_text("sleep 1000000")
    page.locator("[popovertarget=columns]").click()
    page.get_by_role("button", name="As usual").click()
    expect(heads.nth(3)).to_have_text("Image")


def test_the_menu_of_a_row_acts_on_its_engine_in_the_list_of_all(enter, crates) -> None:
    page: Page = enter()
    page.goto("/containers/?q=crate-01")
    row(page, "crate-01").locator("[data-row]").click()
    page.locator("#row-menu [data-verb=pause]").click()
    expect(row(page, "crate-01").locator(".badge")).to_have_text("paused")
    row(page, "crate-01").get_by_role("button", name="Unpause").click()
    expect(row(page, "crate-01").locator(".badge")).to_have_text("running")


@pytest.mark.parametrize("path", [f"{LIST}?q=crate", "/containers/?q=crate"])
def test_what_runs_shows_what_it_uses_and_what_ended_shows_nothing(enter, crates, unix_host, path) -> None:
    page: Page = enter()
    page.goto(path)
    busy, idle = row(page, "crate-00"), row(page, "crate-02")
    expect(busy.locator(".cpu span")).to_have_text(re.compile(r"^[1-9][0-9.]* %$"), timeout=20_000)
    expect(busy.locator(".memory")).to_have_attribute("title", re.compile("of 32.0 MiB"))
    expect(idle.locator(".cpu")).to_be_empty()
    call(connect(unix_host.endpoint), "POST", "/containers/crate-00/stop")
    expect(busy.locator(".badge")).to_contain_text("exited")
    expect(busy.locator(".cpu")).to_be_empty(timeout=20_000)


def test_the_charts_of_a_container_go_on_pause_are_a_table_and_say_when_it_ended(enter, crates, unix_host) -> None:
    page: Page = enter()
    page.goto(f"{LIST}?q=crate-00")
    row(page, "crate-00").locator("th a").click()
    page.locator("nav.tabs").get_by_text("Stats").click()
    cpu = page.locator("[data-now=cpu]")
    expect(cpu).to_have_text(re.compile(r"^[1-9][0-9.]* %$"), timeout=20_000)
    expect(page.locator("[data-of=memory]")).to_contain_text("of 32.0 MiB")
    expect(page.locator(".u-over")).to_have_count(5)
    painted = (
        "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte)"
    )
    assert all(canvas.evaluate(painted) for canvas in page.locator(".uplot canvas").all())
    page.locator("#numbers summary").click()
    expect(page.locator("#numbers tbody tr").nth(1)).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).last.click()
    rows = page.locator("#numbers tbody tr").count()
    call(connect(unix_host.endpoint), "POST", "/containers/crate-00/stop")
    expect(page.locator("#stats-over")).to_contain_text("It ended with exit code 137.", timeout=20_000)
    expect(page.locator("#numbers tbody tr")).to_have_count(rows)
    call(connect(unix_host.endpoint), "POST", "/containers/crate-00/start")
    expect(page.locator("#stats-over")).to_be_hidden(timeout=20_000)


def test_the_board_of_an_engine_has_the_largest_first(enter, crates) -> None:
    page: Page = enter()
    page.goto("/engines/harbour/stats/")
    expect(page.locator("[data-total=cpu]")).to_have_text(re.compile(r"^[1-9][0-9.]* %$"), timeout=20_000)
    expect(page.locator("tbody tr").first).to_contain_text("crate-00")
    page.get_by_role("button", name="Name").click()
    page.mouse.move(0, 0)
    expect(page.locator("thead th").first).to_have_attribute("aria-sort", "ascending")
    expect(row(page, "crate-01").locator("[data-cell=pids]")).to_have_text("1")
    row(page, "crate-01").locator("th a").click()
    page.wait_for_url("**/stats/")
    expect(page.locator("h1")).to_have_text("crate-01")
