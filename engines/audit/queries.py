"""Reads of the audit trail, quick at a million entries by `engines.trail.index`."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import reverse

from engines.audit.types import ACTS_BY_GROUP, UNFINISHED, Act, Choice, Page
from engines.models import AuditEntry, AuditHead, AuditSink, AuditUnfinished, Engine, Operation
from engines.trail import ship
from engines.trail.index import Terms, fact, search

_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
#: The trail is in order of numbers, and of times as far as clocks are never set back by more than this.
_CLOCK = timedelta(hours=1)
_BATCH_ROWS = 500
# Not joined: looked up one by one as they are found, since few of many are wanted.
_AT = "(SELECT entry.at FROM engines_auditentry entry WHERE entry.seq = found.seq)"
_CONDITIONS = {"seq__lt": "found.seq < %s", "seq__gte": "found.seq >= %s", "seq__lte": "found.seq <= %s"}


def page(choice: Choice, *, before: int | None, rows: int) -> Page:
    """At most `rows` acts whose last entry is older than number `before`."""
    found = _entries(choice, before, rows + 1)
    return Page(_acts(found[:rows]), found[rows - 1].seq if len(found) > rows else None)


def batches(choice: Choice) -> Iterator[list[Act]]:
    """All acts of `choice`, newest first, a batch at a time."""
    before: int | None = None
    while True:
        part = page(choice, before=before, rows=_BATCH_ROWS)
        yield part.acts
        if part.older is None:
            return
        before = part.older


def act_of(seq: int) -> Act | None:
    """The act to which entry `seq` belongs."""
    entry = AuditEntry.objects.filter(seq=seq).first()
    if entry is None:
        return None
    return _acts([AuditEntry.objects.filter(intent=seq).first() or entry])[0]


def waiting() -> list[tuple[AuditSink, int]]:
    """The places that do not take entries now, with how many wait for each."""
    end = AuditHead.objects.values_list("seq", flat=True).first() or 0
    failing = AuditSink.objects.filter(kind__in=ship.places()).exclude(failing_since=None)
    return [(sink, end - sink.seq) for sink in failing.order_by("kind")]


def _entries(choice: Choice, before: int | None, rows: int) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    if choice.outcome != UNFINISHED:
        found += _over(choice, before, rows)
    if choice.outcome in {"", UNFINISHED}:
        found += _unfinished(choice, before)
    return sorted(found, key=lambda entry: -entry.seq)[:rows]


def _over(choice: Choice, before: int | None, rows: int) -> Iterable[AuditEntry]:
    """The last entries of acts that are over."""
    bounds, terms = _bounds(choice, before), _terms(choice)
    if terms == Terms():
        over = AuditEntry.objects.exclude(phase=AuditEntry.Phase.INTENT).filter(**_columns(choice), **bounds)
        return over.order_by("-seq")[:rows]
    where: dict[str, Any] = {_CONDITIONS[name]: value for name, value in bounds.items()}
    adapted = connection.ops.adapt_datetimefield_value
    where |= {f"{_AT} {sign} %s": adapted(at) for sign, at in ((">=", choice.since), ("<", choice.until)) if at}
    return AuditEntry.objects.filter(seq__in=search(terms, where, rows))


def _unfinished(choice: Choice, before: int | None) -> list[AuditEntry]:
    intents = AuditEntry.objects.filter(seq__in=AuditUnfinished.objects.values("seq"), outcome="")
    chosen = intents.filter(**_columns(choice), **_bounds(choice, before))
    return [entry for entry in chosen if all(word.casefold() in _text(entry) for word in choice.words)]


def _columns(choice: Choice) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "actor_name": choice.person,
        "act": "" if choice.group else choice.act,
        "act__in": ACTS_BY_GROUP.get(choice.group, []) if choice.group else "",
        "outcome": "" if choice.outcome == UNFINISHED else choice.outcome,
        "engine_pk": choice.engine or "",
        "at__gte": choice.since or "",
        "at__lt": choice.until or "",
    }
    return {name: value for name, value in chosen.items() if value != ""}


def _bounds(choice: Choice, before: int | None) -> dict[str, int]:
    """The numbers between which all that is wanted lies: quicker to go by than times."""
    bounds = {} if before is None else {"seq__lt": before}
    at = AuditEntry.objects.values_list("seq", flat=True)
    if choice.since:
        bounds["seq__gte"] = at.filter(at__gte=_moved(choice.since, -_CLOCK)).order_by("at").first() or 1 << 62
    if choice.until:
        bounds["seq__lte"] = at.filter(at__lt=_moved(choice.until, _CLOCK)).order_by("-at").first() or 0
    return bounds


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def _terms(choice: Choice) -> Terms:
    facts = {
        "p": choice.person,
        "g": choice.group,
        "a": "" if choice.group else choice.act,
        "o": choice.outcome,
        "e": str(choice.engine or ""),
    }
    return Terms(tuple(fact(letter, value) for letter, value in facts.items() if value), choice.words)


def _text(entry: AuditEntry) -> str:
    told = (entry.actor_name, entry.address, entry.via, entry.engine_name, entry.act, entry.subject, entry.operation)
    return " ".join(map(str, (*told, *entry.parameters.values()))).casefold()


def _acts(last: list[AuditEntry]) -> list[Act]:
    """Acts of their last entries, in the same order, with what they can be linked to."""
    intents = AuditEntry.objects.in_bulk([entry.intent for entry in last if entry.intent])
    slugs = dict(Engine.objects.filter(pk__in={entry.engine_pk for entry in last}).values_list("pk", "slug"))
    operations = set(
        Operation.objects.filter(pk__in={entry.operation for entry in last if entry.operation}).values_list(
            "pk", flat=True
        )
    )
    made = []
    for entry in last:
        slug = slugs.get(entry.engine_pk, "") if entry.engine_pk else ""
        link = reverse("operation", args=[entry.operation]) if entry.operation in operations else _link(entry, slug)
        made.append(Act(entry, intents.get(entry.intent) if entry.intent else None, slug, link))
    return made


def _link(entry: AuditEntry, slug: str) -> str:
    if slug and entry.act.startswith("container.") and _CONTAINER_ID.fullmatch(entry.subject):
        return reverse("container", args=[slug, entry.subject])
    return ""
