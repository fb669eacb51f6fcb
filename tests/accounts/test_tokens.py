"""Personal API tokens: shown once, stored as a digest, and never more than their owner."""

import re
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from engines import access
from engines.accounts import tokens
from engines.models import AccessPolicy, ApiToken, AuditEntry, Engine, Grant
from engines.permissions import Permission, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def enter(client, cast):
    def make(name: str):
        client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return make


def made(person: User, role: Role = Role.MANAGER, engines: list[Engine] | None = None, days: float = 1) -> str:
    expires = timezone.now() + timedelta(days=days)
    return tokens.create(by=person, name=f"for {role.name} {days}", role=role, engines=engines, expires_at=expires)


def row(text: str) -> ApiToken:
    found = tokens.person_of_token(text)
    assert found
    return found[1]


def shown(response) -> str:
    return re.search(r"pilot_[\w-]{43}", response.content.decode())[0]


def test_a_token_is_shown_once_and_stored_as_a_digest(enter, cast, engine):
    client = enter("builder")
    fields = {"name": "deploy", "role": Role.OPERATOR.value, "days": 30, "engines": [engine.pk]}
    response = client.post("/accounts/tokens/add/", fields)
    token = shown(response)
    assert "no-store" in response["Cache-Control"]
    assert tokens.person_of_token(token)[0] == cast["builder"]
    assert not ApiToken.objects.filter(digest__contains=token).exists()
    page = client.get("/accounts/tokens/").content.decode()
    assert token not in page
    assert token[:10] in page
    assert all(token not in str(entry.parameters) for entry in AuditEntry.objects.all())
    assert AuditEntry.objects.filter(act="token.create", outcome="SUCCEEDED").count() == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "required"),
        ({"role": Role.MANAGER.value}, "not one of the available"),
        ({"days": 366}, "less than or equal to 365"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"engines": []}, "Choose the engines"),
        ({"engines": [999]}, "not one of the available"),
        ({"every_engine": "on"}, "not both"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(enter, engine, changed, told):
    fields = {"name": "deploy", "role": Role.OPERATOR.value, "days": 30, "engines": [engine.pk], **changed}
    response = enter("builder").post("/accounts/tokens/add/", fields)
    assert response.status_code == 422
    assert told in response.content.decode()
    assert not ApiToken.objects.exists()


def test_an_engine_one_may_not_see_cannot_be_chosen(enter, engine):
    hidden = Engine.objects.create(name="Hidden", slug="hidden", url="unix:///run/hidden.sock")
    fields = {"name": "deploy", "role": Role.VIEWER.value, "days": 1, "engines": [hidden.pk]}
    response = enter("builder").post("/accounts/tokens/add/", fields)
    assert response.status_code == 422
    assert b"Hidden" not in response.content


def test_the_same_name_twice_is_refused(enter, cast, engine):
    fields = {"name": "deploy", "role": Role.VIEWER.value, "days": 1, "engines": [engine.pk]}
    client = enter("builder")
    client.post("/accounts/tokens/add/", fields)
    assert "You have a token of this name" in client.post("/accounts/tokens/add/", fields).content.decode()


def test_an_old_login_makes_no_token(enter, cast, engine):
    cast["builder"].set_password("a long enough secret")
    cast["builder"].save()
    client = enter("builder")
    session = client.session
    session["started"] = int(time.time()) - 3600
    session.save()
    fields = {"name": "deploy", "role": Role.VIEWER.value, "days": 1, "engines": [engine.pk]}
    assert "/accounts/confirm/" in client.post("/accounts/tokens/add/", fields)["Location"]
    assert not ApiToken.objects.exists()


def test_a_token_of_another_is_not_there(enter, cast):
    token = row(made(cast["manager"]))
    assert enter("builder").post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_a_revoked_token_opens_nothing(enter, cast, engine):
    text = made(cast["builder"])
    token = row(text)
    enter("builder").post(f"/accounts/tokens/{token.pk}/revoke/")
    assert tokens.person_of_token(text) is None
    assert not access.token_can(token, Permission.ENGINE_VIEW, engine)
    assert AuditEntry.objects.filter(act="token.revoke").exists()


def test_a_token_that_is_unknown_ended_or_of_somebody_disabled_is_nobodys(cast):
    assert tokens.person_of_token("pilot_" + "a" * 43) is None
    assert tokens.person_of_token("") is None
    assert tokens.person_of_token("pilot_\ud800") is None
    assert tokens.person_of_token(made(cast["builder"], days=-0.001)) is None
    text = made(cast["viewer"])
    User.objects.filter(pk=cast["viewer"].pk).update(is_active=False)
    assert tokens.person_of_token(text) is None


def test_a_token_of_somebody_who_must_have_a_second_factor_is_nobodys(cast, engine):
    text = made(cast["builder"])
    token = row(text)
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.EVERYBODY)
    assert tokens.person_of_token(text) is None
    assert not access.token_can(token, Permission.ENGINE_VIEW, engine)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", ["viewer", "operator", "builder", "manager", "administrator"])
def test_a_token_holds_what_both_it_and_its_owner_hold(cast, engine, owner, role):
    token = row(made(cast[owner], role))
    for permission in Permission:
        as_owner = access.can(cast[owner], permission, engine)
        weaker = permission in access.ROLE_PERMISSIONS[role]
        assert access.token_can(token, permission, engine) is (as_owner and weaker)


def test_a_token_is_no_stronger_than_its_owner_is_now(cast, engine):
    token = row(made(cast["builder"]))
    assert access.token_can(token, Permission.IMAGE_BUILD, engine)
    Grant.objects.filter(user=cast["builder"]).update(role=Role.VIEWER)
    assert not access.token_can(token, Permission.IMAGE_BUILD, engine)
    assert access.token_can(token, Permission.ENGINE_VIEW, engine)


def test_a_token_for_an_engine_that_is_gone_does_not_open_the_others(cast, engine):
    other = Engine.objects.create(name="Other", slug="other", url="unix:///run/other.sock")
    token = row(made(cast["administrator"], engines=[other]))
    assert access.token_can(token, Permission.ENGINE_VIEW, other)
    assert not access.token_can(token, Permission.ENGINE_VIEW, engine)
    other.delete()
    assert not access.token_can(token, Permission.ENGINE_VIEW, engine)


def test_the_last_use_is_written_once_a_minute_at_most(cast):
    text = made(cast["builder"])
    first = row(text) and ApiToken.objects.get().last_used_at
    row(text)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    row(text)
    assert ApiToken.objects.get().last_used_at > first - timedelta(minutes=1)
