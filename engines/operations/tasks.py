"""Entries of the worker. Each message holds an id at most; the rows say what to do."""

import contextlib
import logging
import threading
import time
import uuid
from pathlib import Path

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from engines.models import Heartbeat, Operation
from engines.operations import run

log = logging.getLogger(__name__)

_SPOOL_SECONDS = 7 * 24 * 3600
#: No upload, and no rewriting of one, goes on for this long without a byte.
_LEFT_SECONDS = 24 * 3600
_BEAT_SECONDS = 5


@shared_task(name="engines.operations.tasks.run_operation")
def run_operation(operation_id: str) -> None:
    """Run one operation to its end."""
    run.execute(uuid.UUID(operation_id))


@shared_task(name="engines.operations.tasks.housekeeping")
def housekeeping() -> None:
    """Hourly: remove logins that have ended, build contexts unused for a week, and what was left half written."""
    SessionStore.clear_expired()
    spool = Path(settings.SPOOL_DIR)
    for pattern, seconds in (("*.tar", _SPOOL_SECONDS), ("*.partial", _LEFT_SECONDS), ("uploads/*", _LEFT_SECONDS)):
        for path in spool.glob(pattern):
            # Others remove theirs meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > seconds:
                    path.unlink()


def enqueue(operation_id: uuid.UUID) -> None:
    """Send the message; when Redis is away the row stays QUEUED, and `reconcile` sends it later."""
    Operation.objects.filter(pk=operation_id, status=Operation.Status.QUEUED).update(heartbeat_at=timezone.now())
    with contextlib.suppress(OperationalError):
        run_operation.apply_async((str(operation_id),), retry=False)


@worker_ready.connect
def _ready(**_: object) -> None:
    run.STOPPING.clear()
    threading.Thread(target=_beat, name="heartbeat", daemon=True).start()


@worker_shutting_down.connect
def _stopping(**_: object) -> None:
    run.STOPPING.set()


def _beat() -> None:
    # A thread of its own: when every thread of the pool is busy the worker is alive all the same.
    while not run.STOPPING.is_set():
        try:
            Heartbeat.objects.update_or_create(name="worker", defaults={"at": timezone.now()})
        except DatabaseError:
            log.warning("no heartbeat written: the database does not answer")
        connection.close()
        run.STOPPING.wait(_BEAT_SECONDS)
