"""How long a login lasts, and how it is ended before that."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.usersessions.models import UserSession
from asgiref.typing import HTTPScope
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponseBase
from django.http.cookie import parse_cookie

from engines import hints
from engines.accounts.browsers import in_words
from engines.trail import write as trail
from engines.web.logins import person_of
from engines.web.origin import via_session
from engines.web.recent import STARTED

_SEEN = "seen"
#: Seconds between two writes of the session's row; the idle limit is late by as much.
_GRAIN = 60


@dataclass(frozen=True)
class Login:
    """One login of a person, as its owner sees it. `seen` is late by up to a minute."""

    pk: int
    address: str
    browser: str
    began: datetime
    seen: datetime
    current: bool


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
    started = session.setdefault(STARTED, now)
    left = started + settings.SESSION_COOKIE_AGE - now
    if left <= 0:
        logout(request)
    elif now - session.get(_SEEN, 0) >= min(_GRAIN, settings.SESSION_IDLE_SECONDS // 2):
        session[_SEEN] = now
        session.set_expiry(min(left, settings.SESSION_IDLE_SECONDS))


def end(person: User, *, by: User, login: UserSession) -> None:
    """End one login of `person`: its pages at once, its sockets within seconds."""
    with trail.act("session.end", by=by, subject=str(person), parameters={"session": via_session(login.session_key)}):
        login.end()
    hints.tell(hints.announce_access)


def end_others(request: HttpRequest, person: User) -> int:
    """End all logins of `person` but the one of `request`; how many there were."""
    others = UserSession.objects.filter(user=person).exclude(session_key=request.session.session_key)
    ended = list(others)
    for login in ended:
        end(person, by=person, login=login)
    return len(ended)


def logins_of(request: HttpRequest, person: User) -> list[Login]:
    """All logins of `person`: that of `request` first, then by the last request that came with them."""
    found = [_login(row, request) for row in UserSession.objects.purge_and_list(person)]
    return sorted(found, key=lambda login: (login.current, login.seen), reverse=True)


def _login(row: UserSession, request: HttpRequest) -> Login:
    session = SessionStore(row.session_key).load()
    began = session.get(STARTED, row.created_at.timestamp())
    return Login(
        pk=row.pk,
        address=row.ip,
        browser=in_words(row.user_agent),
        began=datetime.fromtimestamp(began, UTC),
        seen=datetime.fromtimestamp(session.get(_SEEN, began), UTC),
        current=row.session_key == request.session.session_key,
    )


def is_logged_in(scope: HTTPScope) -> bool:
    """Whether a request whose body is still to come is of somebody logged in."""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin1")
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    return person_of(key) is not None
