"""The one place that answers who may do what where."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.utils import timezone

from engines import access
from engines.models import Engine, Grant, Tag, Team
from engines.permissions import ROLE_PERMISSIONS, Permission, Role


@pytest.mark.parametrize("permission", list(Permission))
def test_everybody_holds_exactly_what_their_role_says(cast, engine, permission):
    for role in Role:
        expected = permission in ROLE_PERMISSIONS[role]
        assert access.can(cast[role.name.lower()], permission, engine) is expected
    assert access.can(cast["administrator"], permission, engine) is True
    assert access.can(cast["stranger"], permission, engine) is False
    assert access.can(AnonymousUser(), permission, engine) is False


def test_a_stranger_sees_no_engine_and_a_viewer_only_the_granted_one(cast, engine):
    other = Engine.objects.create(name="Other", slug="other", url="unix:///run/other.sock")
    assert not access.visible_engines(cast["stranger"]).exists()
    assert list(access.visible_engines(cast["viewer"])) == [engine]
    assert list(access.visible_engines(cast["administrator"])) == [engine, other]
    assert not access.can(cast["manager"], Permission.ENGINE_VIEW, other)


def test_the_strongest_of_own_and_team_grants_counts_and_an_engine_is_listed_once(cast, engine):
    team = Team.objects.create(name="Dockers")
    team.members.add(cast["viewer"])
    Grant.objects.create(engine=engine, team=team, role=Role.BUILDER)
    assert access.can(cast["viewer"], Permission.IMAGE_BUILD, engine)
    assert access.visible_engines(cast["viewer"]).count() == 1


def test_an_expired_grant_gives_nothing(cast, engine):
    Grant.objects.filter(user=cast["manager"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not access.can(cast["manager"], Permission.ENGINE_VIEW, engine)
    assert not access.visible_engines(cast["manager"]).exists()


@pytest.mark.parametrize("name", ["manager", "administrator"])
def test_a_person_disabled_a_moment_ago_is_refused_though_the_caller_holds_the_old_row(cast, engine, name):
    stale = cast[name]
    User.objects.filter(pk=stale.pk).update(is_active=False)
    assert not access.can(stale, Permission.ENGINE_VIEW, engine)
    assert not access.visible_engines(stale).exists()


def test_a_grant_names_a_team_or_a_user_never_both_or_neither(cast, engine):
    team = Team.objects.create(name="Dockers")
    for holder in ({}, {"team": team, "user": cast["stranger"]}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.create(engine=engine, role=Role.VIEWER, **holder)


def test_roles_are_of_the_engines_that_are_seen_and_the_strongest_each(cast, engine):
    other, third = (
        Engine.objects.create(name=name, slug=name, url=f"unix:///run/{name}.sock") for name in ("other", "third")
    )
    tag = Tag.objects.create(name="production")
    other.tags.add(tag)
    engine.tags.add(tag)
    team = Team.objects.create(name="Dockers")
    team.members.add(cast["viewer"], cast["manager"])
    Grant.objects.create(tag=tag, team=team, role=Role.OPERATOR)
    Grant.objects.create(tag=Tag.objects.create(name="nowhere"), user=cast["viewer"], role=Role.MANAGER)
    Grant.objects.create(
        engine=third, user=cast["viewer"], role=Role.MANAGER, expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert access.roles(cast["viewer"]) == {engine.pk: Role.OPERATOR, other.pk: Role.OPERATOR}
    assert access.roles(cast["manager"]) == {engine.pk: Role.MANAGER, other.pk: Role.OPERATOR}
    assert access.roles(AnonymousUser()) == access.roles(cast["stranger"]) == {}
    for person in cast.values():
        assert set(access.roles(person)) == set(access.visible_engines(person).values_list("pk", flat=True))
        for pk, role in access.roles(person).items():
            assert ROLE_PERMISSIONS[role] <= access.held(person, Engine.objects.get(pk=pk))
