"""Pages about oneself: login, logout, own password, and the one-time set-up."""

from http import HTTPStatus

from allauth.account import views as allauth
from django.contrib.auth import login as start_session
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from redis.exceptions import RedisError

from engines.accounts import actions, queries
from engines.accounts.forms import AdministratorForm
from engines.web.gate import login_view, person, public


@public("logging in is for those who are not logged in")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponseBase:
    """The login form. 503 while failed logins cannot be counted, since unlimited guessing would be worse."""
    try:
        return allauth.login(request)  # type: ignore[no-any-return]
    except RedisError:
        return render(request, "accounts/unavailable.html", status=HTTPStatus.SERVICE_UNAVAILABLE)


@public("ends the session of whoever asks, if there is one")
@require_POST
def logout(request: HttpRequest) -> HttpResponseBase:
    return allauth.logout(request)  # type: ignore[no-any-return]


@login_view("one's own password")
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponseBase:
    if not person(request).has_usable_password():
        raise PermissionDenied("This account has no password to change.")
    return allauth.password_change(request)  # type: ignore[no-any-return]


@login_view("one's own account")
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/profile.html", {"person": person(request)})


@public("the first administrator cannot log in yet; a one-time token from the console's own output is asked for")
@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first administrator. 404 once there is one, 403 with a wrong, used or old token."""
    if queries.administrator_exists():
        raise Http404("Set-up is done.")
    token = request.GET.get("token", "")
    if not actions.token_works(token):
        return render(request, "accounts/setup_refused.html", status=HTTPStatus.FORBIDDEN)
    form = AdministratorForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/setup.html", {"form": form})
    try:
        user = actions.create_first_administrator(token, form.cleaned_data["username"], form.cleaned_data["password1"])
    except actions.TokenRefusedError:
        return render(request, "accounts/setup_refused.html", status=HTTPStatus.FORBIDDEN)
    start_session(request, user)
    return redirect("/")
