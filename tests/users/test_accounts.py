"""Changes of people's accounts: who may, what ends with them, and that an administrator is left."""

import threading

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from engines.models import AuditEntry, Grant, Team
from engines.permissions import Role
from engines.users import actions
from engines.users.actions import Refused
from tests.users.conftest import PASSWORD

VERBS = ["reset", "disable", "enable", "promote", "demote", "end-sessions", "remove-factors", "delete"]


def told(act: str) -> AuditEntry:
    """The last outcome of `act`."""
    return AuditEntry.objects.filter(act=act, phase="OUTCOME").first()


def logged_in(person: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": person.username, "password": PASSWORD})
    assert client.get("/accounts/profile/").status_code == 200
    return client


def is_in(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_changes_accounts_but_administrators_not_even_their_own(ann, boss, verb):
    client = logged_in(ann)
    for person in (ann, boss):
        fields = {"confirm": person.username, "is_superuser": "1", "administrator": "on"}
        assert client.post(f"/users/{person.pk}/{verb}/", fields).status_code == 403
    ann.refresh_from_db()
    assert (ann.is_superuser, ann.is_staff, ann.is_active) == (False, False, True)
    assert User.objects.filter(pk=boss.pk, is_superuser=True, is_active=True).exists()
    assert AuditEntry.objects.filter(outcome="DENIED", actor_name="ann").count() == 2


@pytest.mark.parametrize("path", ["/users/", "/users/invite/", "/teams/", "/teams/add/", "/grants/add/"])
def test_managers_do_not_see_or_change_the_console_s_people(client, cast, path):
    client.force_login(cast["manager"])
    assert client.get(path).status_code == 403
    fields = {"username": "mine", "administrator": "on", "name": "mine", "to": f"user-{cast['manager'].pk}"}
    assert client.post(path, fields).status_code in {403, 405}
    assert not User.objects.filter(username="mine").exists() and not Team.objects.exists()


def test_fields_that_no_form_has_change_nothing(admin, ann):
    extra = {"is_superuser": "1", "is_staff": "1", "password": "x", "user_permissions": "1", "groups": "1", "id": "1"}
    before = User.objects.values().get(pk=ann.pk)
    for verb in ("enable", "end-sessions", "remove-factors", "reset"):
        admin.post(f"/users/{ann.pk}/{verb}/", extra)
    assert User.objects.values().get(pk=ann.pk) == before
    admin.post("/users/invite/", {"username": "new", **extra})
    new = User.objects.get(username="new")
    assert (new.is_superuser, new.is_staff, new.has_usable_password()) == (False, False, False)


def test_disabling_ends_all_logins_for_good(admin, ann):
    page, other = logged_in(ann), logged_in(ann)
    answer = admin.post(f"/users/{ann.pk}/disable/", follow=True)
    assert "ann is disabled" in answer.content.decode()
    assert not is_in(page) and not is_in(other)
    admin.post(f"/users/{ann.pk}/enable/")
    assert not is_in(page) and not is_in(other)
    assert logged_in(User.objects.get(pk=ann.pk))
    assert (told("user.disable").subject, told("user.enable").outcome) == ("ann", "SUCCEEDED")


def test_ending_the_logins_of_a_person_leaves_the_account(admin, ann):
    page = logged_in(ann)
    admin.post(f"/users/{ann.pk}/end-sessions/")
    assert not is_in(page)
    assert not UserSession.objects.filter(user=ann).exists()
    assert Session.objects.count() == 1
    assert told("user.end-sessions").parameters == {"sessions": 1}


def test_a_lost_second_factor_is_removed_with_all_logins(admin, ann):
    page = logged_in(ann)
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=ann, type=kind, data={})
    assert "Remove second factors" in admin.get(f"/users/{ann.pk}/").content.decode()
    admin.post(f"/users/{ann.pk}/remove-factors/")
    assert not Authenticator.objects.exists() and not is_in(page)
    assert told("factor.reset").parameters == {"type": "recovery_codes, totp"}


def test_an_administrator_is_made_and_unmade(admin, ann, engine):
    admin.post(f"/users/{ann.pk}/promote/")
    page = logged_in(ann)
    assert page.get("/users/").status_code == 200
    admin.post(f"/users/{ann.pk}/demote/")
    assert page.get("/users/").status_code == 403
    assert [entry.parameters for entry in AuditEntry.objects.filter(act="user.administrator", phase="OUTCOME")] == [
        {"administrator": False},
        {"administrator": True},
    ]


def test_deletion_takes_the_typed_name_and_keeps_what_the_person_did(admin, ann, engine):
    Grant.objects.create(user=ann, engine=engine, role=Role.BUILDER)
    page = logged_in(ann)
    refused = admin.post(f"/users/{ann.pk}/delete/", {"confirm": "Ann"})
    assert refused.status_code == 422 and "Type the name exactly: ann" in refused.content.decode()
    admin.post(f"/users/{ann.pk}/disable/")
    assert "ann is deleted." in admin.post(f"/users/{ann.pk}/delete/", {"confirm": "ann"}, follow=True).content.decode()
    assert not User.objects.filter(pk=ann.pk).exists() and not Grant.objects.exists() and not is_in(page)
    assert AuditEntry.objects.filter(subject="ann").exists()


@pytest.mark.parametrize("verb", ["disable", "demote", "delete"])
def test_the_last_administrator_stays(admin, boss, ann, verb):
    # Neither a disabled administrator nor one who never set a password could administer anything.
    User.objects.create_superuser("gone", password=PASSWORD, is_active=False)
    User.objects.create_superuser("invited")
    answer = admin.post(f"/users/{boss.pk}/{verb}/", {"confirm": "boss"}, follow=True)
    assert "This is the last administrator who can log in" in answer.content.decode()
    boss.refresh_from_db()
    assert boss.is_superuser and boss.is_active
    act = {"disable": "user.disable", "demote": "user.administrator", "delete": "user.delete"}[verb]
    assert (told(act).outcome, told(act).actor_name) == ("FAILED", "boss")
    admin.post(f"/users/{ann.pk}/promote/")
    admin.post(f"/users/{boss.pk}/{verb}/", {"confirm": "boss"})
    assert not User.objects.filter(pk=boss.pk, is_superuser=True, is_active=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_remove_each_other_at_once_leave_one(boss):
    both = [boss, User.objects.create_superuser("other", password=PASSWORD)]
    ready, refused = threading.Barrier(2), []

    def remove(by: User, person: User) -> None:
        ready.wait(10)
        try:
            actions.set_administrator(person, False, by=by)
        except Refused as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in (both, both[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert User.objects.filter(is_superuser=True).count() == 1


@pytest.mark.parametrize("verb", [*VERBS, ""])
def test_who_does_not_exist_is_not_found(admin, verb):
    ask = admin.get if verb in {"", "delete"} else admin.post
    assert ask(f"/users/999999/{verb}/".replace("//", "/")).status_code == 404
