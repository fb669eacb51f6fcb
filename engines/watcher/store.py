"""What the watcher writes: states of engines, its own heartbeat. Synchronous, one database thread."""

from dataclasses import asdict, dataclass

from django.db import connection
from django.utils import timezone

from engines import reach
from engines.client.endpoint import AddressInvalid, Endpoint
from engines.models import Engine, EngineState, Heartbeat
from engines.secrets import SecretUnreadable
from engines.trail import ship
from engines.watcher.reading import Reading

Status = EngineState.Status
_WAY = ("url", "api_version", "tls_ca", "tls_cert", "tls_key_sealed", "ssh_key_sealed", "ssh_host_key")


@dataclass(frozen=True)
class Target:
    """An enabled engine to follow: `endpoint` is None, with the reason in `sentence`, when its row cannot be used."""

    pk: int
    endpoint: Endpoint | None
    since: str = ""
    sentence: str = ""


def rows() -> dict[int, tuple[str, ...]]:
    """Of every enabled engine, by primary key, all that decides how it is reached: cheap to ask for every second."""
    connection.close_if_unusable_or_obsolete()
    return {pk: tuple(rest) for pk, *rest in Engine.objects.filter(enabled=True).values_list("pk", *_WAY)}


def ship_audit() -> None:
    """Hand over the audit entries that wait. Slow where a log server is: needs a thread of its own."""
    connection.close_if_unusable_or_obsolete()
    ship.ship()


def target(engine_pk: int) -> Target | None:
    """How to follow this engine; None when it is gone or disabled."""
    engine = Engine.objects.filter(pk=engine_pk, enabled=True).select_related("state").first()
    if engine is None:
        return None
    state = getattr(engine, "state", None) or EngineState.objects.get_or_create(engine=engine)[0]
    try:
        return Target(engine.pk, reach.endpoint(engine), state.since)
    except (AddressInvalid, SecretUnreadable) as error:
        return Target(engine.pk, None, sentence=str(error))


def save_version(engine_pk: int, api_version: str) -> None:
    """Pin the API version agreed with this engine, unless somebody has done so meanwhile."""
    Engine.objects.filter(pk=engine_pk, api_version="").update(api_version=api_version)


def save_reading(engine_pk: int, reading: Reading) -> bool:
    """Store that the engine is up and what it said; whether that differs from before."""
    now = timezone.now()
    values = asdict(reading) | {"status": Status.UP, "sentence": ""}
    rows = EngineState.objects.filter(engine=engine_pk)
    changed = not rows.filter(**values).exists()
    rows.update(**values, checked_at=now, seen_at=now)
    return changed


def save_failure(engine_pk: int, sentence: str) -> bool:
    """Store that the engine cannot be used; whether that differs from before."""
    rows = EngineState.objects.filter(engine=engine_pk)
    changed = not rows.filter(status=Status.DOWN, sentence=sentence).exists()
    rows.update(status=Status.DOWN, sentence=sentence, checked_at=timezone.now())
    return changed


def save_contact(cursors: dict[int, str]) -> None:
    """Store that these engines answered lately, with their event cursors; and that the watcher is alive."""
    now = timezone.now()
    EngineState.objects.filter(engine__in=cursors, status=Status.UP).update(checked_at=now, seen_at=now)
    stored = dict(EngineState.objects.filter(engine__in=cursors).values_list("engine_id", "since"))
    for engine_pk, since in cursors.items():
        if since and stored.get(engine_pk) != since:
            EngineState.objects.filter(engine=engine_pk).update(since=since)
    Heartbeat.objects.update_or_create(name="watcher", defaults={"at": now})
