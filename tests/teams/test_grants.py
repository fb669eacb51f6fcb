"""Grants: one per holder and thing, until their end, and never two people's changes mixed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engines import access
from engines.models import AuditEntry, Engine, Grant, Tag, Team
from engines.permissions import Permission, Role
from engines.teams import actions
from engines.teams.actions import Refused
from engines.teams.types import Gift
from tests.teams.conftest import told

ADD = "/grants/add/"


@pytest.fixture
def tag(engine) -> Tag:
    made = Tag.objects.create(name="production")
    engine.tags.add(made)
    return made


def test_a_role_is_granted_to_a_person_on_an_engine(admin, ann, engine):
    page = admin.get(f"{ADD}?to=user-{ann.pk}&on=engine-{engine.pk}").content.decode()
    assert (
        f'<option value="user-{ann.pk}" selected>' in page and f'<option value="engine-{engine.pk}" selected>' in page
    )
    answer = admin.post(ADD, {"to": f"user-{ann.pk}", "on": f"engine-{engine.pk}", "role": "20"}, follow=True)
    assert answer.redirect_chain == [(f"/users/{ann.pk}/", 302)]
    assert "Granted: ann: operator on Harbour." in answer.content.decode()
    assert access.can(ann, Permission.CONTAINER_STOP, engine) and not access.can(ann, Permission.IMAGE_BUILD, engine)
    assert told("grant.create") == {"to": "ann", "role": "operator", "expires_at": ""}
    entry = AuditEntry.objects.filter(act="grant.create").first()
    assert (entry.engine_name, entry.subject) == ("Harbour", "Harbour")


def test_a_role_granted_to_a_team_on_a_tag_holds_on_every_engine_that_carries_it(admin, ann, ops, engine, tag):
    ops.members.add(ann)
    admin.post(ADD, {"to": f"team-{ops.pk}", "on": f"tag-{tag.pk}", "role": "30"})
    later = Engine.objects.create(name="Later", slug="later", url="unix:///l.sock")
    assert access.can(ann, Permission.IMAGE_BUILD, engine) and not access.can(ann, Permission.IMAGE_BUILD, later)
    later.tags.add(tag)
    assert access.can(ann, Permission.IMAGE_BUILD, later)
    assert told("grant.create") == {"to": "team ops", "role": "builder", "expires_at": ""}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"to": ""}, "to"),
        ({"to": "user-999999"}, "to"),
        ({"to": "team-1x"}, "to"),
        ({"to": "engine-1"}, "to"),
        ({"to": "GONE"}, "to"),
        ({"on": ""}, "on"),
        ({"on": "engine-999999"}, "on"),
        ({"on": "tag-999999"}, "on"),
        ({"on": "user-1"}, "on"),
        ({"role": ""}, "role"),
        ({"role": "100"}, "role"),
        ({"role": "15"}, "role"),
        ({"role": "manager"}, "role"),
        ({"expires_at": "yesterday"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00"}, "expires_at"),
        ({"expires_at": "2999-13-01T00:00"}, "expires_at"),
    ],
)
def test_what_is_wrong_in_a_grant_is_told_at_its_field_and_the_rest_kept(admin, ann, engine, changed, field):
    gone = User.objects.create_user("gone", is_active=False)
    fields = {"to": f"user-{ann.pk}", "on": f"engine-{engine.pk}", "role": "20", "expires_at": ""} | changed
    fields["to"] = fields["to"].replace("GONE", f"user-{gone.pk}")
    answer = admin.post(ADD, fields)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Grant.objects.exists()
    kept = fields["to"] if field != "to" else fields["on"]
    assert f'value="{kept}" selected' in answer.content.decode()


def test_a_second_grant_for_the_same_on_the_same_is_told_at_its_field(admin, ann, ops, engine, tag):
    for to in (f"user-{ann.pk}", f"team-{ops.pk}"):
        for on in (f"engine-{engine.pk}", f"tag-{tag.pk}"):
            assert admin.post(ADD, {"to": to, "on": on, "role": "10"}).status_code == 302
            answer = admin.post(ADD, {"to": to, "on": on, "role": "40"})
            assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["on"])
    assert list(Grant.objects.values_list("role", flat=True)) == [10] * 4


def test_one_who_was_a_moment_later_is_refused_with_a_sentence(ann, engine):
    gift = Gift({"user_id": ann.pk}, {"engine_id": engine.pk}, Role.MANAGER)
    actions.grant(gift, by=ann)
    with pytest.raises(Refused, match="a moment ago"):
        actions.grant(gift, by=ann)
    assert AuditEntry.objects.first().outcome == "FAILED"


def test_what_was_removed_meanwhile_is_granted_nothing(ann, ops, engine):
    for gone in (
        Gift({"user_id": 999999}, {"engine_id": engine.pk}, Role.MANAGER),
        Gift({"team_id": ops.pk}, {"tag_id": 999999}, Role.MANAGER),
        Gift({"team_id": ops.pk}, {"engine_id": 999999}, Role.MANAGER),
    ):
        with pytest.raises(Refused, match="removed a moment ago"):
            actions.grant(gone, by=ann)
    assert not Grant.objects.exists()


def test_a_grant_ends_by_itself_and_is_shown_as_expired(admin, ann, engine):
    soon = timezone.now() + timedelta(hours=1)
    admin.post(
        ADD,
        {"to": f"user-{ann.pk}", "on": f"engine-{engine.pk}", "role": "20", "expires_at": f"{soon:%Y-%m-%dT%H:%M}"},
    )
    assert access.can(ann, Permission.CONTAINER_STOP, engine)
    assert "UTC" in admin.get(f"/engines/{engine.slug}/access/").content.decode()
    Grant.objects.update(expires_at=timezone.now())
    assert not access.can(ann, Permission.CONTAINER_STOP, engine)
    for path in (f"/users/{ann.pk}/", f"/engines/{engine.slug}/access/"):
        assert "expired" in admin.get(path).content.decode()
    assert "ann" not in [
        person.username for person, _, _ in admin.get(f"/engines/{engine.slug}/access/").context["reachers"]
    ]


@pytest.fixture
def granted(ann, engine) -> Grant:
    return Grant.objects.create(user=ann, engine=engine, role=Role.VIEWER)


def test_a_grant_is_changed(admin, granted):
    path = f"/grants/{granted.pk}/edit/"
    version = admin.get(path).context["form"]["version"].value()
    assert admin.post(path, {"role": "30", "version": version}).status_code == 302
    granted.refresh_from_db()
    assert (granted.role, granted.version) == (30, 2)
    assert told("grant.edit") == {"to": "ann", "role": "builder", "expires_at": ""}


def test_of_two_who_change_one_grant_the_later_is_told_what_it_is_now(admin, granted):
    path = f"/grants/{granted.pk}/edit/"
    admin.post(path, {"role": "10", "version": 1})
    answer = admin.post(path, {"role": "40", "version": 1})
    assert answer.status_code == 409
    assert "Somebody changed this grant meanwhile: it is viewer now." in answer.content.decode()
    granted.refresh_from_db()
    assert granted.role == Role.VIEWER
    assert AuditEntry.objects.filter(act="grant.edit").first().outcome == "FAILED"
    # Sending it again without looking changes nothing either.
    assert admin.post(path, {"role": "40", "version": 1}).status_code == 409


@pytest.mark.parametrize("fields", [{"role": "99", "version": "1"}, {"role": "40"}, {"role": "40", "version": "x"}])
def test_a_change_that_is_not_complete_changes_nothing(admin, granted, fields):
    assert admin.post(f"/grants/{granted.pk}/edit/", fields).status_code == 422
    granted.refresh_from_db()
    assert (granted.role, granted.version) == (10, 1)


def test_a_change_moves_no_grant_to_others(admin, granted, ops, tag):
    fields = {
        "role": "20",
        "version": "1",
        "team": ops.pk,
        "tag": tag.pk,
        "to": f"team-{ops.pk}",
        "on": f"tag-{tag.pk}",
    }
    admin.post(f"/grants/{granted.pk}/edit/", fields)
    now = Grant.objects.get()
    assert (now.user_id, now.engine_id, now.team_id, now.tag_id) == (granted.user_id, granted.engine_id, None, None)


def test_a_grant_is_taken_back_at_once(admin, ann, granted, engine):
    assert access.can(ann, Permission.ENGINE_VIEW, engine)
    admin.post(f"/grants/{granted.pk}/remove/")
    assert not access.can(ann, Permission.ENGINE_VIEW, engine)
    assert told("grant.delete") == {"to": "ann", "role": "viewer"}
    assert admin.post(f"/grants/{granted.pk}/remove/").status_code == 404


def test_nobody_grants_themselves_anything(client, cast, engine):
    for name in ("viewer", "manager"):
        person = cast[name]
        own = Grant.objects.get(user=person)
        client.force_login(person)
        for path in (ADD, f"/grants/{own.pk}/edit/", f"/grants/{own.pk}/remove/"):
            fields = {"to": f"user-{person.pk}", "on": f"engine-{engine.pk}", "role": "40", "version": "1"}
            assert client.post(path, fields).status_code == 403
        own.refresh_from_db()
        assert own.role == Role[name.upper()]
    assert Grant.objects.count() == 4


def test_a_manager_sees_who_reaches_the_engine_and_changes_nothing(client, cast, engine, tag):
    team = Team.objects.create(name="ops")
    team.members.add(cast["viewer"])
    Grant.objects.create(team=team, tag=tag, role=Role.BUILDER)
    client.force_login(cast["manager"])
    answer = client.get(f"/engines/{engine.slug}/access/")
    page = " ".join(answer.content.decode().split())
    assert [(person.username, first.role.name) for person, first, _ in answer.context["reachers"]] == [
        ("administrator", "MANAGER"),
        ("builder", "BUILDER"),
        ("manager", "MANAGER"),
        ("operator", "OPERATOR"),
        ("viewer", "BUILDER"),
    ]
    assert "team ops, on the tag production" in page and "stranger" not in page
    assert "/grants/" not in page and "/users/" not in page and "/teams/" not in page
    assert f"/engines/{engine.slug}/access/" in client.get(f"/engines/{engine.slug}/").content.decode()
    client.force_login(cast["administrator"])
    assert "/grants/" in client.get(f"/engines/{engine.slug}/access/").content.decode()
