"""What django-allauth asks of this site: nobody signs up, nobody is sent elsewhere."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Closed to sign-up; `next` stays on this site; guesses are counted per account and address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        # No host at all: a trusted host on another port would be another program.
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        # Reached with the right password only, so it tells a guesser nothing.
        return render(request, "accounts/inactive.html", status=403)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("profile")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: str) -> str:
        # The account alone would let a stranger lock its owner out.
        return f"{credentials.get('username', '').lower()}@{self.get_client_ip(request)}"
