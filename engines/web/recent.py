"""How long ago a person proved who they are, and the way to prove it again before a sensitive act."""

import time
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

#: Key of the session: when this login began, in seconds since 1970.
STARTED = "started"
#: Seconds after a proof in which a sensitive page opens or a button works, and in which an open form may be sent.
RECENT_SECONDS = 10 * 60
FORM_SECONDS = 30 * 60


def proved_at(request: HttpRequest, person: User) -> float:
    """When `person` last logged in, or gave a password or factor again, in this session; 0 when unknown."""
    again = [float(record["at"]) for record in get_authentication_records(request, person)]
    return max([*again, float(request.session.get(STARTED, 0))])


def ask_again(request: HttpRequest, person: User, *, form: bool) -> HttpResponse | None:
    """The way to prove again who one is, when the last proof is too old; None when it is recent."""
    allowed = FORM_SECONDS if form and request.method == "POST" else RECENT_SECONDS
    if time.time() - proved_at(request, person) < allowed:
        return None
    back = urlencode({REDIRECT_FIELD_NAME: _way_back(request)})
    if request.method == "POST":
        messages.warning(request, "Nothing was changed: confirm that it is you, then do it again.")
    if get_adapter(request).get_reauthentication_methods(person):
        return _to(request, f"{reverse('account_reauthenticate')}?{back}")
    # Neither a password nor a factor is known here: who let them in has to ask.
    logout(request)
    return _to(request, redirect_to_login(_way_back(request)).url)


def _to(request: HttpRequest, page: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": page})
    return HttpResponse(status=302, headers={"Location": page})


def _way_back(request: HttpRequest) -> str:
    """The page asked for; of a sent form or a part of a page, the page that it is on."""
    if request.method in {"GET", "HEAD"} and not request.headers.get("HX-Request"):
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(page)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
