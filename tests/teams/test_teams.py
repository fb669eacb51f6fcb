"""Teams, their members, and that what they give is taken with them at once."""

import pytest
from django.contrib.auth.models import User

from engines import access
from engines.models import Grant, Team
from engines.permissions import Permission, Role
from tests.teams.conftest import told


def test_a_team_is_made_renamed_and_deleted_by_its_name(admin):
    assert "Make the first team" in admin.get("/teams/").content.decode()
    admin.post("/teams/add/", {"name": "ops", "sso_group": "docker-ops"})
    team = Team.objects.get()
    assert told("team.create") == {"name": "ops", "sso_group": "docker-ops"}
    admin.post(f"/teams/{team.pk}/edit/", {"name": "operations", "sso_group": ""})
    team.refresh_from_db()
    assert (team.name, team.sso_group) == ("operations", "")
    assert told("team.edit") == {"name": "operations", "sso_group": ""}
    assert admin.post(f"/teams/{team.pk}/delete/", {"confirm": "ops"}).status_code == 422
    assert admin.post(f"/teams/{team.pk}/delete/", {"confirm": "operations"}).status_code == 302
    assert not Team.objects.exists() and told("team.delete") == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": ""}, "name"), ({"name": "OPS"}, "name"), ({"name": "x" * 65}, "name"), ({"name": "a\tb"}, "name")],
)
def test_what_is_wrong_with_a_team_is_told_at_its_field(admin, ops, fields, field):
    other = Team.objects.create(name="other")
    for path in ("/teams/add/", f"/teams/{other.pk}/edit/"):
        answer = admin.post(path, {"sso_group": "kept", **fields})
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [field]
        assert 'value="kept"' in answer.content.decode()
    assert Team.objects.count() == 2


def test_fields_that_the_form_has_not_change_nothing(admin, ops, ann):
    admin.post(f"/teams/{ops.pk}/edit/", {"name": "ops", "members": [ann.pk], "grants": "1", "id": "7"})
    assert list(Team.objects.values_list("pk", "name")) == [(ops.pk, "ops")] and not ops.members.exists()


def test_members_hold_what_the_team_is_granted_and_only_while_they_are_members(admin, ops, ann, engine):
    Grant.objects.create(team=ops, engine=engine, role=Role.OPERATOR)
    admin.post(f"/teams/{ops.pk}/members/add/", {"person": ann.pk})
    assert access.can(ann, Permission.CONTAINER_STOP, engine)
    assert told("team.member-add") == {"user": "ann", "source": "by hand"}
    assert "ann" in admin.get(f"/teams/{ops.pk}/").content.decode()
    admin.post(f"/teams/{ops.pk}/members/{ann.pk}/remove/")
    assert not access.can(ann, Permission.CONTAINER_STOP, engine)
    assert told("team.member-remove") == {"user": "ann", "source": "by hand"}


def test_deleting_a_team_takes_what_it_gave(admin, ops, ann, engine):
    ops.members.add(ann)
    Grant.objects.create(team=ops, engine=engine, role=Role.OPERATOR)
    admin.post(f"/teams/{ops.pk}/delete/", {"confirm": "ops"})
    assert not access.visible_engines(ann).exists() and User.objects.filter(pk=ann.pk).exists()


def test_who_cannot_be_added_is_told_at_the_field(admin, ops, ann):
    gone = User.objects.create_user("gone", is_active=False)
    ops.members.add(ann)
    for person in ("", "999999", "x", ann.pk, gone.pk):
        answer = admin.post(f"/teams/{ops.pk}/members/add/", {"person": person})
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["person"]
    assert list(ops.members.all()) == [ann]


def test_who_does_not_exist_is_not_found(admin, ops, ann):
    for path in ("/teams/999/members/add/", f"/teams/{ops.pk}/members/999999/remove/", "/teams/999/edit/"):
        assert admin.post(path, {"person": ann.pk, "name": "x"}).status_code == 404
