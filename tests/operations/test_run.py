"""One operation from claim to end: whatever happens, exactly one final status, with a sentence."""

import asyncio
import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from engines.client.errors import EngineTimeout
from engines.models import AccessPolicy, AuditEntry, Engine, LogChunk, Operation
from engines.operations import actions, ledger, reconcile, run
from engines.operations.job import OperationFailed
from engines.permissions import Role
from tests.operations.conftest import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
Status = Operation.Status


@pytest.fixture
def operation(cast, engine, sent) -> Operation:
    return actions.start(engine, "image.pull", {"reference": "a"}, title="Pull a", by=cast["builder"])


def again(operation: Operation) -> Operation:
    return Operation.objects.get(pk=operation.pk)


async def forever(job):
    await job.log.write("begun")
    await asyncio.sleep(600)


def test_start_sends_the_id_alone_and_the_same_form_twice_starts_once(cast, engine, sent):
    token = uuid.uuid4()
    first, second = (
        actions.start(engine, "image.pull", {}, title="Pull", by=cast["builder"], form_token=token) for _ in range(2)
    )
    assert first == second
    assert sent == [str(first.pk)]


def test_a_redelivered_message_finds_nothing_to_claim(operation, scripted):
    runs = []

    async def once(job):
        runs.append(job.id)
        return {"n": 1}

    scripted(once)
    run.execute(operation.pk)
    run.execute(operation.pk)
    assert len(runs) == 1
    assert (again(operation).status, again(operation).result) == (Status.SUCCEEDED, {"n": 1})
    assert again(operation).finished_at is not None


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationFailed("The step failed.", {"line": 3}), "The step failed."),
        (EngineTimeout("The engine did not answer within 10 s."), "The engine did not answer within 10 s."),
        (RuntimeError("secret detail"), "The console itself failed while running this; its own log says why."),
    ],
)
def test_every_failure_ends_as_failed_with_one_sentence_and_the_log_kept(operation, scripted, error, sentence):
    async def fail(job):
        await job.log.write("last words")
        raise error

    scripted(fail)
    run.execute(operation.pk)
    assert (again(operation).status, again(operation).sentence) == (Status.FAILED, sentence)
    assert LogChunk.objects.get(operation=operation).text == "last words\n"


def test_cancel_of_a_silent_operation_takes_less_than_a_second(operation, scripted, running, cast):
    ended = []

    async def silent(job):
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(True)

    scripted(silent)
    thread = running(operation)
    began = time.monotonic()
    actions.cancel(again(operation), by=cast["builder"])
    thread.join(5)
    assert time.monotonic() - began < 1
    assert again(operation).status == Status.CANCELLED
    assert again(operation).cancelled_by_name == "builder"
    assert ended


def test_cancel_of_a_queued_operation_ends_it_and_no_worker_takes_it(operation, scripted, cast):
    actions.cancel(operation, by=cast["builder"])
    scripted(forever)
    run.execute(operation.pk)
    assert again(operation).status == Status.CANCELLED
    assert again(operation).started_at is None


def test_an_operation_that_ended_is_not_cancelled_any_more(operation, scripted, cast):
    async def done(job):
        return {}

    scripted(done)
    run.execute(operation.pk)
    actions.cancel(again(operation), by=cast["manager"])
    assert again(operation).status == Status.SUCCEEDED
    assert again(operation).cancel_requested_at is None


def demote(builder: User, engine: Engine) -> None:
    builder.grants.update(role=Role.VIEWER)


def expire(builder: User, engine: Engine) -> None:
    builder.grants.update(expires_at=timezone.now())


def disable(builder: User, engine: Engine) -> None:
    User.objects.filter(pk=builder.pk).update(is_active=False)


def delete(builder: User, engine: Engine) -> None:
    builder.delete()


def ask_a_second_factor(builder: User, engine: Engine) -> None:
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.BUILDERS)


def disable_engine(builder: User, engine: Engine) -> None:
    Engine.objects.filter(pk=engine.pk).update(enabled=False)


def remove_engine(builder: User, engine: Engine) -> None:
    engine.delete()


WITHDRAWALS = [
    (demote, "builder, who started this, may not do it on Harbour any more."),
    (expire, "builder, who started this, may not do it on Harbour any more."),
    (disable, "builder, who started this, may not do it on Harbour any more."),
    (delete, "builder, who started this, was removed from this console."),
    (ask_a_second_factor, "builder, who started this, needs a second factor first."),
    (disable_engine, "Harbour was disabled."),
    (remove_engine, "Harbour was removed from this console."),
]


def outcome_of(operation: Operation) -> tuple[str, str]:
    entry = AuditEntry.objects.get(phase="OUTCOME", intent=operation.intent)
    return entry.outcome, entry.sentence


@pytest.mark.parametrize(("withdraw", "sentence"), WITHDRAWALS)
def test_rights_withdrawn_before_the_worker_starts_refuse_the_work(
    operation, scripted, cast, engine, withdraw, sentence
):
    runs = []

    async def work(job):
        runs.append(job.id)
        return {}

    scripted(work)
    withdraw(cast["builder"], engine)
    run.execute(operation.pk)
    assert runs == []
    assert (again(operation).status, again(operation).sentence) == (Status.CANCELLED, sentence)
    assert outcome_of(again(operation)) == ("CANCELLED", sentence)


@pytest.mark.parametrize(("withdraw", "sentence"), WITHDRAWALS)
def test_rights_withdrawn_while_it_runs_end_it(
    operation, scripted, running, cast, engine, monkeypatch, withdraw, sentence
):
    monkeypatch.setattr(run, "_BEAT_SECONDS", 0.3)
    begun, ended = threading.Event(), []

    async def work(job):
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(job.id)

    scripted(work)
    thread = running(operation)
    assert begun.wait(5)
    withdraw(cast["builder"], engine)
    thread.join(5)
    assert ended == [operation.pk]
    assert (again(operation).status, again(operation).sentence) == (Status.CANCELLED, sentence)
    assert outcome_of(again(operation)) == ("CANCELLED", sentence)


def test_a_weaker_role_that_still_suffices_ends_nothing(operation, scripted, running, cast, monkeypatch):
    monkeypatch.setattr(run, "_BEAT_SECONDS", 0.1)
    cast["builder"].grants.update(role=Role.MANAGER)
    begun = threading.Event()

    async def work(job):
        begun.set()
        await asyncio.sleep(1)
        return {}

    scripted(work)
    thread = running(operation)
    assert begun.wait(5)
    cast["builder"].grants.update(role=Role.BUILDER)
    thread.join(5)
    assert again(operation).status == Status.SUCCEEDED


def test_a_killed_worker_s_operation_ends_lost_and_the_old_worker_writes_nothing_more(operation, scripted, running):
    scripted(forever)
    thread = running(operation)
    wait_for(lambda: LogChunk.objects.filter(operation=operation).exists())
    Operation.objects.filter(pk=operation.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    reconcile.reconcile()
    thread.join(5)
    assert not thread.is_alive()
    assert (again(operation).status, again(operation).sentence) == (Status.LOST, ledger.LOST_SENTENCE)
    assert LogChunk.objects.filter(operation=operation).count() == 1


def test_a_worker_told_to_stop_ends_its_operations_with_a_sentence(operation, scripted, running):
    scripted(forever)
    thread = running(operation)
    run.STOPPING.set()
    try:
        thread.join(5)
    finally:
        run.STOPPING.clear()
    assert again(operation).status == Status.LOST
    assert "stopped" in again(operation).sentence


def test_a_message_lost_with_redis_is_sent_again_and_a_fresh_one_is_not(operation, sent):
    sent.clear()
    reconcile.reconcile()
    assert sent == []
    Operation.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=21))
    reconcile.reconcile()
    assert sent == [str(operation.pk)]


def test_a_repeat_is_a_new_operation_with_the_same_input(operation, cast, sent):
    repeated = actions.repeat(operation, by=cast["manager"])
    assert repeated.pk != operation.pk
    assert (repeated.spec, repeated.created_by) == (operation.spec, cast["manager"])


def test_a_flood_is_whole_in_order_and_numbered_without_gaps(operation, scripted):
    async def flood(job):
        for number in range(30_000):
            await job.log.write(f"line {number}")
            if number % 1000 == 0:
                await asyncio.sleep(0)
        return {}

    scripted(flood)
    run.execute(operation.pk)
    chunks = list(LogChunk.objects.filter(operation=operation).values_list("seq", "text"))
    assert [seq for seq, _ in chunks] == list(range(1, len(chunks) + 1))
    assert "".join(text for _, text in chunks).splitlines() == [f"line {number}" for number in range(30_000)]


@pytest.mark.parametrize("failures", [1, 2])
def test_a_database_that_refuses_a_write_ends_the_operation_all_the_same(operation, scripted, monkeypatch, failures):
    real, left = ledger.Ledger.append, [failures]

    def append(self, *values):
        if left[0] > 0:
            left[0] -= 1
            raise DatabaseError("database is locked")
        real(self, *values)

    monkeypatch.setattr(ledger.Ledger, "append", append)
    scripted(forever)
    run.execute(operation.pk)
    assert again(operation).status == Status.FAILED
    assert "console itself" in again(operation).sentence
