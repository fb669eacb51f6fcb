"""Second factors in a real browser: an app, recovery codes, a passkey; and what people see who must have one."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.stack import PASSWORD, USERNAME, Stack, running

MATE, MATES_PASSWORD = "mate", "a long enough secret"
#: Somebody who has an app already: a code works once, and after setting up it takes half a minute until the next one.
PURSER, SEED = "purser", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_PEOPLE = f"""
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from engines.accounts.factors import seed_place
from engines.secrets import encrypt
User.objects.create_user("{MATE}", password="{MATES_PASSWORD}")
purser = User.objects.create_user("{PURSER}", password="{MATES_PASSWORD}")
sealed = encrypt("{SEED}", place=seed_place(purser.pk), keys=settings.ENCRYPTION_KEYS)
Authenticator.objects.create(user=purser, type="totp", data={{"secret": sealed}})
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


def code(seed: str) -> str:
    """The code of now, once enough of its half minute is left to type it."""
    while time.time() % 30 > 25:
        time.sleep(0.2)
    return format_hotp_value(hotp_value(seed, int(time.time()) // 30))


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
    page = fresh(alone.url)
    with_authenticator(page)
    log_in(page, MATE, MATES_PASSWORD)
    page.goto("/accounts/factors/app/add/")
    seed = page.input_value("#seed")
    page.fill("input[name=code]", code(seed))
    page.get_by_role("button", name="Turn on").click()
    recovery = page.locator(".codes code").all_inner_texts()
    assert len(recovery) == 10
    page.get_by_role("link", name="I have kept them").click()

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


def test_a_code_of_the_app_lets_in_once(fresh, alone: Stack):
    page, other = fresh(alone.url), fresh(alone.url)
    for browser in (page, other):
        log_in_first_step(browser, PURSER)
    typed = code(SEED)
    for browser in (page, other):
        browser.fill("input[name=code]", typed)
        browser.get_by_role("button", name="Log in", exact=True).click()
        browser.wait_for_load_state()
    expect(page.locator("#account")).to_be_attached()
    expect(other.get_by_text("was not accepted")).to_be_visible()


def log_in_first_step(page: Page, name: str = MATE) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", name)
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
    page = fresh(alone.url, width=390)
    page.goto("/accounts/login/")
    page.fill("input[name=login]", USERNAME)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="One more step: a second factor")).to_be_visible()
    for path in ("/", "/operations/", "/accounts/profile/", "/users/policy/"):
        page.goto(path)
        expect(page).to_have_url(f"{alone.url}/accounts/factors/")
    page.get_by_role("link", name="Set up an app").click()
    page.fill("input[name=code]", code(page.input_value("#seed")))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("link", name="I have kept them").click()
    page.goto("/operations/")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
