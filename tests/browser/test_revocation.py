"""Rights withdrawn while pages, a log and a build are open: all of it ends within seconds, and says so."""

import json
import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.stack import PASSWORD, Stack

SECONDS = 5_000
DOCKERFILE = 'FROM busybox:local\nRUN i=0; while [ $i -lt 600 ]; do echo "tick $i"; i=$((i+1)); usleep 100000; done\n'

_ENTER = """
from django.contrib.auth.models import User
from engines.models import Engine, Grant
user = User.objects.create_user({name!r}, password={password!r})
Grant.objects.create(engine=Engine.objects.get(slug="harbour"), user=user, role=30)
"""
_CHANGE = """
from django.contrib.auth.models import User
from engines import hints
from engines.models import Grant, Engine
user = User.objects.get(username={name!r})
{change}
{hint}
"""
HINT = "hints.tell(hints.announce_access)"
NOTHING = "user.grants.all().delete()"


def change(console: Stack, name: str, what: str, hint: str = HINT) -> None:
    console.manage(script=_CHANGE.format(name=name, change=what, hint=hint))


@pytest.fixture
def builder(console: Stack, request) -> str:
    """The name of somebody who may build on `harbour`."""
    name = "b" + re.sub(r"\W", "", request.node.name)[-30:]
    console.manage(script=_ENTER.format(name=name, password=PASSWORD))
    return name


@pytest.fixture
def building(fresh, console: Stack, builder: str) -> Page:
    """The page of a build of theirs that runs, its log streaming."""
    page = fresh(console.url)
    log_in(page, builder)
    page.goto("/engines/harbour/images/build/")
    page.fill("textarea[name=dockerfile]", DOCKERFILE)
    page.locator("main form button.primary").click()
    page.wait_for_url("**/operations/*/")
    expect(page.locator("operation-log")).to_contain_text("tick", timeout=20_000)
    return page


def another(page: Page, address: str) -> Page:
    """A page in another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto(address)
    expect(tab.locator("body")).to_have_attribute("data-live-state", "open")
    return tab


def outcome(console: Stack, operation: str) -> dict[str, str]:
    """Status and sentence of the operation, once it is over."""
    pk = operation.rstrip("/").rsplit("/", 1)[-1]
    script = (
        "import json\nfrom engines.models import Operation\n"
        f"o = Operation.objects.get(pk={pk!r})\n"
        "print(json.dumps({'status': o.status, 'sentence': o.sentence}))\n"
    )
    deadline = time.monotonic() + 15
    while (found := json.loads(console.manage(script=script)))["status"] == "RUNNING":
        assert time.monotonic() < deadline
    return found


@pytest.mark.parametrize("hint", [HINT, ""], ids=["told", "untold"])
def test_who_loses_every_right_sees_nothing_more_and_their_build_ends(
    console: Stack, building: Page, builder: str, hint
):
    containers = another(building, "/engines/harbour/containers/")
    operation = building.url
    change(console, builder, NOTHING, hint)
    for page in (containers, building):
        expect(page.locator("h1")).to_have_text("There is nothing here", timeout=SECONDS)
        assert "tick" not in page.content()
    assert outcome(console, operation) == {
        "status": "CANCELLED",
        "sentence": f"{builder}, who started this, may not do it on Harbour any more.",
    }


def test_who_becomes_a_viewer_keeps_the_page_without_its_verbs_and_their_build_ends(
    console: Stack, building: Page, builder: str
):
    containers = another(building, "/engines/harbour/containers/")
    expect(containers.get_by_role("link", name="New container").first).to_be_visible()
    change(console, builder, "user.grants.update(role=10)")
    expect(containers.get_by_role("link", name="New container")).to_have_count(0, timeout=SECONDS)
    expect(containers.locator("[data-bulk], [data-verb]")).to_have_count(0)
    expect(containers.locator("#toasts")).to_contain_text("What you may do here has changed")
    expect(building.locator("#head .badge")).to_contain_text("cancelled", timeout=6_000)
    expect(building.locator("#head .notice")).to_contain_text("may not do it on Harbour any more")
    expect(building.get_by_role("button", name="Run again")).to_have_count(0)


def test_who_is_disabled_is_led_to_the_login_page_from_every_tab(console: Stack, building: Page, builder: str):
    fleet = another(building, "/")
    change(console, builder, "User.objects.filter(pk=user.pk).update(is_active=False)")
    for page in (fleet, building):
        page.wait_for_url("**/accounts/login/**", timeout=SECONDS)


def test_an_engine_disabled_ends_the_build_on_it_with_a_sentence(console: Stack, building: Page, builder: str):
    try:
        change(console, builder, "Engine.objects.filter(slug='harbour').update(enabled=False)")
        expect(building.locator("#head .notice")).to_contain_text("Harbour was disabled", timeout=6_000)
    finally:
        change(console, builder, "Engine.objects.filter(slug='harbour').update(enabled=True)")
