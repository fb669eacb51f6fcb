"""Changes of registered engines. Know no HTTP. The watcher sees a changed row by itself, within a second."""

from collections.abc import Collection, Iterable
from contextlib import suppress

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from engines import hints
from engines.client.endpoint import parse
from engines.endpoints import queries
from engines.endpoints.types import MATERIAL_FIELDS, Contact, Registration
from engines.models import Engine, EngineState, Operation, Tag
from engines.secrets import SecretUnreadable
from engines.trail import write as trail

_WRITTEN = (
    *("name", "slug", "url", "tls_ca", "tls_cert", "tls_key_sealed", "ssh_key_sealed"),
    *("ssh_host_key", "api_version", "engine_id"),
)
_ACTIVE = (Operation.Status.QUEUED, Operation.Status.RUNNING)


class Refused(trail.NotDone):
    """The change was not made; the message is one sentence for the person."""


class Outrun(Refused):
    """Somebody else edited the engine first."""


def draft(registration: Registration, engine: Engine | None = None) -> Engine:
    """`engine`, or a new one, as `registration` says; not saved. Another address forgets what the old one showed."""
    made = Engine(key_id=engine.key_id, pk=engine.pk, enabled=engine.enabled) if engine else Engine()
    made.name, made.slug, made.url = registration.name, registration.slug, registration.url
    made.tls_ca, made.tls_cert, made.tls_key = registration.tls_ca, registration.tls_cert, registration.tls_key
    made.ssh_key = registration.ssh_key
    if engine and engine.url == registration.url:
        made.ssh_host_key, made.api_version, made.engine_id = engine.ssh_host_key, engine.api_version, engine.engine_id
    return made


def register(registration: Registration, *, by: User) -> Engine:
    """A new engine. Raises Refused when somebody was quicker with the same name."""
    engine = draft(registration)
    parameters = {"url": engine.url, "tags": list(registration.tags)}
    with trail.act("engine.register", by=by, engine=engine, subject=engine.name, parameters=parameters):
        try:
            with transaction.atomic():
                engine.save()
                EngineState.objects.create(engine=engine)
                _tag(engine, registration.tags)
        except IntegrityError as error:
            raise Refused("An engine with this name or short name was registered a moment ago.") from error
    _announce(engine)
    return engine


def update(engine: Engine, registration: Registration, *, seen: str, by: User) -> Engine:
    """`engine` as it is now stored, where it still was of the edition `seen`.

    Raises Outrun when it was not, Refused when it is gone, or another engine has got the name meanwhile.
    """
    changed = draft(registration, engine)
    parameters = {
        "url": changed.url,
        "tags": list(registration.tags),
        "material": [field for field in MATERIAL_FIELDS if not _same(engine, registration, field)],
    }
    with trail.act("engine.edit", by=by, engine=engine, subject=changed.name, parameters=parameters):
        try:
            with transaction.atomic():
                now = Engine.objects.select_for_update().filter(pk=engine.pk).first()
                if now is None:
                    raise Refused("The engine was removed a moment ago.")
                if queries.edition(now) != seen:
                    raise Outrun("Somebody edited this engine meanwhile: nothing of yours was stored.")
                Engine.objects.filter(pk=engine.pk).update(**{field: getattr(changed, field) for field in _WRITTEN})
                _tag(engine, registration.tags)
        except IntegrityError as error:
            raise Refused("Another engine got this name or short name a moment ago.") from error
    _announce(engine)
    return changed


def contact(engine: Engine, *, by: User) -> Contact:
    """Reach `engine` and pin the API version both sides speak, and its ID."""
    answer = Contact()
    with suppress(trail.NotDone), trail.act("engine.test", by=by, engine=engine, subject=engine.name):
        answer = queries.ask(engine)
        if answer.probe is None:
            raise trail.NotDone(answer.sentence)
        engine.api_version, engine.engine_id = answer.probe.api_version, answer.probe.engine_id[:128]
        # Not where the address has been changed meanwhile: that is another engine's answer.
        Engine.objects.filter(pk=engine.pk, url=engine.url).update(
            api_version=engine.api_version, engine_id=engine.engine_id
        )
    return answer


def trust(engine: Engine, fingerprints: Collection[str], *, by: User) -> None:
    """Pin the host keys that have just these fingerprints, as they were shown to the person.

    Raises Refused when the host shows others now, EngineError when it shows none.
    """
    parameters = {"fingerprints": sorted(fingerprints)}
    with trail.act("engine.trust", by=by, engine=engine, subject=engine.name, parameters=parameters):
        keys = queries.host_keys(parse(engine.url))
        if not fingerprints or {key.fingerprint for key in keys} != set(fingerprints):
            raise Refused("The host shows other keys now than those you confirmed: nothing was changed. Compare again.")
        unpinned = Engine.objects.filter(pk=engine.pk, url=engine.url, ssh_host_key="")
        engine.ssh_host_key = "\n".join(key.line for key in keys)
        if not unpinned.update(ssh_host_key=engine.ssh_host_key):
            raise Refused("The engine was edited or its host key confirmed meanwhile: nothing was changed.")
    _announce(engine)


def forget_host_key(engine: Engine, *, by: User) -> None:
    """Trust no key of the SSH host until one is confirmed again."""
    with trail.act("engine.forget-host-key", by=by, engine=engine, subject=engine.name):
        Engine.objects.filter(pk=engine.pk).update(ssh_host_key="")
    _announce(engine)


def set_enabled(engine: Engine, enabled: bool, *, by: User) -> None:
    """A disabled engine is followed no more, and its pages refuse to ask it anything."""
    with trail.act("engine.enable" if enabled else "engine.disable", by=by, engine=engine, subject=engine.name):
        Engine.objects.filter(pk=engine.pk).update(enabled=enabled)
    _announce(engine)


def remove(engine: Engine, *, by: User) -> None:
    """Forget `engine`, its key material and the roles granted on it. The history of its operations stays.

    Raises Refused while operations are waiting or running on it.
    """
    pk = engine.pk
    with trail.act("engine.remove", by=by, engine=engine, subject=engine.name), transaction.atomic():
        active = Operation.objects.filter(engine=engine, status__in=_ACTIVE).count()
        if active:
            raise Refused(f"Operations wait or run on it ({active}): cancel them first, or wait for their end.")
        engine.delete()
        _drop_unused_tags()
    hints.tell(hints.announce_change, pk, "state")
    hints.tell(hints.announce_access)


def _tag(engine: Engine, names: Iterable[str]) -> None:
    engine.tags.set([Tag.objects.get_or_create(name=name)[0] for name in names])
    _drop_unused_tags()


def _drop_unused_tags() -> None:
    # One that carries a grant stays: it would come back without it, and nobody would know why.
    Tag.objects.filter(engines=None, grants=None).delete()


def _same(engine: Engine, registration: Registration, field: str) -> bool:
    try:
        return bool(getattr(engine, field) == getattr(registration, field))
    except SecretUnreadable:
        return False


def _announce(engine: Engine) -> None:
    hints.tell(hints.announce_change, engine.pk, "state")
    hints.tell(hints.announce_access)
