"""Puts right what crashed processes left behind. The watcher calls it every few seconds."""

from datetime import timedelta

from django.utils import timezone

from engines import hints
from engines.models import Operation
from engines.operations import ledger, tasks
from engines.trail import write as trail

#: A queued operation whose message may have been lost is sent again after this long; the claim makes that harmless.
_RESEND_AFTER = timedelta(seconds=20)


def reconcile() -> None:
    """End what lost its worker; send again what was queued and forgotten."""
    for operation_id in ledger.end_lost():
        hints.tell(hints.announce_advance, operation_id)
    trail.end_cut_off()
    forgotten = Operation.objects.filter(status=Operation.Status.QUEUED).exclude(
        heartbeat_at__gt=timezone.now() - _RESEND_AFTER
    )
    for operation_id in forgotten.values_list("pk", flat=True):
        tasks.enqueue(operation_id)
