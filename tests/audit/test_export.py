"""Taking the trail away: who may, that it is written down, and that no value becomes a formula or another line."""

import csv
import io
import json

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied

from engines.audit import queries, sheet, views
from engines.audit.types import Choice
from engines.models import AuditEntry
from engines.trail import chain
from engines.trail import write as trail

pytestmark = pytest.mark.django_db


@async_to_sync
async def whole(reply) -> str:
    return b"".join([part async for part in reply.streaming_content]).decode()


def rows(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


@pytest.mark.parametrize("name", ["viewer", "operator", "builder", "manager", "stranger"])
def test_only_administrators_take_the_trail_away(enter, written, name):
    for form in ("csv", "jsonl"):
        assert enter(name).post(f"/audit/export.{form}").status_code == 403
    assert not AuditEntry.objects.filter(act="audit.export").exists()


def test_taking_it_away_is_written_down_with_what_was_chosen(enter, written):
    enter("administrator").post("/audit/export.csv?act=container.*&person=&q=")
    entry = AuditEntry.objects.get(act="audit.export")
    assert entry.parameters == {"format": "csv", "filter": "act=container.%2A"}
    assert (entry.actor_name, entry.outcome) == ("administrator", "SUCCEEDED")


def test_a_link_alone_takes_nothing_away(enter, written):
    assert enter("administrator").get("/audit/export.csv").status_code == 405


def test_what_is_chosen_is_one_csv_line_per_act(enter, written):
    reply = enter("administrator").post("/audit/export.csv?person=operator")
    assert reply["Content-Disposition"].startswith('attachment; filename="audit-')
    found = rows(whole(reply))
    assert [(row["act"], row["outcome"], row["address"]) for row in found] == [
        ("container.stop", "SUCCEEDED", "10.1.2.3"),
        ("login", "SUCCEEDED", "10.1.2.3"),
    ]


def test_json_lines_can_be_checked_by_their_hashes(enter, written):
    lines = whole(enter("administrator").post("/audit/export.jsonl?act=image.pull")).splitlines()
    intent, outcome = map(json.loads, lines)
    assert (intent["phase"], outcome["phase"], outcome["intent"]) == ("INTENT", "OUTCOME", intent["seq"])
    assert outcome["parameters"] == {"reference": "registry.example.com/team/größe:1.2"}
    stored = AuditEntry.objects.get(seq=outcome["seq"])
    assert outcome == {**chain.content(stored), "hash": chain.seal(stored)}


def test_a_long_trail_comes_in_batches_and_whole(cast):
    for number in range(1203):
        trail.note("logout", by=cast["viewer"], subject=str(number))
    batches = [len(acts) for acts in queries.batches(Choice(person="viewer"))]
    assert batches == [500, 500, 203]


@pytest.mark.django_db(transaction=True)
def test_a_download_breaks_off_when_the_permission_is_withdrawn(cast):
    for number in range(600):
        trail.note("logout", by=cast["viewer"], subject=str(number))

    @async_to_sync
    async def download() -> None:
        parts = views._parts(cast["administrator"], queries.batches(Choice()), sheet.csv_lines, "")
        await anext(parts)
        await anext(parts)
        cast["administrator"].is_active = False
        await cast["administrator"].asave()
        await anext(parts)

    with pytest.raises(PermissionDenied):
        download()


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "=cmd|' /C calc'!A0",
        "＝1+1",
        "\u200b=1",
        "\ufeff=1",
    ],
)
def test_no_cell_starts_a_formula(cast, value):
    trail.note("logout", by=cast["viewer"], subject=value)
    act = queries.page(Choice(), before=None, rows=1).acts
    cell = rows(sheet.csv_head() + sheet.csv_lines(act))[0]["object"]
    assert cell[0] in "'\\"


@pytest.mark.parametrize("value", ['a"b', "a\r\nadmin,login", "a\x1b[2Jb", "a\u202eb", "a\u2028b", "a\0b", "a,b"])
def test_no_value_begins_another_line_or_drives_a_terminal(cast, value):
    trail.note("logout", by=cast["viewer"], subject=value)
    acts = queries.page(Choice(), before=None, rows=1).acts
    content = sheet.csv_lines(acts)
    assert content.count("\r\n") == 1 and len(content.splitlines()) == 1
    assert content.replace("\r\n", "").isprintable()
    line = sheet.json_lines(acts)
    assert line.isascii() and line.count("\n") == 1 and line.rstrip("\n").isprintable()
    assert json.loads(line)["subject"] == value.replace("\0", "␀")
