"""Every route of the console, and an address of each that leads to something which exists."""

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterator
from datetime import timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from fido2.cose import ES256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from engines.models import ApiToken, Engine, Grant, Operation, Recording, Team
from engines.permissions import Role
from engines.trail import write as trail
from engines.web.gate import DECLARATION

_ARGUMENT = re.compile(r"([\w-]+)/<(?:\w+:)?\w+>")
CONTAINER = "a" * 64


def walk(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Pattern (such as `operations/<uuid:pk>/`) and entry of every route."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from walk(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern), entry


def declared(entry: URLPattern) -> object:
    return getattr(entry.callback, DECLARATION, "")


#: Pattern -> entry of every route that asks who one is.
GUARDED = {pattern: entry for pattern, entry in walk() if not str(declared(entry)).startswith("public")}


def is_about_an_engine(pattern: str) -> bool:
    """Whether strangers to the engine are told that there is nothing here."""
    return pattern.startswith(("engines/<slug:slug>/", "operations/<uuid:pk>/"))


def things(engine: Engine, owner: User) -> dict[str, object]:
    """One thing of each kind, by the word that stands before its argument in the URLs. `owner` has what people own."""
    somebody = User.objects.create_user(f"somebody-{uuid.uuid4().hex[:8]}")
    team = Team.objects.create(name=f"team-{uuid.uuid4().hex[:8]}")
    team.members.add(somebody)
    operation = Operation.objects.create(
        engine=engine,
        engine_name=engine.name,
        kind="image.build",
        title="Build",
        created_by=owner,
        created_by_name=owner.get_username(),
        status=Operation.Status.QUEUED,
    )
    token = ApiToken.objects.create(
        user=owner,
        name=uuid.uuid4().hex,
        digest=uuid.uuid4().hex,
        hint="pilot_ab",
        role=Role.VIEWER,
        expires_at=timezone.now() + timedelta(days=1),
    )
    login = UserSession.objects.create(
        user=owner, ip="192.0.2.9", user_agent="Other", session_key=uuid.uuid4().hex, last_seen_at=timezone.now()
    )
    recording = Recording.objects.create(engine=engine, container_id=CONTAINER, command="sh")
    return {
        "engines": engine.slug,
        "on": engine.slug,
        "containers": CONTAINER,
        "operations": operation.pk,
        "recordings": recording.pk,
        "users": somebody.pk,
        "members": somebody.pk,
        "teams": team.pk,
        "grants": Grant.objects.create(engine=engine, team=team, role=Role.VIEWER).pk,
        "tokens": token.pk,
        "logins": login.pk,
        "passkeys": passkey(owner).pk,
        "audit": trail.note("login", by=owner, engine=engine).pk,
    }


def passkey(owner: User) -> Authenticator:
    """A passkey as a browser registers it."""
    identity = secrets.token_bytes(16)
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    material = AttestedCredentialData.create(Aaguid(bytes(16)), identity, key)
    attested = AuthenticatorData.create(hashlib.sha256(b"testserver").digest(), flags, 0, material)
    response = AuthenticatorAttestationResponse(
        client_data=CollectedClientData.create("webauthn.create", secrets.token_bytes(16), "http://testserver"),
        attestation_object=AttestationObject.create("none", attested, {}),
    )
    credential = dict(RegistrationResponse(raw_id=identity, response=response))
    data = {"name": "Key", "credential": credential, "passwordless": True}
    return Authenticator.objects.create(user=owner, type=Authenticator.Type.WEBAUTHN, data=data)


def address(pattern: str, found: dict[str, object]) -> str:
    """The URL of a route, its arguments filled in by `found`."""

    def fill(match: re.Match[str]) -> str:
        word = match[1]
        assert word in found, f"{pattern}: teach tests/repository/routes.py what stands after “{word}/”"
        return f"{word}/{found[word]}"

    url = "/" + _ARGUMENT.sub(fill, pattern)
    assert "<" not in url, f"{pattern}: an argument needs a word of its own before it"
    return url


def enter(person: User | None) -> Client:
    """A browser of `person`, logged in just now; of nobody without one."""
    client = Client()
    if person is not None:
        client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client
