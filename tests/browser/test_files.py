"""Files of a container in a browser: dropped, cancelled, replaced, edited, deleted."""

import subprocess
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.rig.hosts import Host

#: As a file manager drops them.
DROP = """([names, size]) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File([new Uint8Array(size)], name));
  const how = { bubbles: true, cancelable: true, dataTransfer: data };
  for (const type of ["dragover", "drop"]) document.querySelector("#files").dispatchEvent(new DragEvent(type, how));
}"""

#: As soon as so many bytes of the first one are sent.
CANCEL = """(most) => new Promise((done) => {
  const look = () => {
    const bar = document.querySelector(".uploads progress");
    if (bar.value < most) return requestAnimationFrame(look);
    bar.closest("li").querySelector("button").click();
    done();
  };
  look();
})"""


@pytest.fixture(scope="module")
def hold(unix_host: Host) -> Iterator[str]:
    """A container to put files into."""
    docker = ["docker", "-H", f"unix://{unix_host.engine.socket}"]
    run = [*docker, "run", "-d", "--name", "hold", "busybox:local", "sleep", "1000000"]
    yield subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([*docker, "rm", "-f", "hold"], check=True, capture_output=True)


@pytest.fixture
def inside(unix_host: Host, hold: str) -> Callable[[str], str]:
    def run(line: str) -> str:
        argv = ["docker", "-H", f"unix://{unix_host.engine.socket}", "exec", hold, "sh", "-c", line]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    return run


def at(hold: str, path: str) -> str:
    return f"/engines/harbour/containers/{hold}/files/?path={path}"


def test_dropped_files_arrive_and_are_listed(enter, hold, inside) -> None:
    page: Page = enter()
    inside("mkdir -p /hold; echo old > /hold/third")
    page.goto(at(hold, "/hold"))
    page.evaluate(DROP, [["first", "second one", "third"], 100_000])
    expect(page.locator(".uploads li", has_text="uploaded")).to_have_count(2)
    expect(page.locator("tbody th bdi")).to_have_text(["first", "second one", "third"])
    # What is there is not replaced unasked.
    taken = page.locator(".uploads li", has_text="third")
    expect(taken).to_contain_text("There is something of this name already.")
    assert inside("cat /hold/third") == "old\n"
    taken.get_by_role("button", name="Replace").click()
    expect(page.locator(".uploads li", has_text="uploaded")).to_have_count(3)
    assert inside("cd /hold; stat -c %s *") == "100000\n" * 3


def test_an_upload_given_up_almost_at_its_end_leaves_nothing(enter, hold, inside) -> None:
    page: Page = enter()
    inside("mkdir -p /given-up")
    page.goto(at(hold, "/given-up"))
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 4 << 20}
    network.send("Network.emulateNetworkConditions", slow)
    page.evaluate(DROP, [["large"], 8 << 20])
    page.evaluate(DROP, [["after"], 1000])
    page.evaluate(CANCEL, 7 << 20)
    expect(page.locator(".uploads li", has_text="large")).to_contain_text("Cancelled; nothing was written.")
    # The next one goes on.
    expect(page.locator(".uploads li", has_text="after")).to_contain_text("uploaded")
    assert inside("ls /given-up") == "after\n"


def test_files_are_chosen_edited_and_deleted(enter, hold, inside) -> None:
    page: Page = enter(width=390)
    inside("mkdir -p /desk/full; echo one > /desk/a; echo two > /desk/b")
    page.goto(at(hold, "/desk"))
    page.click("text=Upload")
    page.set_input_files("#upload-files", {"name": "c", "mimeType": "text/plain", "buffer": b"three\n"})
    page.click("#upload button.primary")
    page.click("tbody th a:has-text('c')")
    page.click("a[href*='/files/edit/']")
    page.fill("textarea", "four\n\tfive\n")
    page.click("main form .primary")
    expect(page.locator("pre.held")).to_have_text("four\n\tfive\n")
    assert inside("cat /desk/c") == "four\n\tfive\n"
    page.goto(at(hold, "/desk"))
    for name in ("full", "a"):
        page.check(f"[aria-label='Choose {name}']")
    page.click("button.danger:has-text('Delete')")
    page.click("#confirm-yes")
    expect(page.locator("tbody th bdi")).to_have_text(["b", "c"])
    assert inside("ls /desk") == "b\nc\n"
