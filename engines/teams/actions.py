"""Changes of teams, members and grants. Know no HTTP. What they give and take holds at once."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import F

from engines import hints
from engines.models import Grant, Team
from engines.permissions import Role
from engines.teams import queries
from engines.teams.types import Gift
from engines.trail import write as trail

#: Of members that a person added or removed here, rather than single sign-on.
_BY_HAND = "by hand"


class Refused(trail.NotDone):
    """The change was not made; the message is one sentence for the person."""


class Outrun(Refused):
    """Somebody else changed it first."""


def create(name: str, sso_group: str, *, by: User) -> Team:
    """A new team without members. Raises Refused."""
    with trail.act("team.create", by=by, subject=name, parameters={"name": name, "sso_group": sso_group}):
        try:
            with transaction.atomic():
                return Team.objects.create(name=name, sso_group=sso_group)
        except IntegrityError as error:
            raise Refused("A team with this name was made a moment ago.") from error


def edit(team: Team, name: str, sso_group: str, *, by: User) -> None:
    """Raises Refused."""
    with trail.act("team.edit", by=by, subject=team.name, parameters={"name": name, "sso_group": sso_group}):
        try:
            with transaction.atomic():
                found = Team.objects.filter(pk=team.pk).update(name=name, sso_group=sso_group)
        except IntegrityError as error:
            raise Refused("A team with this name was made a moment ago.") from error
        if not found:
            raise Refused("The team was deleted a moment ago.")


def delete(team: Team, *, by: User) -> None:
    """Its members lose what it was granted; they stay."""
    with trail.act("team.delete", by=by, subject=team.name):
        Team.objects.filter(pk=team.pk).delete()
    hints.tell(hints.announce_access)


def add_member(team: Team, person: User, *, by: User) -> None:
    """`person` gets what the team was granted."""
    parameters = {"user": person.get_username(), "source": _BY_HAND}
    with trail.act("team.member-add", by=by, subject=team.name, parameters=parameters):
        team.members.add(person)
    hints.tell(hints.announce_access)


def remove_member(team: Team, person: User, *, by: User) -> None:
    """`person` keeps only what comes from elsewhere."""
    parameters = {"user": person.get_username(), "source": _BY_HAND}
    with trail.act("team.member-remove", by=by, subject=team.name, parameters=parameters):
        team.members.remove(person)
    hints.tell(hints.announce_access)


def grant(gift: Gift, *, by: User) -> Grant:
    """A new grant. Raises Refused when there is one for the same holder on the same thing, or one of them is gone."""
    made = Grant(**gift.to, **gift.on, role=gift.role, expires_at=gift.expires_at)
    try:
        engine, on, told = made.engine, _on(made), _told(made)
    except ObjectDoesNotExist as error:
        raise Refused("One of the two was removed a moment ago.") from error
    with trail.act("grant.create", by=by, engine=engine, subject=on, parameters=told):
        try:
            with transaction.atomic():
                made.save()
        except IntegrityError as error:
            raise Refused("Somebody granted a role there a moment ago, or removed one of the two.") from error
    hints.tell(hints.announce_access)
    return made


def regrant(found: Grant, role: Role, expires_at: datetime | None, *, version: int, by: User) -> None:
    """Change a grant that is still as it was in `version`. Raises Outrun when it is not."""
    found.role, found.expires_at = role, expires_at
    with trail.act("grant.edit", by=by, engine=found.engine, subject=_on(found), parameters=_told(found)):
        same = Grant.objects.filter(pk=found.pk, version=version)
        if not same.update(role=role, expires_at=expires_at, version=F("version") + 1):
            raise Outrun(_as_it_is(found.pk))
    hints.tell(hints.announce_access)


def withdraw(found: Grant, *, by: User) -> None:
    """Take a grant back."""
    told = {name: value for name, value in _told(found).items() if name != "expires_at"}
    with trail.act("grant.delete", by=by, engine=found.engine, subject=_on(found), parameters=told):
        Grant.objects.filter(pk=found.pk).delete()
    hints.tell(hints.announce_access)


def _as_it_is(pk: int) -> str:
    now = queries.grants().filter(pk=pk).first()
    if now is None:
        return "Somebody removed this grant meanwhile: nothing was changed."
    until = f" until {now.expires_at:%Y-%m-%d %H:%M} UTC" if now.expires_at else ""
    role = Role(now.role).name.lower()
    return f"Somebody changed this grant meanwhile: it is {role}{until} now. Nothing of yours was stored; look again."


def _on(found: Grant) -> str:
    return f"tag {found.tag}" if found.tag else str(found.engine)


def _told(found: Grant) -> dict[str, object]:
    return {
        "to": f"team {found.team}" if found.team else str(found.user),
        "role": Role(found.role).name.lower(),
        "expires_at": found.expires_at.isoformat() if found.expires_at else "",
    }
