"""What is answered to a form that does not come from a page of this console, or from one that is too old."""

from http import HTTPStatus

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from redis.exceptions import RedisError

from engines.trail import write as trail

#: Of people not logged in, one such request per address and this many seconds is written down.
_SECONDS = 60


def refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, and an entry of the audit trail. Nothing of what the form asks is done."""
    if request.user.is_authenticated or _first_lately(trail.ORIGIN.get().address):
        trail.note(
            "request.forged",
            by=request.user,
            outcome=trail.Outcome.DENIED,
            # The pattern, not the path: that of a one-time link holds its token.
            parameters={"path": _pattern(request), "reason": reason[:200]},
            sentence="The form did not come from a page of this console; nothing was done.",
        )
    return render(request, "errors/forged.html", status=HTTPStatus.FORBIDDEN)


def _pattern(request: HttpRequest) -> str:
    return request.resolver_match.route if request.resolver_match else ""


def _first_lately(address: str) -> bool:
    # Or else a stranger could fill the trail.
    try:
        return bool(cache.add(f"forged:{address}", 1, timeout=_SECONDS))
    except RedisError:
        return False
