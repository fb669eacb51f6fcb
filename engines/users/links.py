"""One-time addresses at which a person sets their password. The token is shown once; only its digest is stored."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from engines.models import PasswordLink

LIFE = timedelta(hours=24)


def issue(person: User, *, by: User) -> str:
    """The token of a new link for `person`. Earlier ones stop working."""
    PasswordLink.objects.filter(user=person).delete()
    token = secrets.token_urlsafe(32)
    PasswordLink.objects.create(
        user=person, digest=_digest(token), expires_at=timezone.now() + LIFE, created_by_name=by.get_username()
    )
    return token


def person_of(token: str) -> User | None:
    """Whose password `token` can set; None when it is wrong, used or old, or they are disabled.

    For showing the page: using it decides again.
    """
    link = PasswordLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=timezone.now())
    return User.objects.filter(password_links__in=link, is_active=True).first()


def claim(token: str) -> bool:
    """Use `token` up. Of several who try at the same time one gets True."""
    # By this row's own columns alone: only those does a database look at again when it has waited for another claim.
    found = PasswordLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=timezone.now())
    return found.update(used_at=timezone.now()) == 1


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
