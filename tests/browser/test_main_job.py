"""The main job in one sitting, as a new user does it: from the set-up address to a container seen live."""

import re
import subprocess
import tempfile
from pathlib import Path

import requests
from playwright.sync_api import Page, expect

from engines.client.connect import call, connect
from engines.client.ssh import fingerprint
from tests.rig.hosts import Host
from tests.stack import PASSWORD, Stack

DOCKERFILE = """FROM busybox:local
RUN i=0; while [ $i -lt 40 ]; do echo "tick $i of the build"; i=$((i+1)); usleep 100000; done
STOPSIGNAL SIGKILL
CMD ["sleep", "1000000"]
"""


def test_from_the_set_up_address_to_a_container_seen_live(
    fresh, unix_host: Host, tls_host: Host, ssh_host: Host
) -> None:
    with tempfile.TemporaryDirectory(prefix="pilothouse-") as directory:
        stack = Stack(Path(directory), PILOTHOUSE_ADMIN_USERNAME="", PILOTHOUSE_ADMIN_PASSWORD="")
        try:
            stack.start()
            stack.ready()
            page = fresh(stack.url)
            set_up(page, stack)
            register(page, unix_host, "Harbour", "harbour")
            register(page, tls_host, "Lighthouse", "lighthouse")
            register(page, ssh_host, "Dry dock", "dry-dock")
            page.goto("/")
            expect(page.locator(".card .badge.success")).to_have_count(3)
            operation = build(page)
            watch(page, fresh, stack, operation)
            run_a_container(page, tls_host)
            # Before the console ends, or its pages would complain of that.
            page.context.close()
        finally:
            stack.stop()


def set_up(page: Page, stack: Stack) -> None:
    address = re.search(r"http://\S+/setup/\?token=\S+", stack.log.read_text())
    assert address, stack.log.read_text()
    page.goto(address[0])
    page.fill("input[name=username]", "captain")
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{stack.url}/")
    assert requests.get(address[0], timeout=5).status_code == 404


def register(page: Page, host: Host, name: str, slug: str) -> None:
    endpoint = host.endpoint
    page.goto("/engines/add/")
    page.fill("input[name=name]", name)
    page.fill("input[name=slug]", slug)
    page.fill("input[name=url]", str(endpoint.address))
    for field, text in fields_of(host).items():
        box = page.locator(f"[name={field}]")
        if not box.is_visible():
            box.locator("xpath=ancestor::details[1]/summary").click()
        box.fill(text)
    page.locator("main form").filter(has=page.locator("[name=url]")).locator("button.primary").click()
    page.wait_for_url(f"**/engines/{slug}/")
    if endpoint.ssh:
        expect(page.locator("main")).to_contain_text(fingerprint(endpoint.ssh.host_key.splitlines()[0]))
        page.get_by_role("button", name=re.compile("confirm|trust", re.IGNORECASE)).first.click()
        dialog = page.locator("dialog[open] #confirm-yes")
        if dialog.is_visible():
            dialog.click()
    expect(page.locator("main")).to_contain_text("20.10")


def fields_of(host: Host) -> dict[str, str]:
    endpoint = host.endpoint
    if endpoint.tls:
        return {"tls_ca": endpoint.tls.ca, "tls_cert": endpoint.tls.cert, "tls_key": endpoint.tls.key}
    return {"ssh_key": endpoint.ssh.key} if endpoint.ssh else {}


def build(page: Page) -> str:
    page.goto("/engines/lighthouse/images/build/")
    page.fill("textarea[name=dockerfile]", DOCKERFILE)
    page.fill("textarea[name=tags]", "shop/boat:1")
    page.locator("main form button.primary").click()
    page.wait_for_url("**/operations/*/")
    return page.url


def watch(page: Page, fresh, stack: Stack, operation: str) -> None:
    """Two browsers; the second comes late and reloads in the middle. Both are complete and in order."""
    page.click("[data-view=raw]")
    expect(page.locator("operation-log line-view.raw")).to_contain_text("tick 3 of")
    late = fresh(stack.url)
    late.goto("/accounts/login/")
    late.fill("input[name=login]", "captain")
    late.fill("input[name=password]", PASSWORD)
    late.click("button[type=submit]")
    late.wait_for_url("**/")
    late.goto(operation)
    late.click("[data-view=raw]")
    expect(late.locator("operation-log line-view.raw")).to_contain_text("tick 12 of")
    late.reload()
    for each in (page, late):
        each.wait_for_selector("operation-log[data-status=SUCCEEDED]", timeout=30_000)
    expected = page.request.get(f"{operation}log.txt").text().splitlines()
    assert [f"tick {number} of the build" in "\n".join(expected) for number in range(40)] == [True] * 40
    for each in (page, late):
        assert each.evaluate("document.querySelector('operation-log').text()").splitlines() == expected


def run_a_container(page: Page, host: Host) -> None:
    page.get_by_role("link", name="Run a container").click()
    page.fill("input[name=name]", "first-boat")
    page.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url(re.compile("/containers/[0-9a-f]{64}/$"))
    client = connect(host.endpoint)
    try:
        expect(page.locator("main .badge").first).to_have_text("running")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("main .badge").first).to_contain_text("exited")
        page.goto("/engines/lighthouse/containers/")
        row = page.locator("tr", has_text="first-boat")
        expect(row.locator(".badge")).to_contain_text("exited")
        page.wait_for_selector("body[data-live-state=open]")
        # Somebody else, with the docker CLI.
        docker = ["docker", "-H", f"unix://{host.engine.socket}"]
        subprocess.run([*docker, "start", "first-boat"], check=True, capture_output=True)
        expect(row.locator(".badge")).to_have_text("running", timeout=1000)
        subprocess.run([*docker, "kill", "first-boat"], check=True, capture_output=True)
        expect(row.locator(".badge")).to_contain_text("exited", timeout=1000)
    finally:
        call(client, "DELETE", "/containers/first-boat", params={"force": "1"})
