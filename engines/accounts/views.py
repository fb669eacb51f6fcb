"""Pages about oneself: login, logout, own password, and the one-time set-up."""

from http import HTTPStatus
from typing import Any

from allauth.account import views as allauth
from allauth.account.utils import perform_login
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access, hints
from engines.accounts import actions, queries, sessions
from engines.accounts.counted import counted
from engines.accounts.forms import AdministratorForm
from engines.models import PasswordLink
from engines.trail import write as trail
from engines.web.gate import login_view, person, public


class _ChangePassword(allauth.PasswordChangeView):  # type: ignore[misc]  # allauth carries no types
    def form_valid(self, form: Any) -> HttpResponse:
        # The other logins end by themselves: each carries a digest of the password that it was made with.
        with trail.act("password.change", by=person(self.request), subject=str(self.request.user)):
            response: HttpResponse = super().form_valid(form)
        PasswordLink.objects.filter(user=person(self.request)).delete()
        hints.tell(hints.announce_access)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        if "oldpassword" in form.errors and self.request.POST.get("oldpassword"):
            sentence = "The password of now was wrong."
            trail.refused("password.change", by=person(self.request), subject=str(self.request.user), sentence=sentence)
        response: HttpResponse = super().form_invalid(form)
        return response


@public("logging in is for those who are not logged in")
@require_http_methods(["GET", "HEAD", "POST"])
@counted
def login(request: HttpRequest) -> HttpResponseBase:
    view = allauth.LoginView.as_view(extra_context={"sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else ""})
    return view(request)  # type: ignore[no-any-return]


@public("ends the session of whoever asks, if there is one")
@require_POST
def logout(request: HttpRequest) -> HttpResponseBase:
    response: HttpResponseBase = allauth.logout(request)
    hints.tell(hints.announce_access)
    return response


@login_view("one's own password")
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponseBase:
    if not person(request).has_usable_password():
        raise PermissionDenied("This account has no password to change.")
    return _ChangePassword.as_view()(request)  # type: ignore[no-any-return]


@login_view("one's own account")
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    who = person(request)
    context = {
        "person": who,
        "reach": queries.reach_of(who),
        "has_factor": access.has_factor(who),
        "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "sso_connected": queries.is_connected(who),
    }
    return render(request, "accounts/profile.html", context)


@login_view("one's own logins")
@require_safe
def logins(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/logins.html", {"logins": sessions.logins_of(request, person(request))})


@login_view("one's own logins")
@require_POST
def end_login(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own logins; 404 for anybody else's."""
    found = get_object_or_404(UserSession, pk=pk, user=person(request))
    sessions.end(person(request), by=person(request), login=found)
    messages.success(request, "That login has ended.")
    return redirect("usersessions_list")


@login_view("one's own logins")
@require_POST
def end_other_logins(request: HttpRequest) -> HttpResponse:
    ended = sessions.end_others(request, person(request))
    messages.success(request, f"{ended} other login{'' if ended == 1 else 's'} ended.")
    return redirect("usersessions_list")


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
    return perform_login(request, user, redirect_url="/")  # type: ignore[no-any-return]
