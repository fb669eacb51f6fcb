"""The trail itself: intent before, outcome after, nothing changed afterwards, and any change found."""

import pytest
from django.db import DatabaseError, connection, transaction

from engines.models import AppendOnly, AuditEntry, AuditHead
from engines.permissions import Permission
from engines.trail import append_only, chain
from engines.trail import write as trail
from engines.trail.acts import ACTS, allowed
from engines.trail.write import NotDone

pytestmark = pytest.mark.django_db


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.order_by("seq"))


def broken() -> str:
    found = chain.first_break(AuditEntry.objects.order_by("seq"), AuditHead.objects.first())
    return found.sentence if found else ""


def stop(engine, by, subject="a" * 64):
    return trail.act(Permission.CONTAINER_STOP, by=by, engine=engine, subject=subject)


def rewrite(sql: str) -> None:
    """As somebody does who owns the database file."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER audit_update_refused")
            cursor.execute("DROP TRIGGER audit_delete_refused")
        else:
            cursor.execute("ALTER TABLE engines_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql)


def test_an_act_leaves_its_intent_before_and_its_outcome_after(cast, engine):
    with stop(engine, cast["operator"]):
        assert [(entry.phase, entry.act) for entry in entries()] == [("INTENT", "container.stop")]
    intent, outcome = entries()
    assert (outcome.phase, outcome.outcome, outcome.intent) == ("OUTCOME", "SUCCEEDED", intent.seq)
    assert (outcome.actor_name, outcome.engine_name, outcome.subject) == ("operator", "Harbour", "a" * 64)


def test_what_failed_says_why_where_that_was_written_for_people(cast, engine):
    for error, told in ((NotDone("It was removed."), "It was removed."), (KeyError("s3cr3t"), "KeyError")):
        with pytest.raises(type(error)), stop(engine, cast["operator"]):
            raise error
        assert (entries()[-1].outcome, entries()[-1].sentence) == ("FAILED", told)


def test_no_intent_written_no_act(cast, engine):
    AuditHead.objects.all().delete()
    done = []
    with pytest.raises(AuditHead.DoesNotExist), stop(engine, cast["operator"]):
        done.append("stopped")
    assert done == []


def test_the_name_stays_when_the_person_and_the_engine_are_gone(cast, engine):
    trail.note("login", by=cast["operator"], engine=engine)
    cast["operator"].delete()
    engine.delete()
    assert (entries()[0].actor_name, entries()[0].engine_name) == ("operator", "Harbour")


def test_a_parameter_that_is_not_listed_for_the_act_cannot_be_written(cast, engine):
    with pytest.raises(ValueError, match="env"):
        trail.note(Permission.CONTAINER_CREATE, by=cast["operator"], parameters={"image": "a", "env": ["TOKEN=x"]})
    assert entries() == []


def test_every_permission_is_an_act_and_nothing_else_that_is_not_listed():
    assert all(allowed(permission) is not None for permission in Permission)
    assert all("password" not in names and "env" not in names for names in ACTS.values())
    with pytest.raises(ValueError):
        allowed("container.explode")


def test_the_orm_neither_changes_nor_removes_an_entry(cast):
    entry = trail.note("login", by=cast["viewer"])
    for change in (
        entry.delete,
        entry.save,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(act="logout"),
        lambda: AuditEntry.objects.bulk_update([entry], ["act"]),
    ):
        with pytest.raises(AppendOnly):
            change()


@pytest.mark.parametrize("sql", ["UPDATE engines_auditentry SET act = 'x'", "DELETE FROM engines_auditentry"])
def test_the_database_refuses_to_change_or_remove_an_entry(cast, sql):
    trail.note("login", by=cast["viewer"])
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert append_only.installed()


def test_a_whole_trail_is_whole(cast, engine):
    trail.note("login", by=cast["viewer"], parameters={"method": "pässword\0"}, sentence="x" * 900)
    with stop(engine, cast["operator"]):
        pass
    assert broken() == ""


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE engines_auditentry SET actor_name = 'somebody else' WHERE seq = 2", "Entry 2 is not what was written"),
        ("UPDATE engines_auditentry SET at = '2020-01-01 00:00:00' WHERE seq = 2", "Entry 2 is not what was written"),
        ("DELETE FROM engines_auditentry WHERE seq = 2", "Entry 2 is missing"),
        ("DELETE FROM engines_auditentry WHERE seq = 3", "the end is missing"),
        ("DELETE FROM engines_auditentry", "the end is missing"),
    ],
)
def test_a_tampered_trail_names_its_first_break(cast, sql, told):
    for name in ("viewer", "operator", "builder"):
        trail.note("login", by=cast[name])
    rewrite(sql)
    assert told in broken()
