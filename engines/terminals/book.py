"""What is written down of a terminal once it has ended: the outcome in the trail, and its recording's row."""

from django.db import connection
from django.utils import timezone

from engines.client.record import Request
from engines.models import AuditEntry, Recording
from engines.terminals.cast import Cast
from engines.terminals.types import Ending
from engines.trail import write as trail

#: Endings that are nobody's failure.
_WELL = frozenset({"exited", "left", "idle"})


def concluded(
    intent: AuditEntry,
    recording: Recording | None,
    cast: Cast | None,
    ending: Ending,
    *,
    seconds: float,
    shown_bytes: int,
    requests: list[Request],
) -> None:
    """Write the outcome of a terminal. In a thread that nobody else closes the connection of."""
    try:
        facts = [ending.sentence, f"{seconds:.0f} s, {shown_bytes} bytes shown."]
        if recording is not None and cast is None:
            recording.delete()
        elif recording is not None and cast is not None:
            stored(recording, cast)
            facts.append(f"Recording of {cast.size_bytes} bytes, SHA-256 {cast.digest}.")
        outcome = AuditEntry.Outcome.SUCCEEDED if ending.reason in _WELL else AuditEntry.Outcome.FAILED
        trail.conclude(intent, outcome, sentence=" ".join(facts), requests=requests)
    finally:
        connection.close()


def stored(recording: Recording, cast: Cast) -> None:
    """The row of a recording whose file is complete."""
    Recording.objects.filter(pk=recording.pk).update(
        ended_at=timezone.now(), size_bytes=cast.size_bytes, digest=cast.digest
    )
