"""How long a login lasts."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase

_STARTED = "started"
_SEEN = "seen"
#: Seconds between two writes of the session's row; the idle limit is late by as much.
_GRAIN = 60


class SessionLimits:
    """Ends a login at its absolute age, and when no request came for too long.

    The row's `expire_date` carries both, so that open sockets, which bring no request, can read it too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            _renew(request, int(time.time()))
        return self._get_response(request)


def _renew(request: HttpRequest, now: int) -> None:
    session = request.session
    started = session.setdefault(_STARTED, now)
    left = started + settings.SESSION_COOKIE_AGE - now
    if left <= 0:
        logout(request)
    elif now - session.get(_SEEN, 0) >= min(_GRAIN, settings.SESSION_IDLE_SECONDS // 2):
        session[_SEEN] = now
        session.set_expiry(min(left, settings.SESSION_IDLE_SECONDS))
