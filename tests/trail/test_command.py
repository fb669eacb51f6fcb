"""`manage.py audit`: finds what was tampered with, and writes everything out."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from engines.models import AuditEntry, AuditSink
from engines.trail import write as trail
from tests.trail.test_trail import rewrite

pytestmark = pytest.mark.django_db


def audit(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def three(cast) -> None:
    for name in ("viewer", "operator", "builder"):
        trail.note("login", by=cast[name], sentence="ä\n")


def test_a_whole_trail_is_whole_and_says_how_fast_that_was_found(three):
    assert "Whole: 3 entries" in audit("verify")
    assert "per 100,000" in audit("verify")


def test_an_empty_trail_is_whole(db):
    assert "Whole: 0 entries" in audit("verify")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE engines_auditentry SET actor_name = 'x' WHERE seq = 2", "Broken at entry 2. Entry 2 is not what"),
        ("DELETE FROM engines_auditentry WHERE seq = 1", "Broken at entry 1. Entry 1 is missing"),
        ("DELETE FROM engines_auditentry WHERE seq = 3", "Broken at entry 4. The trail ends|Broken at entry 3. The"),
        ("UPDATE engines_audithead SET seq = 2", "Broken at entry 3. The trail ends at entry 2"),
        ("DELETE FROM engines_audithead", "Broken at entry 1. The trail ends at entry 0"),
    ],
)
def test_the_first_break_ends_it_with_an_error_that_names_it(three, sql, told):
    rewrite(sql)
    with pytest.raises(CommandError, match=told):
        audit("verify")


def test_a_trail_cut_short_with_its_head_is_seen_where_it_was_shipped(three):
    AuditSink.objects.create(kind="file", seq=3)
    last = AuditEntry.objects.get(seq=2)
    rewrite("DELETE FROM engines_auditentry WHERE seq = 3")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE engines_audithead SET seq = 2, hash = %s", [last.hash])
    with pytest.raises(CommandError, match="Broken at entry 3. The trail ends at entry 2, but the file was given"):
        audit("verify")


def test_missing_triggers_are_told_though_the_entries_are_whole(three):
    rewrite("SELECT 1")
    with pytest.raises(CommandError, match="nothing in the database keeps them from being changed"):
        audit("verify")


def test_everything_is_written_out_in_order_and_that_too_is_written_down(three):
    lines = [json.loads(each) for each in audit("export", "--format", "jsonl").splitlines()]
    assert [each["seq"] for each in lines] == [1, 2, 3]
    assert lines[0]["sentence"] == "ä\n" and lines[0]["hash"]
    assert AuditEntry.objects.get(act="audit.export").seq == 4
