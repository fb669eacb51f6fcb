"""The first administrator: one token, one use, one winner; then the page is gone."""

import re
import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from engines.accounts import actions
from engines.accounts.actions import AdministratorRefusedError, TokenRefusedError
from engines.models import SetupToken
from tests import stack

PASSWORD = "a long enough secret"
FORM = {"username": "captain", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def address(db) -> str:
    return f"/setup/?token={actions.issue_token()}"


def test_the_token_makes_an_administrator_who_is_logged_in(client, address):
    assert "First administrator" in client.get(address).content.decode()
    assert client.post(address, FORM)["Location"] == "/"
    assert client.get("/accounts/profile/").status_code == 200
    captain = User.objects.get()
    assert (captain.username, captain.is_superuser, captain.check_password(PASSWORD)) == ("captain", True, True)


def test_the_page_is_gone_once_there_is_an_administrator(client, address):
    client.post(address, FORM)
    assert client.get(address).status_code == 404
    assert client.post(address, {**FORM, "username": "second"}).status_code == 404
    assert client.get("/setup/").status_code == 404
    assert User.objects.count() == 1


@pytest.mark.parametrize("query", ["", "?token=", "?token=guessed", "?other=1"])
def test_without_the_token_nothing_can_be_done(client, address, query):
    assert client.get(f"/setup/{query}").status_code == 403
    assert client.post(f"/setup/{query}", FORM).status_code == 403
    assert not User.objects.exists()


def test_a_new_token_replaces_the_earlier_ones(client, address):
    actions.issue_token()
    assert client.get(address).status_code == 403


def test_a_token_works_for_a_day(client, address):
    SetupToken.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert client.post(address, FORM).status_code == 403


def test_the_token_itself_is_not_stored(address):
    token = address.partition("=")[2]
    assert token not in str(SetupToken.objects.values())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password1": "short", "password2": "short"}, "at least 15 characters"),
        ({"password1": "password1234", "password2": "password1234"}, "too common"),
        ({"password2": "another long secret"}, "match"),
        ({"username": ""}, "required"),
        ({"username": "a b"}, "valid username"),
    ],
)
def test_a_form_that_will_not_do_leaves_the_token_usable(client, address, changed, said):
    answer = client.post(address, {**FORM, **changed})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert client.post(address, FORM).status_code == 302


def test_a_name_that_is_taken_leaves_the_token_usable(client, address):
    User.objects.create_user("captain")
    assert "already exists" in client.post(address, FORM).content.decode()
    assert client.post(address, {**FORM, "username": "admiral"}).status_code == 302


def test_a_token_is_used_once(db):
    token = actions.issue_token()
    actions.create_first_administrator(token, "captain", PASSWORD)
    with pytest.raises(TokenRefusedError):
        actions.create_first_administrator(token, "second", PASSWORD)


def test_of_racing_clients_exactly_one_becomes_administrator():
    with stack.running(PILOTHOUSE_ADMIN_USERNAME="", PILOTHOUSE_ADMIN_PASSWORD="") as console:
        found = re.search(r"/setup/\?token=\S+", console.log.read_text())
        assert found is not None
        together, codes = threading.Barrier(12), []

        def race(number: int) -> None:
            browser = console.browser()
            page = browser.page(found[0])
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            form = {**FORM, "username": f"captain{number}", "csrfmiddlewaretoken": token[1] if token else ""}
            together.wait(30)
            answer = browser.post(console.url + found[0], form, timeout=30, allow_redirects=False)
            codes.append(answer.status_code)

        racers = [threading.Thread(target=race, args=(number,)) for number in range(together.parties)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(60)
        made = console.manage(script="from django.contrib.auth.models import User; print(User.objects.count())")
    assert codes.count(302) == 1
    assert set(codes) <= {302, 403, 404}
    assert made.split()[-1] == "1"


def test_setup_url_prints_a_working_address_until_there_is_an_administrator(client, db):
    printed = StringIO()
    call_command("setup_url", stdout=printed)
    address = printed.getvalue().strip()
    assert address.startswith("http://127.0.0.1:")
    assert client.post(address, FORM).status_code == 302
    with pytest.raises(CommandError, match="administrator already"):
        call_command("setup_url")


def test_settings_make_the_first_administrator_once(db):
    assert actions.create_administrator_from_settings("captain", PASSWORD)
    assert not actions.create_administrator_from_settings("captain", "changed long secret")
    assert User.objects.get(is_superuser=True).check_password(PASSWORD)


def test_without_settings_nobody_is_made(db):
    assert not actions.create_administrator_from_settings("", "")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("username", "password", "said"),
    [
        ("captain", "short", "at least 15"),
        ("no spaces", PASSWORD, "valid username"),
        ("captain", "", "both"),
        ("", PASSWORD, "both"),
    ],
)
def test_settings_that_will_not_do_are_said(db, username, password, said):
    with pytest.raises(AdministratorRefusedError, match=said):
        actions.create_administrator_from_settings(username, password)


@pytest.mark.django_db(transaction=True)
def test_settings_do_not_promote_somebody_who_exists():
    User.objects.create_user("captain")
    with pytest.raises(AdministratorRefusedError, match="choose another name"):
        actions.create_administrator_from_settings("captain", PASSWORD)
    assert not User.objects.get().is_superuser
