"""Headers that keep what a person sees out of other sites and out of caches."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from engines.web import csp

Answer = Callable[[HttpRequest], HttpResponseBase]
Answering = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

#: Features no page of the console uses, so that none injected there could either.
_PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


@sync_and_async_middleware
def every_answer(get_response: Answer | Answering) -> Answer | Answering:
    """Middleware. Must stand first: static files, errors and redirects of the others carry the same headers.

    Of both kinds, since the middleware of static files is asynchronous and a page's are not.
    """
    if iscoroutinefunction(get_response):

        async def answering(request: HttpRequest) -> HttpResponseBase:
            return _guarded(await get_response(request))

        return answering

    plain = cast(Answer, get_response)

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _guarded(plain(request))

    return answer


def _guarded(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", csp.policy())
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = _PERMISSIONS
    return response


class PrivatePages:
    """Middleware. Must stand above the one that sets `request.user`, so that it sees every response."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if hasattr(request, "user") and request.user.is_authenticated:
            # After logging out, the Back button must not bring the page again.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response
