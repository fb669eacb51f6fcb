"""Who a session's cookie belongs to, by the rows of now: for what outlives the request it came with."""

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import constant_time_compare


def person_of(session_key: str | None) -> User | None:
    """Who is logged in by this cookie, by the session row and the user row of now; None when nobody is."""
    session = SessionStore(session_key).load() if session_key else {}
    pk = str(session.get(SESSION_KEY, ""))
    user = User.objects.filter(pk=pk, is_active=True).first() if pk.isdigit() else None
    if user is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    known = constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    return user if known else None
