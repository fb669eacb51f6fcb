"""Invitations and resets: one address, one use, a day, and no way round anything."""

import html
import re
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from engines.models import AuditEntry, PasswordLink, Team
from engines.users import actions, links
from engines.users.actions import Refused
from tests.users.conftest import PASSWORD

NEW = "another row of odd words"
FORM = {"new_password1": NEW, "new_password2": NEW}


def address(page: str) -> str:
    """The one-time address that the page shows."""
    return html.unescape(re.search(r'<code id="once">([^<]+)</code>', page)[1])


@pytest.fixture
def invited(admin) -> str:
    """The path at which `bob`, just invited, sets a password."""
    page = admin.post("/users/invite/", {"username": "bob"})
    return address(page.content.decode()).removeprefix(settings.PUBLIC_URL)


def test_an_invitation_makes_an_account_that_its_owner_opens(admin, client, invited):
    bob = User.objects.get(username="bob")
    assert not bob.has_usable_password()
    assert "invited" in admin.get("/users/?q=bob").content.decode()
    assert "Password of bob" in client.get(invited).content.decode()
    answer = client.post(invited, FORM)
    # Not logged in by the link: that would go round the second factor.
    assert answer.headers["Location"] == "/accounts/login/"
    assert client.get("/accounts/profile/").status_code == 302
    assert client.login(username="bob", password=NEW)
    assert AuditEntry.objects.get(act="user.create", phase="OUTCOME").parameters == {
        "teams": [],
        "administrator": False,
    }
    used = AuditEntry.objects.get(act="password.link-used", phase="OUTCOME")
    assert (used.actor_name, used.outcome) == ("bob", "SUCCEEDED")


def test_an_invitation_names_teams_and_administrators(admin):
    team = Team.objects.create(name="ops")
    admin.post("/users/invite/", {"username": "bob", "teams": [team.pk], "administrator": "on"})
    bob = User.objects.get(username="bob")
    assert (list(bob.teams.all()), bob.is_superuser, bob.is_staff) == ([team], True, False)


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"username": ""}, "username", "required"),
        ({"username": "BOSS"}, "username", "Somebody has this name."),
        ({"username": "a b"}, "username", "valid username"),
        ({"username": "x" * 151}, "username", "150"),
        ({"username": "a\0b"}, "username", "Null"),
        ({"teams": ["999"]}, "teams", "999"),
        ({"teams": ["x"]}, "teams", "x"),
    ],
)
def test_what_is_wrong_in_an_invitation_is_told_at_its_field(admin, changed, field, said):
    answer = admin.post("/users/invite/", {"username": "bob", **changed})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert said in str(answer.context["form"].errors[field])
    assert User.objects.count() == 1 and not PasswordLink.objects.exists()


def test_the_address_is_shown_once_kept_nowhere_and_built_from_the_settings(admin, invited):
    token = invited.partition("=")[2]
    assert len(token) >= 40
    assert token not in str(list(PasswordLink.objects.values())) + str(list(AuditEntry.objects.values()))
    bob = User.objects.get(username="bob")
    assert token not in admin.get(f"/users/{bob.pk}/").content.decode()
    answer = admin.post(f"/users/{bob.pk}/reset/", headers={"X-Forwarded-Host": "evil.example"})
    assert "no-store" in answer.headers["Cache-Control"]
    assert address(answer.content.decode()).startswith(f"{settings.PUBLIC_URL}/accounts/set-password/?token=")


def test_a_link_works_once(client, invited):
    client.post(invited, FORM)
    assert client.get(invited).status_code == 403
    assert client.post(invited, {"new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 403
    assert User.objects.get(username="bob").check_password(NEW)


@pytest.mark.parametrize("token", ["", "guessed", "\0", "é" * 5000])
def test_without_the_token_nothing_can_be_done(client, invited, token):
    for ask in (client.get, client.post):
        assert ask(f"/accounts/set-password/?token={token}", FORM if ask == client.post else None).status_code == 403
    assert not User.objects.get(username="bob").has_usable_password()


def test_a_link_works_for_a_day(client, invited):
    PasswordLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(invited).status_code == 403
    assert client.post(invited, FORM).status_code == 403


def test_a_link_of_a_disabled_person_does_not_work(admin, client, invited):
    bob = User.objects.get(username="bob")
    admin.post(f"/users/{bob.pk}/disable/")
    assert client.get(invited).status_code == 403
    assert client.post(invited, FORM).status_code == 403
    answer = admin.post(f"/users/{bob.pk}/reset/", follow=True)
    assert "This account is disabled" in answer.content.decode()


def test_a_link_of_a_person_who_is_disabled_meanwhile_is_refused(ann, boss):
    token = links.issue(ann, by=boss)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    with pytest.raises(Refused):
        actions.set_password(token, NEW)
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_a_new_link_replaces_the_earlier_one(admin, client, invited):
    admin.post(f"/users/{User.objects.get(username='bob').pk}/reset/")
    assert client.get(invited).status_code == 403


def test_a_reset_leaves_the_password_until_it_is_used_and_then_ends_all_logins(admin, client, ann):
    page = Client()
    page.force_login(ann)
    answer = admin.post(f"/users/{ann.pk}/reset/").content.decode()
    assert page.get("/accounts/profile/").status_code == 200
    client.post(address(answer).removeprefix(settings.PUBLIC_URL), FORM)
    assert page.get("/accounts/profile/").status_code == 302
    ann.refresh_from_db()
    assert ann.check_password(NEW)


@pytest.mark.parametrize(
    ("administrator", "fields", "said"),
    [
        (False, {"new_password1": "short", "new_password2": "short"}, "at least 12"),
        (True, {"new_password1": "thirteen char", "new_password2": "thirteen char"}, "at least 15"),
        (False, {"new_password1": NEW, "new_password2": PASSWORD}, "match"),
        (False, {"new_password1": "password1234", "new_password2": "password1234"}, "too common"),
        (False, {}, "required"),
    ],
)
def test_the_rules_of_passwords_hold_and_nothing_is_sent_back(admin, client, administrator, fields, said):
    page = admin.post("/users/invite/", {"username": "bob"} | ({"administrator": "on"} if administrator else {}))
    path = address(page.content.decode()).removeprefix(settings.PUBLIC_URL)
    answer = client.post(path, fields)
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not any(f'"{value}"' in answer.content.decode() for value in fields.values())
    assert client.get(path).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_link_at_once_one_is_refused(boss, ann):
    token, ready, done = links.issue(ann, by=boss), threading.Barrier(2), []

    def use(password: str) -> None:
        ready.wait(10)
        try:
            actions.set_password(token, password)
            done.append(password)
        except Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=(f"{NEW} {number}",)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 1
    assert User.objects.get(pk=ann.pk).check_password(done[0])
