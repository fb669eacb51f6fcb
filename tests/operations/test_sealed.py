"""What may be secret in an operation's input is sealed at rest, and opened only to run it again."""

import importlib
import uuid

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client

from engines.models import Operation
from engines.operations import actions, sealed, tasks
from engines.operations.kinds import KINDS
from engines.secrets import SecretUnreadable

SPEC = {"context": "c.tar", "build_args": {"TOKEN": "canary-argument"}, "tags": ["a:1"]}


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)


@pytest.fixture
def operation(cast, engine) -> Operation:
    return actions.start(engine, "image.build", SPEC, title="Build", by=cast["builder"])


def dump() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM engines_operation")
        rows = repr(cursor.fetchall())
        cursor.execute("SELECT * FROM engines_auditentry")
        return rows + repr(cursor.fetchall())


def test_the_values_of_build_arguments_are_in_no_row(operation):
    assert "canary" not in dump()
    assert Operation.objects.get(pk=operation.pk).spec["tags"] == ["a:1"]
    assert sealed.opened(operation) == SPEC


def test_a_repeat_runs_on_the_same_arguments_sealed_for_its_own_row(operation, cast):
    repeated = actions.repeat(operation, by=cast["builder"])
    assert sealed.opened(repeated) == SPEC
    assert repeated.spec["build_args"] != operation.spec["build_args"]


def test_sealed_arguments_moved_to_another_operation_do_not_open(operation, cast, engine):
    other = actions.start(engine, "image.build", SPEC, title="Build", by=cast["builder"])
    other.spec["build_args"] = operation.spec["build_args"]
    with pytest.raises(SecretUnreadable):
        sealed.opened(other)


def test_the_same_form_sent_twice_is_one_operation_although_it_is_never_sealed_twice_alike(cast, engine):
    token = uuid.uuid4()
    first, second = (
        actions.start(engine, "image.build", SPEC, title="Build", by=cast["builder"], form_token=token)
        for _ in range(2)
    )
    assert first.pk == second.pk


def test_a_repeat_whose_arguments_do_not_open_is_told_and_starts_nothing(operation, cast):
    operation.spec["build_args"] = "v1:AAAA"
    Operation.objects.update(spec=operation.spec, status="SUCCEEDED")
    client = Client()
    client.force_login(cast["builder"], backend=settings.AUTHENTICATION_BACKENDS[0])
    page = client.post(f"/operations/{operation.pk}/repeat/", follow=True)
    assert "Not started: " in page.content.decode()
    assert Operation.objects.count() == 1


def test_no_kind_lets_the_audit_trail_keep_what_is_sealed():
    assert [name for name, kind in KINDS.items() if set(kind.audited) & set(kind.sealed)] == []


def test_arguments_stored_before_they_were_sealed_are_sealed_by_the_migration(operation):
    Operation.objects.update(spec=SPEC)
    migration = importlib.import_module("engines.migrations.0004_sealed_build_arguments")
    migration.seal(apps, connection.schema_editor())
    assert "canary" not in dump()
    assert sealed.opened(Operation.objects.get()) == SPEC
    migration.seal(apps, connection.schema_editor())
    assert sealed.opened(Operation.objects.get()) == SPEC
