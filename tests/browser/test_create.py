"""A container is made in a browser: its other words follow what is typed, and a command fills in the form."""

from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from tests.rig.hosts import Host

CREATE = "/engines/harbour/containers/create/"
COMMAND = (
    "docker run -d --name pasted-boat -e COLOUR=blue \\\n  --stop-signal SIGKILL -m 64m busybox:local sleep 1000000"
)


@pytest.fixture
def client(unix_host: Host):
    """The engine behind the console's back; what the tests make is removed."""
    client = connect(unix_host.endpoint)
    yield client
    for name in ("typed-boat", "pasted-boat", "pasted-boat-copy"):
        with suppress(EngineReplied):
            call(client, "DELETE", f"/containers/{name}", params={"force": "1"})


def test_what_is_typed_is_told_in_other_words_and_made(enter, client) -> None:
    page: Page = enter()
    page.goto(CREATE)
    command, state = page.locator("#as-run"), page.locator("#preview-state")
    expect(state).to_contain_text("Not valid yet")
    page.locator("#id_image").press_sequentially("busybox")
    expect(page.locator("#images option[value='busybox:local']")).to_have_count(1)
    page.fill("#id_image", "busybox:local")
    page.fill("#id_name", "typed-boat")
    expect(command).to_contain_text("--name typed-boat")
    expect(state).to_contain_text("Within the limits")
    page.fill("#id_ports", "eighty")
    expect(state).to_contain_text("write 8080:80")
    expect(command).to_contain_text("--name typed-boat")
    page.fill("#id_ports", "")
    expect(state).to_contain_text("Within the limits")
    page.locator("label", has_text="Compose").click()
    expect(page.locator("#as-compose")).to_be_visible()
    expect(command).to_be_hidden()
    # What is shown stays shown while one types.
    page.fill("#id_command", "sleep 1000000")
    expect(page.locator("#as-compose")).to_contain_text("1000000")
    expect(command).to_be_hidden()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator(".titlerow .badge")).to_contain_text("running")
    assert call(client, "GET", "/containers/typed-boat/json")["State"]["Running"]


def test_a_setting_is_found_by_its_option_and_its_section_says_what_is_set(enter) -> None:
    page: Page = enter()
    page.goto(f"{CREATE}?image=busybox:local")
    limits = page.locator("details", has=page.locator("summary", has_text="Limits"))
    expect(limits.locator("[data-summary]")).to_have_text("Memory 512m · Processes 512")
    expect(page.locator("#id_ulimits")).to_be_hidden()
    page.locator("[data-find] input").fill("--ulimit")
    expect(page.locator("#id_ulimits")).to_be_visible()
    expect(page.locator("#id_image")).to_be_hidden()
    page.fill("#id_ulimits", "nofile=1024")
    expect(limits.locator("[data-summary]")).to_have_text("Memory 512m · Processes 512 · Ulimits (1)")
    expect(page.locator("#as-run")).to_contain_text("--ulimit nofile=1024")
    # Enter looks for a setting, and makes nothing.
    page.locator("[data-find] input").press("Enter")
    page.locator("[data-find] input").fill("")
    expect(page.locator("#id_image")).to_be_visible()
    expect(limits).not_to_have_attribute("open", "")
    assert page.url.endswith("image=busybox:local")


def test_a_pasted_command_is_made_and_copied(enter, client) -> None:
    page: Page = enter()
    page.goto(CREATE)
    page.get_by_role("button", name="Paste a docker run command").click()
    expect(page.locator("#pasted")).to_be_focused()
    page.locator("#pasted").fill(COMMAND)
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.locator("#id_env")).to_have_value("COLOUR=blue")
    expect(page.locator("#id_memory_bytes")).to_have_value("64m")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator(".titlerow .badge")).to_contain_text("running")
    page.get_by_role("link", name="Command").click()
    expect(page.locator("#as-run")).to_contain_text("--name pasted-boat")
    expect(page.locator("#as-run")).not_to_contain_text("PATH=")
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Duplicate").click()
    expect(page.locator("#id_name")).to_have_value("pasted-boat-copy")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator(".titlerow .badge")).to_contain_text("running")
    made = call(client, "GET", "/containers/pasted-boat-copy/json")
    assert "COLOUR=blue" in made["Config"]["Env"] and made["HostConfig"]["Memory"] == 64 << 20
