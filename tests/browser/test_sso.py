"""Single sign-on in a real browser, on a console that was started with its settings."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.rig.provider import Provider, provider
from tests.stack import Stack, running


@pytest.fixture(scope="module")
def harbour_id() -> Iterator[Provider]:
    with provider() as started:
        yield started


@pytest.fixture(scope="module")
def alone(harbour_id: Provider) -> Iterator[Stack]:
    with running(**harbour_id.settings(), PILOTHOUSE_OIDC_REQUIRED_GROUP="crew") as stack:
        yield stack


def test_the_button_leads_to_the_provider_and_back_into_the_console(fresh, alone, harbour_id):
    harbour_id.person["groups"] = ["crew"]
    page = fresh(alone.url)
    page.goto("/accounts/profile/")
    page.get_by_role("button", name="Log in with Harbour ID").click()
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
    assert "A role per engine" in page.inner_text("main")


def test_who_is_not_in_the_group_reads_why(fresh, alone, harbour_id):
    harbour_id.person |= {"sub": "1002", "preferred_username": "ben", "groups": ["guests"]}
    page = fresh(alone.url)
    page.goto("/")
    page.get_by_role("button", name="Log in with Harbour ID").click()
    expect(page.get_by_text("not in the group that this console asks for")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
