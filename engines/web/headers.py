"""Headers that keep what a person sees out of other sites and out of caches."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

#: Features no page of the console uses, so that none injected there could either.
_PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class PrivatePages:
    """Middleware. Must stand above the one that sets `request.user`, so that it sees every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = _PERMISSIONS
        if hasattr(request, "user") and request.user.is_authenticated:
            # After logging out, the Back button must not bring the page again.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response
