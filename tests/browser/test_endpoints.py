"""Registering engines by hand, in a real browser on the whole console; and the fleet while an engine hangs."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import log_in
from tests.stack import Stack, running


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running(DOCKER_HOST="unix:///nonexistent/docker.sock") as console:
        yield console


@pytest.fixture
def page(fresh, stack: Stack) -> Page:
    """Logged in."""
    page = fresh(stack.url)
    log_in(page)
    return page


def open_form(page: Page, name: str, url: object) -> None:
    page.goto("/engines/add/")
    page.fill("[name=name]", name)
    page.fill("[name=url]", str(url))


def test_a_test_keeps_what_was_typed_and_chosen_and_saving_then_works(page, tls_engine):
    open_form(page, "Quay", "tcp://127.1:2376")
    page.click("summary:has-text('TLS')")
    page.fill("[name=tls_ca]", tls_engine.tls.ca)
    page.fill("[name=tls_cert]", tls_engine.tls.cert)
    key = {"name": "key.pem", "mimeType": "text/plain", "buffer": tls_engine.tls.key.encode()}
    page.set_input_files("[name=tls_key_file]", [key])
    page.click("button[name=test]")
    page.wait_for_selector("#tested >> text=Write an IPv4 address as four decimal numbers.")
    page.fill("[name=url]", str(tls_engine.address))
    page.click("button[name=test]")
    page.wait_for_selector("#tested >> text=answers: Docker Engine")
    assert page.input_value("[name=tls_ca]").strip() == tls_engine.tls.ca.strip()
    page.click("button.primary")
    page.wait_for_url("**/engines/quay/")
    assert "Quay answers: Docker Engine" in page.inner_text("#notices")
    page.wait_for_selector("#state .badge.success")
    page.click("text=Test again")
    page.wait_for_selector("#contact >> text=Quay answers")
    assert page.locator("#side-nav [aria-current=page]").inner_text() == "Overview"


def test_a_host_key_is_compared_confirmed_and_forgotten(page, ssh_engine):
    open_form(page, "Pier", ssh_engine.address)
    page.click("summary:has-text('SSH')")
    page.fill("[name=ssh_key]", ssh_engine.ssh.key)
    page.click("button.primary")
    page.click("text=They match: confirm")
    page.wait_for_selector("text=Pier answers: Docker Engine")
    page.click("text=Forget host key")
    page.click("#confirm-yes")
    page.wait_for_selector("text=They match: confirm")


def test_a_hung_engine_shows_within_ten_seconds_and_typing_goes_on(page, fresh_host):
    open_form(page, "Harbour", fresh_host.endpoint.address)
    page.click("button.primary")
    page.wait_for_url("**/engines/harbour/")
    page.goto("/")
    page.wait_for_selector("article:has-text('Harbour') .badge.success")
    page.type("[name=q]", "harb")
    page.wait_for_selector("article:has-text('Quay')", state="detached")
    fresh_host.engine.suspend()
    try:
        began = time.monotonic()
        page.wait_for_selector("article.danger:has-text('Harbour') >> text=did not answer")
        assert time.monotonic() - began < 10
    finally:
        fresh_host.engine.resume()
    assert page.evaluate("document.activeElement.name") == "q"
    page.wait_for_selector("article:has-text('Harbour') .badge.success")
