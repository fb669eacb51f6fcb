"""Changes of people's accounts. Know no HTTP. What a person may do follows their rows: it ends with them at once."""

from collections.abc import Collection

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from engines import hints
from engines.models import ApiToken, PasswordLink, Team
from engines.trail import write as trail
from engines.users import links, queries


class Refused(trail.NotDone):
    """The change was not made; the message is one sentence for the person."""


def invite(username: str, *, teams: Collection[Team], administrator: bool, by: User) -> tuple[User, str]:
    """A new person without a password, and the token with which they set one. Raises Refused."""
    parameters = {"teams": sorted(team.name for team in teams), "administrator": administrator}
    with trail.act("user.create", by=by, subject=username, parameters=parameters):
        try:
            with transaction.atomic():
                person = User.objects.create_user(username, is_superuser=administrator)
                person.teams.set(teams)
                token = links.issue(person, by=by)
        except IntegrityError as error:
            raise Refused("Somebody with this name was made a moment ago, or a team was removed.") from error
    return person, token


def reset(person: User, *, by: User) -> str:
    """The token with which `person` can set another password; the one they have works until then. Raises Refused."""
    with trail.act("user.reset", by=by, subject=person.get_username()), transaction.atomic():
        if not User.objects.filter(pk=person.pk, is_active=True).exists():
            raise Refused("This account is disabled: enable it first.")
        return links.issue(person, by=by)


def set_password(token: str, password: str) -> User:
    """Use the link of `token` up, and set the password of its person; all their logins end. Raises Refused."""
    person = links.person_of(token)
    if person is None:
        raise Refused("This address does not work any more.")
    with trail.act("password.link-used", by=person, subject=person.get_username()), transaction.atomic():
        able = User.objects.select_for_update().filter(pk=person.pk, is_active=True).first()
        if able is None or not links.claim(token):
            raise Refused("This address does not work any more.")
        able.set_password(password)
        able.save(update_fields=["password"])
        _end_ways_in(able, able)
    hints.tell(hints.announce_access)
    return able


def set_enabled(person: User, enabled: bool, *, by: User) -> None:
    """A disabled person can do nothing, and all their logins end; their operations are cancelled by their workers.

    Raises Refused for the last administrator.
    """
    act = "user.enable" if enabled else "user.disable"
    with trail.act(act, by=by, subject=person.get_username()), transaction.atomic():
        if not enabled:
            _leave_an_administrator(person)
            _end_ways_in(person, by)
        User.objects.filter(pk=person.pk).update(is_active=enabled)
    hints.tell(hints.announce_access)


def set_administrator(person: User, administrator: bool, *, by: User) -> None:
    """Raises Refused for the last administrator."""
    parameters = {"administrator": administrator}
    with (
        trail.act("user.administrator", by=by, subject=person.get_username(), parameters=parameters),
        transaction.atomic(),
    ):
        if not administrator:
            _leave_an_administrator(person)
        # A link made for somebody else than they are then opens nothing.
        PasswordLink.objects.filter(user=person).delete()
        User.objects.filter(pk=person.pk).update(is_superuser=administrator)
    hints.tell(hints.announce_access)


def end_sessions(person: User, *, by: User) -> int:
    """End all logins of `person`; how many there were."""
    logins: int = UserSession.objects.filter(user=person).count()
    with trail.act("user.end-sessions", by=by, subject=person.get_username(), parameters={"sessions": logins}):
        _end_ways_in(person, by)
    hints.tell(hints.announce_access)
    return logins


def remove_factors(person: User, *, by: User) -> None:
    """For a person who lost theirs: they log in by their password alone, and are asked to add another if they must."""
    factors = Authenticator.objects.filter(user=person)
    parameters = {"type": ", ".join(sorted(factors.values_list("type", flat=True)))}
    with trail.act("factor.reset", by=by, subject=person.get_username(), parameters=parameters), transaction.atomic():
        factors.delete()
        _end_ways_in(person, by)
    hints.tell(hints.announce_access)


def delete(person: User, *, by: User) -> None:
    """Forget `person`, their logins, grants and memberships. What they did stays written down under their name.

    Raises Refused for the last administrator.
    """
    with trail.act("user.delete", by=by, subject=person.get_username()), transaction.atomic():
        _leave_an_administrator(person)
        _end_sessions(person)
        User.objects.filter(pk=person.pk).delete()
    hints.tell(hints.announce_access)


def _leave_an_administrator(person: User) -> None:
    """Raises Refused when nobody else could administer the console. For use inside a transaction."""
    # All are locked, so that of two administrators who remove each other at the same time the later is refused.
    locked = User.objects.select_for_update().filter(is_superuser=True).order_by("pk")
    able = queries.can_log_in().filter(pk__in=[each.pk for each in locked], is_superuser=True)
    if set(able.values_list("pk", flat=True)) == {person.pk}:
        raise Refused("This is the last administrator who can log in: make somebody else one first.")


def _end_sessions(person: User) -> None:
    for login in UserSession.objects.filter(user=person):
        login.end()


def _end_ways_in(person: User, by: User) -> None:
    """All logins, and what could open others: one-time links, and tokens of programs."""
    _end_sessions(person)
    PasswordLink.objects.filter(user=person).delete()
    for token in ApiToken.objects.filter(user=person):
        trail.note("token.revoke", by=by, subject=person.get_username(), parameters={"name": token.name})
        token.delete()
