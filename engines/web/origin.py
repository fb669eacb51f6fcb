"""Where each request comes from, for the audit trail."""

import hashlib
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from engines.trail.write import ORIGIN, Origin


class RequestOrigin:
    """Middleware. Below the sessions, whose key it reads."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        address = get_adapter(request).get_client_ip(request)
        token = ORIGIN.set(Origin(address or "", via_session(request.session.session_key)))
        try:
            return self._get_response(request)
        finally:
            ORIGIN.reset(token)


def of_socket(scope: dict[str, Any]) -> Origin:
    """Where the socket of this ASGI scope comes from, by the rules of requests."""
    request = HttpRequest()
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    request.META = {"REMOTE_ADDR": scope["client"][0], "HTTP_X_FORWARDED_FOR": ",".join(forwarded)}
    address = get_adapter(request).get_client_ip(request)
    return Origin(address or "", via_session(scope["cookies"].get(settings.SESSION_COOKIE_NAME)))


def via_session(key: str | None) -> str:
    """How an entry names a login: by a digest, since the key itself would open it."""
    return f"session {hashlib.sha256(key.encode()).hexdigest()[:8]}" if key else ""
