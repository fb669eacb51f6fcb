"""Single sign-on with one OpenID Connect provider: who comes from there, and which teams their groups put them in.

An account is known again by the provider's `sub` alone, never by its name or e-mail. Nobody becomes an administrator.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse

from engines import hints
from engines.models import Team
from engines.trail import write as trail

log = logging.getLogger(__name__)

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]
_ENDPOINTS = ["authorization_endpoint", "token_endpoint", "jwks_uri"]
#: What reading an answer of the wrong shape, or none, may raise.
_MALFORMED = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError)
_LEEWAY_SECONDS = 60
_SOURCE = "single sign-on"
_TAKEN = "An account of this name exists and was not made by single sign-on."


class NotBelieved(OAuth2Error):  # type: ignore[misc]  # allauth carries no types
    """The provider cannot be asked, or what it says is not as it must be. One sentence, without what it said."""


class _Client(OAuth2Client):  # type: ignore[misc]  # allauth carries no types
    """Sends a nonce. PKCE's challenge is one: random, of this attempt alone, and found again from its verifier."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        extra = {**extra_params, "nonce": extra_params["code_challenge"]}
        return str(super().get_redirect_url(authorization_url, scope, extra))


class Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth carries no types
    """The provider of the settings. What it says is believed only with its signature, for us, for this attempt."""

    client_class = _Client

    def __init__(self, request: HttpRequest) -> None:
        # Named by its issuer: of another provider, the same `sub` is somebody else.
        super().__init__(request, settings.OIDC_ISSUER)
        self._nonce = ""
        self._found: dict[str, Any] | None = None

    def get_provider(self) -> Any:
        provider = super().get_provider()
        # Of its own it would make an adapter of allauth's class.
        provider.oauth2_adapter_class = lambda *_: self
        return provider

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's discovery document. Raises NotBelieved when it cannot be had, or is another's."""
        if self._found is None:
            try:
                found = dict(super().openid_config)
                theirs, addresses = found["issuer"], [found[name] for name in _ENDPOINTS]
            except _MALFORMED as error:
                raise NotBelieved("The provider's configuration cannot be read.") from error
            if theirs != settings.OIDC_ISSUER:
                raise NotBelieved("The provider calls itself by another name than the settings do.")
            if not all(is_safe_address(address) for address in [*addresses, found.get("userinfo_endpoint", theirs)]):
                raise NotBelieved("The provider names an address without TLS.")
            self._found = found
        return self._found

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return str(build_absolute_uri(request, reverse("sso-callback")))

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> Any:
        digest = hashlib.sha256((pkce_code_verifier or "").encode()).digest()
        self._nonce = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return super().get_access_token_data(request, app, client, pkce_code_verifier=pkce_code_verifier)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        """Raises NotBelieved for anything that is not as it must be."""
        try:
            claims = self._verified(str(kwargs["response"]["id_token"]), app.client_id)
            more = self._fetch_user_info(token.token) if "userinfo_endpoint" in self.openid_config else {}
            if more and more["sub"] != claims["sub"]:
                raise NotBelieved("The provider speaks of two people.")
            # Nothing more of the person is kept.
            kept = {name: value for name, value in (claims | more).items() if name in _kept()}
            return self.get_provider().sociallogin_from_response(request, {"id_token": kept})
        except (jwt.PyJWTError, ImproperlyConfigured, *_MALFORMED) as error:
            raise NotBelieved("What the provider says of the person is not valid.") from error

    def _verified(self, id_token: str, client_id: str) -> dict[str, Any]:
        with SignOn(self.request).get_requests_session() as session:
            keys = jwt.PyJWKSet.from_dict(session.get(self.openid_config["jwks_uri"]).json())
        header = jwt.get_unverified_header(id_token)
        # A provider with one key need not name it.
        key = keys[header["kid"]] if "kid" in header else keys.keys[0]
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key.key,
            algorithms=_ALGORITHMS,
            audience=client_id,
            issuer=settings.OIDC_ISSUER,
            leeway=_LEEWAY_SECONDS,
            options={"require": _CLAIMS},
        )
        if claims["nonce"] != self._nonce:
            raise NotBelieved("The provider answers another attempt to log in.")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client_id:
            raise NotBelieved("The provider speaks to another program.")
        return claims


class SignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """What happens when the provider has said who it is."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def get_requests_session(self) -> Any:
        """Nothing of the environment, and no way to another address than the provider named."""
        session = super().get_requests_session()
        session.trust_env = False
        session.max_redirects = 0
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse who may not come in, with a page; put the others into the teams of their groups."""
        groups = groups_of(sociallogin.account.extra_data["id_token"])
        # Never used: an address that somebody else gives out proves nothing here.
        sociallogin.email_addresses = []
        person: User | None = sociallogin.user if sociallogin.is_existing else None
        if person is not None and not person.is_active:
            self._refuse(request, person, "disabled", "This account is disabled.")
        if settings.OIDC_REQUIRED_GROUP and settings.OIDC_REQUIRED_GROUP not in groups:
            self._refuse(request, person, "group", "Not in the group that this console asks for.")
        if person is not None:
            follow_groups(person, groups)
        elif sociallogin.state.get("process") != "connect":
            self._require_free_name(request, sociallogin)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Mapping[str, Any]) -> User:
        user: User = sociallogin.user
        user.username = User.normalize_username(str(data.get("username") or sociallogin.account.uid))
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """A new person, without a password, in the default team, if the settings name one, and those of the groups."""
        user: User = sociallogin.user
        user.set_unusable_password()
        user.is_superuser = user.is_staff = False
        subject = user.get_username()
        try:
            with trail.act("user.provisioned", by=None, subject=subject, parameters={"issuer": settings.OIDC_ISSUER}):
                self._save(request, sociallogin)
        except IntegrityError:
            self._refuse(request, None, "taken", _TAKEN)
        if settings.OIDC_DEFAULT_TEAM:
            team = Team.objects.filter(name=settings.OIDC_DEFAULT_TEAM).first()
            if team is None:
                log.error("PILOTHOUSE_OIDC_DEFAULT_TEAM: there is no team of this name")
            else:
                _join(team, user)
        follow_groups(user, groups_of(sociallogin.account.extra_data["id_token"]))
        return user

    def _save(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if not sociallogin.user.username:
            # allauth empties a name that was taken a moment ago.
            raise IntegrityError("the name is taken")
        with transaction.atomic():
            sociallogin.save(request)

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("profile")

    def on_authentication_error(self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any) -> None:
        error = kwargs.get("exception")
        # What others' errors say may hold what the provider sent.
        told = str(error) if isinstance(error, NotBelieved) else type(error).__name__ if error else kwargs.get("error")
        log.warning("single sign-on failed: %s", told)
        self._refuse(request, None, "answer", "The provider's answer was not accepted.")

    def _require_free_name(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        user: User = sociallogin.user
        try:
            user.clean_fields(exclude=["password"])
        except ValidationError:
            self._refuse(request, None, "name", "The provider gives no name that an account here can have.")
        if User.objects.filter(username__iexact=user.username).exists():
            self._refuse(request, None, "taken", _TAKEN)

    def _refuse(self, request: HttpRequest, person: User | None, why: str, sentence: str) -> None:
        self._note_failure(person, sentence)
        context = {"why": why, "sso_name": settings.OIDC_NAME}
        raise ImmediateHttpResponse(render(request, "accounts/sso_refused.html", context, status=403))

    def _note_failure(self, person: User | None, sentence: str) -> None:
        trail.note(
            "login.failed",
            by=person,
            outcome=trail.Outcome.DENIED,
            subject=str(person or "unknown name"),
            parameters={"method": _SOURCE},
            sentence=sentence,
        )


def is_safe_address(address: object) -> bool:
    """Whether what is sent to `address` is protected on its way: by TLS, or by staying on this machine."""
    parts = urlsplit(str(address))
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})


def _kept() -> set[str]:
    return {"sub", "preferred_username", settings.OIDC_GROUPS_CLAIM}


def groups_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """The groups in the claim that the settings name; none when it is missing or no list of words."""
    groups = claims.get(settings.OIDC_GROUPS_CLAIM)
    if not isinstance(groups, list):
        return frozenset()
    return frozenset(group for group in groups if isinstance(group, str))


def follow_groups(person: User, groups: frozenset[str]) -> None:
    """Make `person` a member of just those teams, of the ones that follow a group, whose group is in `groups`."""
    mine = set(person.teams.values_list("pk", flat=True))
    for team in Team.objects.exclude(sso_group=""):
        if team.sso_group in groups and team.pk not in mine:
            _join(team, person)
        elif team.sso_group not in groups and team.pk in mine:
            with trail.act("team.member-remove", by=None, subject=team.name, parameters=_told(person)):
                team.members.remove(person)
            hints.tell(hints.announce_access)


def _join(team: Team, person: User) -> None:
    with trail.act("team.member-add", by=None, subject=team.name, parameters=_told(person)):
        team.members.add(person)
    hints.tell(hints.announce_access)


def _told(person: User) -> dict[str, str]:
    return {"user": person.get_username(), "source": _SOURCE}
