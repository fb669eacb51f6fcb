"""Why somebody may do something: tags, teams, several grants at once, and the second factor that may be asked."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from engines import access
from engines.models import AccessPolicy, Engine, Grant, Tag, Team
from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role


@pytest.fixture
def production(engine) -> Tag:
    tag = Tag.objects.create(name="production")
    engine.tags.add(tag)
    return tag


@pytest.fixture
def dockers(cast) -> Team:
    team = Team.objects.create(name="Dockers")
    team.members.add(cast["stranger"])
    return team


def told(user: User, engine: Engine) -> list[tuple[Role, str]]:
    return [(reason.role, str(reason)) for reason in access.reasons(user, engine)]


def test_a_grant_on_a_tag_holds_on_every_engine_that_carries_it_and_no_other(cast, engine, production, dockers):
    other = Engine.objects.create(name="Other", slug="other", url="unix:///run/other.sock")
    Grant.objects.create(tag=production, team=dockers, role=Role.OPERATOR)
    assert access.can(cast["stranger"], Permission.CONTAINER_STOP, engine)
    assert list(access.visible_engines(cast["stranger"])) == [engine]
    other.tags.add(production)
    assert access.visible_engines(cast["stranger"]).count() == 2
    engine.tags.clear()
    assert not access.can(cast["stranger"], Permission.ENGINE_VIEW, engine)


def test_all_reasons_are_told_and_the_strongest_first(cast, engine, production, dockers):
    Grant.objects.create(tag=production, team=dockers, role=Role.OPERATOR)
    Grant.objects.create(engine=engine, user=cast["stranger"], role=Role.BUILDER)
    past = timezone.now() - timedelta(seconds=1)
    Grant.objects.create(engine=engine, team=dockers, role=Role.MANAGER, expires_at=past)
    assert told(cast["stranger"], engine) == [
        (Role.BUILDER, "granted to the person"),
        (Role.OPERATOR, "team Dockers, on the tag production"),
    ]
    assert access.held(cast["stranger"], engine) == ROLE_PERMISSIONS[Role.BUILDER]


def test_an_administrator_holds_all_of_it_and_the_reason_says_so(cast, engine):
    assert told(cast["administrator"], engine) == [(Role.MANAGER, "administrator of the console")]
    assert access.held(cast["administrator"], engine) == ROLE_PERMISSIONS[Role.MANAGER] | CONSOLE_PERMISSIONS


def test_who_reaches_an_engine_is_everybody_with_a_role_and_nobody_disabled(cast, engine, production, dockers):
    Grant.objects.create(tag=production, team=dockers, role=Role.OPERATOR)
    User.objects.filter(pk=cast["builder"].pk).update(is_active=False)
    reached = {user.username: str(why[0]) for user, why in access.reachers(engine)}
    assert list(reached) == ["administrator", "manager", "operator", "stranger", "viewer"]
    assert reached["stranger"] == "team Dockers, on the tag production"


def test_what_the_page_says_of_reaching_is_what_is_decided(cast, engine, production, dockers):
    Grant.objects.create(tag=production, team=dockers, role=Role.VIEWER)
    reach = {user for user, _ in access.reachers(engine)}
    for user in User.objects.all():
        assert (user in reach) is access.can(user, Permission.ENGINE_VIEW, engine)


@pytest.mark.parametrize("asked", list(AccessPolicy.From))
def test_without_the_second_factor_the_policy_asks_nothing_is_held(cast, engine, asked):
    AccessPolicy.objects.create(second_factor_from=asked)
    for name, person in cast.items():
        lacks = access.rank(person) >= asked
        assert access.must_enrol(person) is lacks, name
        if lacks:
            assert not access.can(person, Permission.ENGINE_VIEW, engine)
            assert not access.can(person, Permission.CONSOLE_ACCESS)
            assert not access.visible_engines(person).exists()
            assert access.held(person, engine) == frozenset()


def test_a_second_factor_opens_what_the_role_says_and_recovery_codes_alone_do_not(cast, engine):
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.EVERYBODY)
    Authenticator.objects.create(user=cast["viewer"], type=Authenticator.Type.RECOVERY_CODES, data={})
    assert access.must_enrol(cast["viewer"])
    Authenticator.objects.create(user=cast["viewer"], type=Authenticator.Type.TOTP, data={})
    assert not access.must_enrol(cast["viewer"])
    assert access.can(cast["viewer"], Permission.ENGINE_VIEW, engine)


@pytest.mark.parametrize("where", [{}, {"engine": True, "tag": True}])
def test_a_grant_is_on_an_engine_or_on_a_tag_never_on_both_or_neither(cast, engine, production, where):
    target = {name: {"engine": engine, "tag": production}[name] for name in where}
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=cast["stranger"], role=Role.VIEWER, **target)
