"""No intent written, no act: on a real engine. And what becomes of an act whose worker died."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from engines.audit import queries
from engines.audit.types import UNFINISHED, Choice
from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.containers import actions
from engines.models import AuditEntry, Operation
from engines.operations.actions import start
from engines.operations.ledger import LOST_AFTER, claim
from engines.operations.reconcile import reconcile
from engines.trail import write as trail

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(unix_engine):
    """The id of a container that runs."""
    client = connect(unix_engine)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    made = call(client, "POST", "/containers/create", body=body)["Id"]
    call(client, "POST", f"/containers/{made}/start")
    yield made
    with suppress(EngineReplied):
        call(client, "DELETE", f"/containers/{made}", params={"force": "1"})


def states(choice: Choice) -> list[str]:
    return [act.state for act in queries.page(choice, before=None, rows=50).acts]


@pytest.mark.parametrize("verb", ["stop", "kill", "pause", "restart", "remove"])
def test_nothing_is_done_that_cannot_be_written_down_first(register, unix_engine, cast, running, verb):
    row = register(unix_engine)
    began = call(connect(unix_engine), "GET", f"/containers/{running}/json")["State"]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER disk_full BEFORE INSERT ON engines_auditentry BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute("ALTER TABLE engines_auditentry ADD CHECK (seq < 0) NOT VALID")
    with pytest.raises(DatabaseError):
        getattr(actions, verb)(row, running, by=cast["administrator"])
    assert call(connect(unix_engine), "GET", f"/containers/{running}/json")["State"] == began


def test_what_was_done_on_an_engine_is_kept_with_the_requests_it_took(register, unix_engine, cast, running):
    actions.stop(register(unix_engine), running, by=cast["administrator"])
    outcome = AuditEntry.objects.get(act="container.stop", phase="OUTCOME")
    made = [(one["method"], one["path"].split("?")[0].partition("/containers")[2]) for one in outcome.requests]
    assert ("POST", f"/{running}/stop") in made
    assert all(one["status"] in {200, 204} and one["ms"] >= 0 for one in outcome.requests)


def test_an_operation_whose_worker_died_is_unfinished_and_then_lost(cast, engine):
    operation = start(engine, "image.pull", {"reference": "alpine:3.20"}, title="Pull", by=cast["builder"])
    assert states(Choice(outcome=UNFINISHED)) == ["UNFINISHED"]
    claim(operation.pk)
    reconcile()
    assert states(Choice(act="image.pull")) == ["UNFINISHED"]
    Operation.objects.filter(pk=operation.pk).update(heartbeat_at=timezone.now() - LOST_AFTER - timedelta(seconds=1))
    reconcile()
    assert states(Choice(act="image.pull")) == ["LOST"]
    reconcile()
    assert AuditEntry.objects.filter(act="image.pull").count() == 2


def test_an_operation_that_waits_for_long_is_not_taken_for_cut_off(cast, engine, monkeypatch):
    began = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: began - timedelta(hours=2))
    start(engine, "image.pull", {"reference": "alpine:3.20"}, title="Pull", by=cast["builder"])
    monkeypatch.setattr(timezone, "now", lambda: began)
    trail.end_cut_off()
    assert states(Choice(outcome=UNFINISHED)) == ["UNFINISHED"]
