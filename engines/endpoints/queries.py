"""Reads for the endpoint pages. Each ask of an engine ends in time, whatever the engine does."""

import json
from concurrent.futures import Future
from contextvars import copy_context
from datetime import datetime, timedelta
from threading import Thread

from cryptography.x509 import load_pem_x509_certificates
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from engines import access, reach
from engines.client import ssh
from engines.client.endpoint import Address, AddressInvalid, Endpoint, parse
from engines.client.errors import EngineError, fault, no_answer
from engines.client.probe import probe
from engines.endpoints.types import Certificate, Contact, HostKey
from engines.models import Engine
from engines.secrets import SecretUnreadable

#: Seconds a page waits for an engine in all; each read of the probe has one less.
PATIENCE = 6
_LOCAL_SECONDS = 2
#: From here on a page warns of a certificate's end.
_SOON = timedelta(days=30)
_KEYS_ADVICE = "Edit the engine and give its key material again."


def ask(engine: Engine, seconds: float = PATIENCE) -> Contact:
    """Reach `engine`, saved or not, within `seconds`. Writes nothing, raises nothing."""
    try:
        endpoint = reach.endpoint(engine)
    except (AddressInvalid, SecretUnreadable) as error:
        return Contact(sentence=str(error), advice=_KEYS_ADVICE, code="unusable")
    # In a thread: a byte now and then, or a slow way through SSH, takes longer than the reads' own timeouts say.
    # A daemon, which does not keep the process from ending.
    answer: Future[Contact] = Future()
    # In a copy of this context, in which the audit trail collects the requests that are made.
    asking = (_ask_into, answer, endpoint, max(1, int(seconds) - 1))
    Thread(target=copy_context().run, args=asking, daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        return _failed(no_answer(seconds))


def host_keys(address: Address) -> tuple[HostKey, ...]:
    """The keys the SSH host shows now, unverified. Raises EngineError."""
    return tuple(HostKey(line, ssh.fingerprint(line)) for line in ssh.scan_host_key(address))


def confirmed_keys(engine: Engine) -> tuple[HostKey, ...]:
    """The host keys an administrator has confirmed for `engine`."""
    return tuple(HostKey(line, ssh.fingerprint(line)) for line in engine.ssh_host_key.splitlines())


def edition(engine: Engine) -> str:
    """A mark of all that the form shows or keeps of `engine`: another one as soon as somebody edited it."""
    tags = sorted(tag.name for tag in engine.tags.all())
    try:
        # Opened, since keys are sealed anew when the console's own key is turned: that is no edit.
        keys = (engine.tls_key, engine.ssh_key)
    except SecretUnreadable:
        keys = (engine.tls_key_sealed, engine.ssh_key_sealed)
    shown = [engine.name, engine.slug, engine.url, tags, engine.tls_ca, engine.tls_cert, *keys]
    return salted_hmac("engine edition", json.dumps(shown), algorithm="sha256").hexdigest()


def twins(engine: Engine, user: User) -> QuerySet[Engine]:
    """Other registrations, among those `user` sees, of what says it is the same engine."""
    others = access.visible_engines(user).exclude(pk=engine.pk)
    return others.filter(engine_id=engine.engine_id) if engine.engine_id else others.none()


def local_engine() -> str:
    """The address of this machine's own engine, when it answers and no engine is registered yet; else empty."""
    if Engine.objects.exists():
        return ""
    try:
        address = parse(settings.LOCAL_ENGINE)
    except AddressInvalid:
        return ""
    candidate = Engine(name="local", slug="local", url=str(address))
    return str(address) if ask(candidate, _LOCAL_SECONDS).probe else ""


def certificates(engine: Engine) -> list[Certificate]:
    """When what is stored for TLS expires."""
    now = timezone.now()
    made = []
    for label, pem in (("CA certificate", engine.tls_ca), ("Client certificate", engine.tls_cert)):
        if until := _first_end(pem):
            tone = "danger" if until < now else "warning" if until < now + _SOON else ""
            made.append(Certificate(label, until, tone))
    return made


def _first_end(pem: str) -> datetime | None:
    try:
        return min(each.not_valid_after_utc for each in load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return None


def _ask_into(answer: "Future[Contact]", endpoint: Endpoint, timeout: int) -> None:
    try:
        answer.set_result(_ask(endpoint, timeout))
    except Exception as error:
        answer.set_exception(error)


def _ask(endpoint: Endpoint, timeout: int) -> Contact:
    if endpoint.ssh and not endpoint.ssh.host_key:
        return _failed(fault("ssh-host-key-unknown"), endpoint)
    try:
        return Contact(probe(endpoint, timeout))
    except EngineError as error:
        return _failed(error, endpoint)


def _failed(error: EngineError, endpoint: Endpoint | None = None) -> Contact:
    shown: tuple[HostKey, ...] = ()
    if endpoint and error.code in {"ssh-host-key-unknown", "ssh-host-key-changed"}:
        try:
            shown = host_keys(endpoint.address)
        except EngineError as deeper:
            # A host that is away has no key to confirm: that comes first.
            error = deeper if error.code == "ssh-host-key-unknown" else error
    return Contact(sentence=str(error), advice=error.advice, code=error.code, host_keys=shown)
