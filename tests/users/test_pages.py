"""The list of people, one person's page, and what they may do on an engine and why."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.utils import timezone

from engines import access
from engines.models import AccessPolicy, Engine, Grant, Tag, Team
from engines.permissions import Role


def names(client, query: str = "") -> list[str]:
    return [person.username for person in client.get(f"/users/{query}").context["page"]]


def test_the_list_is_narrowed_and_sorted(admin, ann):
    User.objects.create_user("bob")
    User.objects.create_user("cas", is_active=False)
    Team.objects.create(name="harbour hands").members.add(ann)
    assert names(admin) == ["ann", "bob", "boss", "cas"]
    assert names(admin, "?q=AN") == ["ann"] and names(admin, "?q=hands") == ["ann"]
    assert [names(admin, f"?state={state}") for state in ("active", "invited", "disabled")] == [
        ["ann", "boss"],
        ["bob"],
        ["cas"],
    ]
    assert names(admin, "?sort=-username") == ["cas", "boss", "bob", "ann"]
    assert names(admin, "?sort=-last_login")[0] == "boss" or names(admin, "?sort=last_login")[-1] == "boss"
    assert names(admin, "?sort=password&state=nothing") == ["ann", "bob", "boss", "cas"]
    assert "Nobody matches" in admin.get("/users/?q=zzz").content.decode()


def test_the_part_alone_is_given_to_htmx(admin):
    part = admin.get("/users/", headers={"HX-Request": "true"}).content.decode()
    assert "boss" in part and "<html" not in part


def test_a_hundred_people_take_few_queries(admin, django_assert_max_num_queries):
    team = Team.objects.create(name="all")
    for number in range(100):
        team.members.add(User.objects.create_user(f"person-{number}"))
    with django_assert_max_num_queries(20):
        admin.get("/users/")


def test_recovery_codes_alone_are_no_second_factor(admin, ann):
    Authenticator.objects.create(user=ann, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert not admin.get("/users/?q=ann").context["page"][0].factor
    Authenticator.objects.create(user=ann, type=Authenticator.Type.TOTP, data={})
    assert admin.get("/users/?q=ann").context["page"][0].factor


@pytest.fixture
def given(ann, engine) -> Team:
    """Ann is viewer herself, builder by a team on a tag, and was manager until yesterday."""
    tag = Tag.objects.create(name="production")
    engine.tags.add(tag)
    team = Team.objects.create(name="ops")
    team.members.add(ann)
    Grant.objects.create(engine=engine, user=ann, role=Role.VIEWER)
    Grant.objects.create(tag=tag, team=team, role=Role.BUILDER)
    Grant.objects.create(tag=tag, user=ann, role=Role.MANAGER, expires_at=timezone.now() - timedelta(days=1))
    return team


def test_a_person_s_page_says_what_they_may_do_where_and_why(admin, ann, engine, given):
    Engine.objects.create(name="Other", slug="other", url="unix:///o.sock")
    answer = admin.get(f"/users/{ann.pk}/")
    page = " ".join(answer.content.decode().split())
    assert [(one.name, first.role) for one, first, _ in answer.context["engines"]] == [("Harbour", Role.BUILDER)]
    assert f'<a href="/teams/{given.pk}/">team ops</a>, on the tag production' in page
    assert "viewer: granted to the person" in page
    assert "expired" in page


def test_reasons_of_all_engines_at_once_are_those_of_each(ann, boss, engine, given):
    Engine.objects.create(name="Other", slug="other", url="unix:///o.sock")
    for person in (ann, boss, User.objects.create_user("nobody")):
        everywhere = access.reasons_everywhere(person)
        assert everywhere == {one: found for one in Engine.objects.all() if (found := access.reasons(person, one))}
    User.objects.update(is_active=False)
    assert access.reasons_everywhere(boss) == {}


def test_the_table_of_permissions_is_what_access_says(admin, ann, engine, given):
    answer = admin.get(f"/users/{ann.pk}/on/{engine.slug}/")
    lines = {line.permission: line for group in answer.context["groups"] for line in group.lines}
    assert {name for name, line in lines.items() if line.held} == access.held(ann, engine)
    assert lines["image.build"].given_by == "builder"
    assert lines["swarm.change"].given_by == "administrator"
    assert "strongest: decides" in answer.content.decode()


def test_who_must_have_a_second_factor_first_is_shown_to_hold_nothing(admin, boss, ann, engine, given):
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.OPERATORS)
    Authenticator.objects.create(user=boss, type=Authenticator.Type.TOTP, data={})
    answer = admin.get(f"/users/{ann.pk}/on/{engine.slug}/")
    assert "No second factor yet" in answer.content.decode()
    assert not any(line.held for group in answer.context["groups"] for line in group.lines)


def test_who_is_no_administrator_is_offered_no_administration(client, cast):
    client.force_login(cast["manager"])
    assert "Administration" not in client.get("/").content.decode()
    client.force_login(cast["administrator"])
    assert 'href="/users/"' in client.get("/").content.decode()
