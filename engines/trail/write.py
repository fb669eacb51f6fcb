"""Writing entries. `act` is what everything that changes something is wrapped in; `note` is for what just happened."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from engines.client.errors import EngineError
from engines.client.ids import IdInvalid
from engines.client.record import Request, recording
from engines.models import AuditEntry, AuditHead, AuditUnfinished, Engine, Operation
from engines.permissions import Permission
from engines.secrets import SecretUnreadable
from engines.trail import chain
from engines.trail.acts import allowed

Phase, Outcome = AuditEntry.Phase, AuditEntry.Outcome
Parameters = Mapping[str, object]

_SENTENCE_CHARACTERS = 500
_MOST_REQUESTS = 200
#: No act takes that long: a container gets ten minutes to stop at most.
_CUT_OFF_AFTER = timedelta(hours=1)
#: But a terminal may be open for as long as its login is.
_LOGIN_LONG = (Permission.CONTAINER_EXEC, Permission.CONTAINER_ATTACH)


@dataclass(frozen=True)
class Origin:
    """Where a request came from: the client's address, and the login or token that it used."""

    address: str = ""
    via: str = ""


class NotDone(Exception):
    """An act that was refused or taken back; the message is one sentence for people."""


#: Set for each request and socket; empty for what the console does by itself.
ORIGIN: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 (frozen)


_FOR_PEOPLE = (NotDone, EngineError, IdInvalid, SecretUnreadable)


@contextmanager
def act(
    name: str, *, by: User | None, engine: Engine | None = None, subject: str = "", parameters: Parameters | None = None
) -> Iterator[AuditEntry]:
    """Write what is going to be done, do it in the block, and write what came of it.

    The Engine API requests that the block makes in this thread are kept with the outcome. Raises what the block
    raises; when the intent cannot be written the block is not entered.
    """
    intent = begin(name, by=by, engine=engine, subject=subject, parameters=parameters)
    with recording() as requests:
        try:
            yield intent
        except BaseException as error:
            conclude(intent, Outcome.FAILED, sentence=told(error), requests=requests)
            raise
        conclude(intent, Outcome.SUCCEEDED, requests=requests)


def begin(
    name: str,
    *,
    by: User | None,
    engine: Engine | None = None,
    subject: str = "",
    parameters: Parameters | None = None,
    operation: Operation | None = None,
) -> AuditEntry:
    """The intent of an act whose outcome is written elsewhere by `conclude`."""
    return _append(
        phase=Phase.INTENT,
        act=str(name),
        **_actor(by),
        **_engine(engine),
        subject=subject,
        parameters=_checked(name, parameters),
        operation=operation and operation.pk,
    )


def conclude(
    intent: AuditEntry,
    outcome: str,
    *,
    sentence: str = "",
    requests: list[Request] | list[dict[str, Any]] | None = None,
) -> AuditEntry:
    """The outcome of `intent`. It says again all that the intent said, so that it can be found and read by itself."""
    same = (
        *("act", "actor_pk", "actor_name", "address", "via", "engine_pk", "engine_name", "subject", "parameters"),
        "operation",
    )
    made = [asdict(request) if isinstance(request, Request) else request for request in requests or []]
    return _append(
        phase=Phase.OUTCOME,
        intent=intent.seq,
        outcome=outcome,
        sentence=sentence,
        requests=made[:_MOST_REQUESTS],
        **{name: getattr(intent, name) for name in same},
    )


def conclude_operation(
    pk: UUID, outcome: str, sentence: str = "", requests: list[dict[str, Any]] | None = None
) -> None:
    """The outcome of the intent with which the operation `pk` was started."""
    seq = Operation.objects.values_list("intent", flat=True).get(pk=pk)
    intent = AuditEntry.objects.filter(seq=seq).first() if seq else None
    if intent is not None:
        conclude(intent, outcome, sentence=sentence, requests=requests)


def end_cut_off() -> None:
    """End as LOST what was begun long ago and is no operation's: its process ended before it could say what became."""
    long_ago = timezone.now() - _CUT_OFF_AFTER
    login_ago = long_ago - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    open_ones = AuditUnfinished.objects.values("seq")
    cut_off = Q(at__lt=long_ago) & (~Q(act__in=_LOGIN_LONG) | Q(at__lt=login_ago))
    for intent in AuditEntry.objects.filter(cut_off, seq__in=open_ones, operation=None):
        conclude(intent, Outcome.LOST, sentence="The console ended before it wrote down what came of this.")


def note(
    name: str,
    *,
    by: User | AnonymousUser | None,
    outcome: str = Outcome.SUCCEEDED,
    engine: Engine | None = None,
    subject: str = "",
    parameters: Parameters | None = None,
    sentence: str = "",
) -> AuditEntry:
    """One entry for what has happened or was refused."""
    return _append(
        phase=Phase.EVENT,
        act=str(name),
        outcome=outcome,
        **_actor(by),
        **_engine(engine),
        subject=subject,
        parameters=_checked(name, parameters),
        sentence=sentence,
    )


def refused(
    name: str, *, by: User | AnonymousUser | None, engine: Engine | None = None, subject: str = "", sentence: str = ""
) -> None:
    """Somebody asked for what they may not do; nothing of it was done."""
    note(name, by=by, outcome=Outcome.DENIED, engine=engine, subject=subject, sentence=sentence)


def told(error: BaseException) -> str:
    """What an entry says of `error`: its sentence, or only its kind where it was not written for people."""
    return str(error) if isinstance(error, _FOR_PEOPLE) else type(error).__name__


def _append(**values: Any) -> AuditEntry:
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().get()
        values["subject"] = str(values["subject"])[:255]
        values["sentence"] = values.get("sentence", "")[:_SENTENCE_CHARACTERS]
        entry = AuditEntry(seq=head.seq + 1, at=timezone.now(), previous=head.hash, **_storable(values))
        entry.hash = chain.seal(entry)
        entry.save()
        if entry.phase == Phase.INTENT:
            AuditUnfinished.objects.create(seq=entry.seq)
        elif entry.intent is not None:
            AuditUnfinished.objects.filter(seq=entry.intent).delete()
        AuditHead.objects.filter(pk=head.pk).update(seq=entry.seq, hash=entry.hash)
    return entry


def _actor(by: User | AnonymousUser | None) -> dict[str, Any]:
    origin = ORIGIN.get()
    name = by.get_username() if by is not None else ""
    return {
        "actor_pk": by.pk if by else None,
        "actor_name": name,
        "address": origin.address[:45],
        "via": origin.via[:80],
    }


def _engine(engine: Engine | None) -> dict[str, Any]:
    return {"engine_pk": engine and engine.pk, "engine_name": engine.name if engine else ""}


def _checked(name: str, parameters: Parameters | None) -> dict[str, object]:
    """Raises ValueError for a parameter that may not be written of this act."""
    given = dict(parameters or {})
    unknown = set(given) - allowed(name)
    if unknown:
        raise ValueError(f"not to be written of {name}: {', '.join(sorted(unknown))}")
    return given


def _storable(value: Any) -> Any:
    """Without what no database stores as text: NUL, and halves of characters."""
    if isinstance(value, dict):
        return {key: _storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    if isinstance(value, str):
        return value.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()
    return value
