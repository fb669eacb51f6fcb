"""To the provider of single sign-on, and back from there."""

from http import HTTPStatus
from typing import Any

from allauth.core import ratelimit
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from engines.accounts.counted import counted
from engines.accounts.sso import NotBelieved, Provider
from engines.web import recent
from engines.web.gate import person, public, stopped


@public("logging in is for those who are not logged in")
@require_POST
@never_cache
@counted
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser on to the provider. 502 when its configuration cannot be read.

    `process=connect` connects the account that is logged in, instead of logging in. By a page that goes on by itself: a
    form of ours may lead nowhere else, so that none that was smuggled in can.
    """
    process = request.POST.get("process", "login")
    if process not in {"login", "connect"}:
        raise Http404("There is no such way.")
    if process == "connect":
        stop = stopped(request) or recent.ask_again(request, person(request), form=False)
        if stop is not None:
            return stop
    limit: HttpResponse | None = ratelimit.consume_or_429(request, action="login")
    if limit is not None:
        return limit
    response = _answer(request, OAuth2LoginView)
    if response.status_code != HTTPStatus.FOUND:
        return response
    onward = response["Location"]
    page = render(request, "accounts/sso_onward.html", {"onward": onward, "sso_name": settings.OIDC_NAME})
    page["Refresh"] = f"0; url={onward}"
    return page


@public("comes back from the provider, not logged in yet; the state of this browser's attempt is asked for")
@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Who comes without an attempt of this browser is refused before anything is asked or written."""
    if settings.OIDC_ISSUER and request.GET.get("state") not in statekit.get_states(request):
        context = {"why": "answer", "sso_name": settings.OIDC_NAME}
        return render(request, "accounts/sso_refused.html", context, status=HTTPStatus.FORBIDDEN)
    return _answer(request, OAuth2CallbackView)


def _answer(request: HttpRequest, view: Any) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        raise Http404("There is no single sign-on here.")
    provider = Provider(request)
    try:
        # Asked first, once, where its failure can be told.
        _ = provider.openid_config
    except NotBelieved:
        context = {"why": "provider", "sso_name": settings.OIDC_NAME}
        return render(request, "accounts/sso_refused.html", context, status=HTTPStatus.BAD_GATEWAY)
    response: HttpResponse = view.adapter_view(provider)(request)
    return response
