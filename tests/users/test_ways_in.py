"""What ends with a person's access: not logins alone, also links and tokens made before."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from engines.accounts import tokens
from engines.models import AuditEntry, PasswordLink
from engines.permissions import Role
from engines.users import actions, links

pytestmark = pytest.mark.django_db

ENDS = {
    "disabled and enabled again": lambda who, by: [actions.set_enabled(who, on, by=by) for on in (False, True)],
    "logins ended": lambda who, by: actions.end_sessions(who, by=by),
    "factors removed": lambda who, by: actions.remove_factors(who, by=by),
}


def token_of(person) -> str:
    expires = timezone.now() + timedelta(days=1)
    return tokens.create(by=person, name="deploy", role=Role.VIEWER, engines=None, expires_at=expires)


@pytest.mark.parametrize("how", ENDS)
def test_no_link_and_no_token_made_before_opens_anything_after(cast, how):
    link, token = actions.reset(cast["builder"], by=cast["administrator"]), token_of(cast["builder"])
    ENDS[how](cast["builder"], cast["administrator"])
    assert links.person_of(link) is None
    assert tokens.person_of_token(token) is None
    assert AuditEntry.objects.filter(act="token.revoke", subject="builder").exists()


def test_a_link_made_for_an_ordinary_person_is_not_one_of_an_administrator(cast):
    link = actions.reset(cast["builder"], by=cast["administrator"])
    actions.set_administrator(cast["builder"], True, by=cast["administrator"])
    assert links.person_of(link) is None


def test_a_new_password_by_link_ends_tokens_too(cast):
    token = token_of(cast["builder"])
    actions.set_password(actions.reset(cast["builder"], by=cast["administrator"]), "a long enough secret")
    assert tokens.person_of_token(token) is None


def test_a_password_changed_by_oneself_ends_the_link_and_a_wrong_one_is_written_down(client, cast):
    builder = cast["builder"]
    builder.set_password("a long enough secret")
    builder.save()
    client.force_login(builder, backend=settings.AUTHENTICATION_BACKENDS[0])
    actions.reset(builder, by=cast["administrator"])
    fields = {"oldpassword": "wrong", "password1": "another long secret", "password2": "another long secret"}
    client.post("/accounts/password/change/", fields)
    denial = AuditEntry.objects.get(act="password.change")
    assert (denial.outcome, denial.actor_name, denial.parameters) == ("DENIED", "builder", {})
    assert (
        client.post("/accounts/password/change/", fields | {"oldpassword": "a long enough secret"}).status_code == 302
    )
    assert not PasswordLink.objects.filter(user=builder).exists()
