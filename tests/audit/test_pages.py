"""The audit pages: who reads what, what a row and an act show, hostile content, and what is typed wrongly."""

import pytest
from django.utils import timezone

from engines.models import AuditEntry, AuditHead, AuditSink, Operation
from engines.permissions import Permission
from engines.trail import write as trail
from tests.audit.conftest import CONTAINER

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def text(reply) -> str:
    assert reply.status_code == 200
    return reply.content.decode()


def seq(act: str) -> int:
    return AuditEntry.objects.filter(act=act).latest("seq").seq


def test_everything_is_shown_to_administrators(enter, written):
    page = text(enter("administrator").get("/audit/"))
    for shown in ("Stop container", "Create team", "dock crew", "Log in", "Kill container", "denied", "unfinished"):
        assert shown in page
    assert f"/engines/harbour/containers/{CONTAINER}/" in page
    assert page.count('class="denied"') == 1


def test_a_manager_reads_what_was_done_on_their_engine_and_nothing_else(enter, written):
    client = enter("manager")
    page = text(client.get("/engines/harbour/audit/"))
    assert "Stop container" in page and "Kill container" in page
    for hidden in ("Create team", "Pull image", "Lighthouse", "Log in"):
        assert f"{hidden}</a>" not in page
    assert client.get("/audit/").status_code == 403
    assert client.get("/engines/lighthouse/audit/").status_code == 404


@pytest.mark.parametrize("query", ["?engine=lighthouse", "?q=space", "?person=builder&act=image.pull"])
def test_no_choice_leads_a_manager_to_another_engine(enter, written, query):
    page = text(enter("manager").get(f"/engines/harbour/audit/{query}"))
    assert "Lighthouse" not in page and "Pull image</a>" not in page


def test_an_act_of_another_engine_is_not_shown_under_ones_own(enter, written):
    client = enter("manager")
    assert client.get(f"/engines/harbour/audit/{seq('container.stop')}/").status_code == 200
    for act in ("image.pull", "team.create", "login"):
        assert client.get(f"/engines/harbour/audit/{seq(act)}/").status_code == 404
        assert client.get(f"/audit/{seq(act)}/").status_code == 403


def test_operators_and_weaker_read_nothing(enter, written):
    for name in ("viewer", "operator", "builder"):
        assert enter(name).get("/engines/harbour/audit/").status_code == 403


def test_an_act_shows_all_that_was_written(enter, cast, engine):
    operation = Operation.objects.create(engine=engine, engine_name="Harbour", kind="image.pull", title="Pull")
    parameters = {"reference": "alpine:3.20"}
    intent = trail.begin(
        Permission.IMAGE_PULL, by=cast["builder"], engine=engine, parameters=parameters, operation=operation
    )
    made = [{"method": "POST", "path": "/v1.43/images/create?fromImage=alpine", "status": 200, "ms": 41}] * 250
    outcome = trail.conclude(intent, "FAILED", sentence="No space left.", requests=made)
    client = enter("administrator")
    for number in (intent.seq, outcome.seq):
        page = text(client.get(f"/audit/{number}/"))
        for shown in ("alpine:3.20", "No space left.", f"/operations/{operation.pk}/", intent.hash, outcome.hash):
            assert shown in page
        assert page.count("<td>200</td>") == 200
    assert client.get("/audit/999/").status_code == 404


def test_what_is_written_is_shown_as_text(enter, cast, engine):
    hostile = '<script>alert(1)</script>"><img src=x onerror=1>{{7*7}}'
    with trail.act("team.create", by=cast["administrator"], subject=hostile, parameters={"name": hostile}):
        pass
    client = enter("administrator")
    for page in (text(client.get("/audit/")), text(client.get(f"/audit/{seq('team.create')}/"))):
        assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;" in page
    page = text(client.get("/audit/", {"q": hostile, "person": hostile}))
    assert "<script>alert" not in page and "<img src=x" not in page


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-02-30",
        "act=no.such",
        "outcome=GOOD",
        "engine=nowhere",
        "q=a%00b",
        "person=%00",
        "q=" + "a+" * 9,
    ],
)
def test_what_is_typed_wrongly_is_told_and_nothing_shown(enter, written, query):
    page = text(enter("administrator").get(f"/audit/?{query}"))
    assert 'role="alert"' in page and "Stop container</a>" not in page


def test_what_is_typed_stays_and_is_in_the_address(enter, written):
    reply = enter("administrator").get("/audit/?q=crew&outcome=SUCCEEDED&person=", headers=HTMX)
    assert reply["HX-Replace-Url"] == "/audit/?q=crew&outcome=SUCCEEDED"
    assert "<html" not in reply.content.decode() and "Create team" in reply.content.decode()


@pytest.mark.parametrize("before", ["", "x", "-1", "0", "9" * 40, "²"])
def test_any_place_to_go_on_from_is_answered(enter, written, before):
    assert enter("administrator").get("/audit/", {"before": before}).status_code == 200


def test_older_acts_are_a_page_away(enter, cast):
    for number in range(60):
        trail.note("logout", by=cast["viewer"], subject=f"n{number}.")
    client = enter("administrator")
    page = text(client.get("/audit/?person=viewer"))
    assert "n59." in page and "n10." in page and "n9." not in page
    older = text(client.get(f"/audit/?person=viewer&before={AuditEntry.objects.get(subject='n10.').seq}"))
    assert "n9." in older and "n0." in older and "n10." not in older
    assert "Older</a>" in page and "Older</a>" not in older and "Newest</a>" in older


def test_what_waits_to_be_shipped_is_shown_where_shipping_is_set(enter, written, settings, tmp_path):
    AuditSink.objects.create(
        kind="file", seq=2, failing_since=timezone.now(), sentence="It does not take them: No space left on device."
    )
    waits = f"{AuditHead.objects.get().seq - 2} entries wait"
    client = enter("administrator")
    assert waits not in text(client.get("/audit/"))
    settings.AUDIT_FILE = str(tmp_path / "audit.jsonl")
    page = text(client.get("/audit/"))
    assert waits in page and "No space left on device." in page


def test_an_empty_trail_says_so(enter):
    assert "Nothing was done here yet" in text(enter("manager").get("/engines/harbour/audit/"))
