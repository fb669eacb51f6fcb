"""How the first administrator comes to be: by a one-time token, or by the operator's settings."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from engines import hints
from engines.accounts import queries
from engines.models import AccessPolicy, SetupToken
from engines.trail import write as trail

#: How long a printed set-up address works.
TOKEN_LIFE = timedelta(hours=24)


class TokenRefusedError(Exception):
    """The token is unknown, used, too old, or somebody else was first."""


class AdministratorRefusedError(Exception):
    """The settings name an administrator who cannot be made. Carries one sentence."""


@transaction.atomic
def issue_token() -> str:
    """A new set-up token, printed once and stored as a digest. Earlier ones stop working."""
    SetupToken.objects.all().delete()
    token = secrets.token_urlsafe(32)
    SetupToken.objects.create(digest=_digest(token))
    return token


def token_works(token: str) -> bool:
    """Whether `token` can still make the first administrator. For showing the form; using it decides again."""
    return _claimable(token).exists()


@transaction.atomic
def create_first_administrator(token: str, username: str, password: str) -> User:
    """Use up `token` and create the administrator. Of several who race exactly one succeeds.

    Raises TokenRefusedError.
    """
    # The row is claimed first: the database lets one of two racing updates match it.
    if _claimable(token).update(used_at=timezone.now()) != 1 or queries.administrator_exists():
        raise TokenRefusedError
    made = User.objects.create_superuser(username, password=password)
    trail.note("user.create", by=made, subject=username, parameters={"administrator": True})
    return made


def create_administrator_from_settings(username: str, password: str) -> bool:
    """Create the administrator whom the settings name, unless there is one. Whether it was created.

    Raises AdministratorRefusedError when one of the two is missing, the password is too weak or the name is taken.
    """
    if not (username or password) or queries.administrator_exists():
        return False
    if not (username and password):
        raise AdministratorRefusedError("Set both PILOTHOUSE_ADMIN_USERNAME and PILOTHOUSE_ADMIN_PASSWORD, or neither.")
    user = User(username=username, is_staff=True, is_superuser=True)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise AdministratorRefusedError(
            f"PILOTHOUSE_ADMIN_USERNAME and PILOTHOUSE_ADMIN_PASSWORD: {' '.join(error.messages)}"
        ) from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            trail.note("user.create", by=None, subject=username, parameters={"administrator": True})
    except IntegrityError as error:
        raise AdministratorRefusedError(
            f"PILOTHOUSE_ADMIN_USERNAME: {username} exists and is not an administrator; choose another name."
        ) from error
    return True


def ask_second_factor(of: int, *, by: User) -> None:
    """From now on people of rank `of` and above hold nothing until they have a second factor."""
    named = AccessPolicy(second_factor_from=of).get_second_factor_from_display()
    with trail.act("policy.edit", by=by, subject="second factor", parameters={"second_factor_from": named}):
        AccessPolicy.objects.update_or_create(pk=1, defaults={"second_factor_from": of})
    hints.tell(hints.announce_access)


def _claimable(token: str) -> QuerySet[SetupToken]:
    youngest = timezone.now() - TOKEN_LIFE
    return SetupToken.objects.filter(digest=_digest(token), used_at=None, created_at__gt=youngest)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
