"""How entries follow one another: each carries the hash of the one before, under a key that is not in the database."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.conf import settings

from engines.models import AuditEntry, AuditHead

_FIELDS = (
    *("seq", "phase", "act", "outcome", "intent", "actor_pk", "actor_name", "address", "via", "engine_pk"),
    *("engine_name", "subject", "parameters", "sentence", "requests", "previous"),
)


@dataclass(frozen=True)
class Break:
    """Where the chain is broken first, and how, as a sentence."""

    seq: int
    sentence: str


def content(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON-able values, without its own hash. Moments as ISO 8601 in UTC, with microseconds."""
    values = {field: getattr(entry, field) for field in _FIELDS}
    values["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    values["operation"] = entry.operation and str(entry.operation)
    return values


def seal(entry: AuditEntry) -> str:
    """HMAC-SHA256 of the entry's content, which names the hash before it; in hex."""
    text = json.dumps(content(entry), sort_keys=True, separators=(",", ":"))
    return hmac.new(settings.AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def first_break(entries: Iterable[AuditEntry], head: AuditHead | None) -> Break | None:
    """The first break of the whole trail, given in order; None when it is whole.

    What it cannot see: that entries at the end, and the head with them, were put back to an earlier state. Only a
    copy outside the console shows that.
    """
    expected, previous = 1, ""
    for entry in entries:
        if entry.seq != expected:
            return Break(expected, f"Entry {expected} is missing; the next one there is {entry.seq}.")
        if entry.previous != previous:
            return Break(
                entry.seq, f"Entry {entry.seq} does not follow entry {entry.seq - 1}: one of them was replaced."
            )
        if not hmac.compare_digest(entry.hash, seal(entry)):
            return Break(entry.seq, f"Entry {entry.seq} is not what was written: it was changed.")
        expected, previous = entry.seq + 1, entry.hash
    if head is None or head.seq != expected - 1 or head.hash != previous:
        return Break(expected, f"The trail ends at entry {expected - 1}, but was longer: the end is missing.")
    return None
