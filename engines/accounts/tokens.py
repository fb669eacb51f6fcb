"""Personal API tokens: a person's keys for programs. The token itself is shown once; its digest is stored."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from engines import access
from engines.models import ApiToken, Engine
from engines.permissions import Role
from engines.trail import write as trail

#: By which a token is known as one of ours, wherever it turns up.
PREFIX = "pilot_"
LONGEST_DAYS = 365
_HINT_CHARACTERS = len(PREFIX) + 4
#: The time of the last use is late by as much.
_GRAIN = timedelta(minutes=1)


class Refused(trail.NotDone):
    """The token was not made; the message is one sentence for the person."""


def create(*, by: User, name: str, role: Role, engines: Iterable[Engine] | None, expires_at: datetime) -> str:
    """A new token of `by`, for `engines`, or for every engine when None. Raises Refused when the name is taken."""
    token = PREFIX + secrets.token_urlsafe(32)
    chosen = None if engines is None else list(engines)
    parameters = {
        "name": name,
        "role": role.name.lower(),
        "engines": "every engine" if chosen is None else [engine.name for engine in chosen],
        "expires_at": expires_at.isoformat(timespec="seconds"),
    }
    with trail.act("token.create", by=by, subject=str(by), parameters=parameters):
        try:
            with transaction.atomic():
                row = ApiToken.objects.create(
                    user=by,
                    name=name,
                    digest=_digest(token),
                    hint=token[:_HINT_CHARACTERS],
                    role=role,
                    every_engine=chosen is None,
                    expires_at=expires_at,
                )
                row.engines.set(chosen or [])
        except IntegrityError as error:
            raise Refused("You have a token of this name.") from error
    return token


def revoke(token: ApiToken, *, by: User) -> None:
    """End a token: the next call with it is refused."""
    with trail.act("token.revoke", by=by, subject=str(token.user), parameters={"name": token.name}):
        ApiToken.objects.filter(pk=token.pk).delete()


def of_person(person: User) -> list[ApiToken]:
    """All tokens of `person`, newest first."""
    return list(ApiToken.objects.filter(user=person).prefetch_related("engines"))


def person_of_token(text: str) -> tuple[User, ApiToken] | None:
    """Whose token this is, by the rows of now.

    None when there is no such token, it has expired, or its owner is disabled or has to get a second factor first. What
    it opens is `access.token_can`'s to say.
    """
    now = timezone.now()
    token = ApiToken.objects.select_related("user").filter(digest=_digest(text), expires_at__gt=now).first()
    if token is None or not token.user.is_active or access.must_enrol(token.user):
        return None
    unseen = Q(last_used_at=None) | Q(last_used_at__lt=now - _GRAIN)
    ApiToken.objects.filter(unseen, pk=token.pk).update(last_used_at=now)
    return token.user, token


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
