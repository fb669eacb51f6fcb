"""Second factors in a real browser: an app, recovery codes, a passkey; and what people see who must have one."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.stack import PASSWORD, USERNAME, Stack, running

MATE, MATES_PASSWORD = "mate", "a long enough secret"
_PEOPLE = f"""
from django.contrib.auth.models import User
User.objects.create_user("{MATE}", password="{MATES_PASSWORD}")
"""
_POLICY = """
from engines.models import AccessPolicy
AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.ADMINISTRATORS)
"""


@pytest.fixture(scope="module")
def alone():
    """A console of its own: its people get factors. By name, since an IP address cannot have passkeys."""
    with running() as stack:
        stack.url = stack.url.replace("127.0.0.1", "localhost")
        stack.manage(script=_PEOPLE)
        yield stack


def code(seed: str, used: list[int]) -> str:
    """The code of the next time step that was not used, once the clock has reached it."""
    while (step := int(time.time()) // 30) in used:
        time.sleep(0.2)
    used.append(step)
    return format_hotp_value(hotp_value(seed, step))


def with_authenticator(page: Page) -> None:
    """A device that has passkeys and says yes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
    options |= {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Account of").click()
    page.locator("#account").get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_an_app_recovery_codes_and_a_passkey_from_the_first_set_up_to_the_login(fresh, alone: Stack):
    page, used = fresh(alone.url), []
    with_authenticator(page)
    log_in(page, MATE, MATES_PASSWORD)
    page.goto("/accounts/factors/app/add/")
    seed = page.input_value("#seed")
    page.fill("input[name=code]", code(seed, used))
    page.get_by_role("button", name="Turn on").click()
    recovery = page.locator(".codes code").all_inner_texts()
    assert len(recovery) == 10
    page.get_by_role("link", name="I have kept them").click()

    log_out(page)
    log_in_first_step(page)
    page.fill("input[name=code]", code(seed, used))
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator("#account")).to_be_attached()

    log_out(page)
    log_in_first_step(page)
    page.fill("input[name=code]", recovery[3])
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator("#account")).to_be_attached()

    page.goto("/accounts/factors/passkeys/add/")
    page.fill("input[name=name]", "Laptop")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("no password needed")).to_be_visible()
    assert "Laptop" in page.inner_text("main")

    log_out(page)
    log_in_first_step(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("#account")).to_be_attached()

    log_out(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.locator("#account")).to_be_attached()


def log_in_first_step(page: Page) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", MATE)
    page.fill("input[name=password]", MATES_PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()


def test_a_passkey_that_is_not_given_is_said_where_it_was_asked(fresh, alone: Stack):
    page = fresh(alone.url.replace("localhost", "127.0.0.1"))
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.locator("[data-passkey-told]")).to_contain_text("an IP address will not do")


def test_who_must_have_a_factor_is_led_to_it_and_sees_nothing_else(fresh, alone: Stack):
    alone.manage(
        script="from engines.models import AccessPolicy\nAccessPolicy.objects.create(second_factor_from=100)\n"
    )
    page, used = fresh(alone.url, width=390), []
    page.goto("/accounts/login/")
    page.fill("input[name=login]", USERNAME)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="One more step: a second factor")).to_be_visible()
    for path in ("/", "/operations/", "/accounts/profile/", "/users/policy/"):
        page.goto(path)
        expect(page).to_have_url(f"{alone.url}/accounts/factors/")
    page.get_by_role("link", name="Set up an app").click()
    page.fill("input[name=code]", code(page.input_value("#seed"), used))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("link", name="I have kept them").click()
    page.goto("/operations/")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
