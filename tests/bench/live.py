"""P4: from the engine's event to the changed page in Chromium."""

import shutil
import time

from playwright.sync_api import sync_playwright

from engines.client.connect import call, connect
from tests.bench.report import Line, quantile
from tests.rig.hosts import Host
from tests.stack import PASSWORD, USERNAME, Stack

_RUNS = 25
#: Notes the time (ms since the epoch) at which a row first shows each state.
_OBSERVE = """() => {
  window.seen = [];
  const look = () => {
    const badge = document.querySelector('#rows tbody tr .badge');
    const word = badge ? badge.textContent : '';
    if (window.seen.at(-1)?.word !== word) window.seen.push({ word, at: Date.now() });
  };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.getElementById('rows'), all);
  look();
}"""


def measure(stack: Stack, host: Host, slug: str) -> list[Line]:
    """A container paused and unpaused outside; from the engine's answer to the page. Empty without Chromium."""
    path = shutil.which("chromium")
    if path is None:
        return []
    client = connect(host.endpoint)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    made = call(client, "POST", "/containers/create", params={"name": "pulse"}, body=body)
    identity = made["Id"] if isinstance(made, dict) else ""
    call(client, "POST", f"/containers/{identity}/start")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        page = browser.new_page(base_url=stack.url)
        page.goto("/accounts/login/")
        page.fill("input[name=login]", USERNAME)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.goto(f"/engines/{slug}/containers/?q=pulse")
        page.wait_for_selector("body[data-live-state=open]")
        page.evaluate(_OBSERVE)
        delays = []
        for run in range(_RUNS):
            verb, word = ("pause", "paused") if run % 2 == 0 else ("unpause", "running")
            call(client, "POST", f"/containers/{identity}/{verb}")
            done = time.time() * 1000
            page.wait_for_function("word => window.seen.at(-1).word === word", arg=word, polling=5)
            delays.append(max(0.0, page.evaluate("window.seen.at(-1).at") - done))
            # Apart, as events of people are: a burst is gathered on purpose.
            time.sleep(0.4)
        browser.close()
    call(client, "DELETE", f"/containers/{identity}", params={"force": "1"})
    p50, p95 = quantile(delays, 0.5), quantile(delays, 0.95)
    figure = f"p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    return [
        Line("P4", "engine event to changed page: p50 in ms", figure, p50, 100, "ms"),
        Line("P4", "engine event to changed page: p95 in ms", figure, p95, 250, "ms"),
    ]
