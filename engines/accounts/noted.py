"""Logins and logouts, as Django and allauth tell of them, into the audit trail."""

import time
from typing import Any, cast

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from allauth.socialaccount.signals import social_account_added
from django.conf import settings
from django.contrib.auth import signals as django
from django.contrib.auth.models import User
from django.http import HttpRequest

from engines.trail import write as trail
from engines.web.origin import via_session
from engines.web.recent import STARTED

_METHODS = {"totp": "code", "recovery_codes": "recovery code", "webauthn": "passkey", "socialaccount": "single sign-on"}


def connect() -> None:
    """Listen from now on."""
    django.user_logged_in.connect(_begun)
    django.user_logged_out.connect(_logged_out)
    user_logged_in.connect(_logged_in)
    authentication_failed.connect(_factor_failed)
    social_account_added.connect(_connected)


def _begun(request: HttpRequest, **_: Any) -> None:
    """Every login counts as a proof of who it is, whichever way it came."""
    request.session[STARTED] = int(time.time())


def _logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    # The login has just got a new key, by which its other entries name it.
    trail.ORIGIN.set(trail.Origin(trail.ORIGIN.get().address, via_session(request.session.session_key)))
    trail.note("login", by=user, subject=str(user), parameters={"method": _method(request, user)})


def _logged_out(user: User | None, **_: Any) -> None:
    if user is not None:
        trail.note("logout", by=user, subject=str(user))


def _factor_failed(user: User, authenticator: Authenticator, **_: Any) -> None:
    # One wrong code may have been meant for the app or be a recovery code: allauth names the likelier.
    parameters = {"method": _METHODS[authenticator.type]}
    trail.note("login.failed", by=user, outcome=trail.Outcome.DENIED, subject=str(user), parameters=parameters)


def _connected(request: HttpRequest, **_: Any) -> None:
    user = cast(User, request.user)
    trail.note("sso.connect", by=user, subject=str(user), parameters={"issuer": settings.OIDC_ISSUER})


def _method(request: HttpRequest, user: User) -> str:
    """Such as `password and code`."""
    used = [record.get("type") or record["method"] for record in get_authentication_records(request, user)]
    return " and ".join(_METHODS.get(each, each) for each in used)
