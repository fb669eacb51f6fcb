"""What django-allauth asks of this site: nobody signs up, nobody is sent elsewhere."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from engines.accounts import factors
from engines.secrets import decrypt, encrypt
from engines.trail import write as trail


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

    def authentication_failed(self, request: HttpRequest, **credentials: str) -> None:
        # People type passwords into name fields: only names that exist are written down.
        person = User.objects.filter(username__iexact=credentials.get("username", "")).first()
        trail.note(
            "login.failed",
            by=person,
            outcome=trail.Outcome.DENIED,
            subject=str(person or "unknown name"),
            parameters={"method": "password"},
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: str) -> str:
        # The account alone would let a stranger lock its owner out.
        return f"{credentials.get('username', '').lower()}@{self.get_client_ip(request)}"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """Seeds are stored encrypted, each for its owner; names of the console as people see them."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That was not accepted. Try again.",
        "cannot_delete_authenticator": "It is your only second factor, and you must have one. Add another first.",
        "cannot_generate_recovery_codes": "Recovery codes stand in for a second factor. Add one first.",
    }

    def encrypt(self, text: str) -> str:
        return encrypt(text, place=_place(), keys=settings.ENCRYPTION_KEYS)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text, place=_place(), keys=settings.ENCRYPTION_KEYS)

    def get_totp_issuer(self) -> str:
        return f"Pilothouse {context.request.get_host()}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return factors.may_go(authenticator)

    def generate_authenticator_name(self, user: User, type: str) -> str:
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"


def _place() -> str:
    """allauth gives the text alone: its owner is whoever is logged in, or about to be."""
    stage = getattr(context.request, "_login_stage", None)
    owner = stage.login.user if stage else context.request.user
    return factors.seed_place(owner.pk)
