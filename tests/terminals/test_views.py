"""The pages of terminals and recordings, as plain HTML, on a real engine."""

import html
import json
import time

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from engines.client.connect import call, connect
from engines.models import AuditEntry, EngineLimits, Recording
from engines.terminals import actions

pytestmark = pytest.mark.django_db


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def page_of(container: str, part: str = "terminal/") -> str:
    return f"/engines/real/containers/{container}/{part}"


@pytest.fixture
def recorded(row, settings, tmp_path) -> None:
    settings.RECORDINGS_DIR = tmp_path
    EngineLimits.objects.create(engine=row, record_terminals=True)


@pytest.mark.parametrize(("name", "status"), [("viewer", 403), ("operator", 200), ("stranger", 404)])
def test_those_who_may_exec_are_shown_a_terminal(enter, make, name, status):
    container = make(f"page-{name}")
    assert enter(name).get(page_of(container)).status_code == status


def test_the_tab_is_offered_to_those_who_may(enter, make):
    container = make("tabs")
    assert page_of(container) in text(enter("operator").get(page_of(container, "")))
    assert page_of(container) not in text(enter("viewer").get(page_of(container, "")))


def test_one_that_reaches_its_host_is_for_managers_alone(enter, make):
    container = make("mighty-page", HostConfig={"PidMode": "host"})
    operator = enter("operator")
    assert operator.get(page_of(container)).status_code == 403
    assert operator.post(page_of(container, "exec/"), {"command": "id"}).status_code == 403
    assert enter("manager").get(page_of(container)).status_code == 200


def test_a_container_that_does_not_run_says_so(enter, make, unix_engine):
    container = make("stopped-page", StopSignal="SIGKILL")
    operator = enter("operator")
    call(connect(unix_engine), "POST", f"/containers/{container}/stop")
    assert "does not run" in text(operator.get(page_of(container)))
    refused = operator.post(page_of(container, "exec/"), {"command": "id"})
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo shown", ["exit code 0", "shown"]),
        ("sh -c 'echo one; echo two >&2; exit 7'", ["exit code <strong>7", "one", "two"]),
        ("true", ["exit code 0", "It showed nothing"]),
        ("sh -c 'printf \"<b>bold</b>\"'", ["&lt;b&gt;bold"]),
        ("/no/such", ["no such file"]),
        ("sh -c 'exec kill -9 $$'", ["exit code <strong>137"]),
    ],
)
def test_a_short_command_shows_its_output_and_its_code(enter, make, command, said):
    container = make("runner")
    reply = enter("operator").post(page_of(container, "exec/"), {"command": command})
    for words in said:
        assert words in reply.content.decode()
    entry = AuditEntry.objects.filter(act="container.exec", phase="OUTCOME").get()
    assert entry.subject == container and entry.parameters["command"].split()[0] == command.split()[0]


def test_it_runs_as_the_user_and_in_the_folder_asked_for(enter, make):
    fields = {"command": "sh -c 'id -u; pwd'", "user": "1234", "folder": "/tmp"}
    page = text(enter("operator").post(page_of(make("runner-as"), "exec/"), fields))
    assert "1234\n/tmp" in page


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"command": ""}, "command"),
        ({"command": "sh -c 'open"}, "command"),
        ({"command": "id", "user": "a b"}, "user"),
        ({"command": "id", "folder": "relative"}, "folder"),
    ],
)
def test_what_cannot_be_run_is_told_at_its_field_and_kept(enter, make, typed, field):
    reply = enter("operator").post(page_of(make("picky-form"), "exec/"), typed)
    assert reply.status_code == 422
    assert f'id="id_{field}_error"' in reply.content.decode()
    assert all(html.escape(value) in reply.content.decode() for value in typed.values())
    assert not AuditEntry.objects.filter(act="container.exec").exists()


def test_what_does_not_end_is_ended(enter, make, monkeypatch, unix_engine):
    monkeypatch.setattr(actions, "RUN_SECONDS", 0.5)
    container = make("slow-runner")
    page = text(enter("operator").post(page_of(container, "exec/"), {"command": "sh -c 'echo begun; sleep 4444'"}))
    assert "begun" in page and "took longer" in page
    client, deadline = connect(unix_engine), time.monotonic() + 10
    while any("4444" in row[-1] for row in call(client, "GET", f"/containers/{container}/top")["Processes"]):
        assert time.monotonic() < deadline


def test_what_shows_too_much_is_ended_and_cut(enter, make):
    reply = enter("operator").post(page_of(make("loud-runner"), "exec/"), {"command": "yes"})
    assert "more than 1 MiB" in text(reply)
    assert len(reply.content) < 3 << 20


def test_short_commands_are_recorded_as_well(enter, make, recorded, tmp_path):
    container = make("recorded-runner")
    assert "recorded" in text(enter("operator").get(page_of(container)))
    enter("manager").post(page_of(container, "exec/"), {"command": "echo for the record"})
    kept = Recording.objects.get()
    lines = (tmp_path / f"{kept.pk}.cast").read_text().splitlines()
    assert json.loads(lines[1])[1:] == ["o", "for the record\r\n"]
    assert kept.digest and kept.ended_at
    assert AuditEntry.objects.filter(act="container.exec", phase="OUTCOME").get().parameters["recording"] == str(
        kept.pk
    )


def test_a_short_command_that_shows_more_than_waits_to_be_written_is_recorded_whole(enter, make, recorded, tmp_path):
    # Each NUL is six characters of its recording.
    fields = {"command": "head -c 900000 /dev/zero"}
    reply = enter("operator").post(page_of(make("recorded-much"), "exec/"), fields)
    assert "exit code 0" in text(reply) and "took longer" not in text(reply)
    events = [json.loads(line) for line in (tmp_path / f"{Recording.objects.get().pk}.cast").read_text().splitlines()]
    assert sum(len(shown) for _, _, shown in events[1:]) == 900_000


def test_a_short_command_whose_recording_cannot_be_written_does_not_run(enter, make, recorded, settings, tmp_path):
    settings.RECORDINGS_DIR = tmp_path / "missing"
    container = make("unrecorded-runner")
    reply = enter("operator").post(page_of(container, "exec/"), {"command": "echo shown"})
    assert reply.status_code == 409 and "cannot be written" in text(reply)
    assert AuditEntry.objects.get(subject=container, phase="OUTCOME").outcome == "FAILED"
    assert not Recording.objects.exists()


def test_recordings_are_for_managers_and_every_look_is_written_down(enter, make, recorded, row):
    manager = enter("manager")
    manager.post(page_of(make("watched"), "exec/"), {"command": "echo <script>alert(1)</script>"})
    kept = Recording.objects.get()
    paths = [
        "/engines/real/recordings/",
        f"/engines/real/recordings/{kept.pk}/",
        f"/engines/real/recordings/{kept.pk}/cast/",
    ]
    operator = enter("operator")
    assert [operator.get(path).status_code for path in paths] == [403] * 3
    assert not AuditEntry.objects.filter(act="recording.view", outcome="SUCCEEDED").exists()
    listed = manager.get(paths[0]).content.decode()
    assert "watched" in listed and "<script>alert" not in listed
    assert "the file has it" in text(manager.get(paths[1]))
    assert not AuditEntry.objects.filter(act="recording.view", outcome="SUCCEEDED").exists()


@pytest.mark.django_db(transaction=True)
def test_the_file_comes_as_an_attachment_and_is_written_down(enter, make, recorded, row):
    manager = enter("manager")
    manager.post(page_of(make("taken-along"), "exec/"), {"command": "echo kept"})
    kept = Recording.objects.get()
    browser = AsyncClient()
    browser.cookies = manager.cookies

    async def taken(query: str):
        reply = await browser.get(f"/engines/real/recordings/{kept.pk}/cast/{query}")
        return reply, b"".join([block async for block in reply.streaming_content])

    for query, how in (("", "replay"), ("?file", "file")):
        reply, body = async_to_sync(taken)(query)
        assert b'"kept\\r\\n"' in body and body.count(b"\n") == 2
        assert reply["Content-Disposition"].startswith("attachment") and "sandbox" in reply["Content-Security-Policy"]
        entry = AuditEntry.objects.filter(act="recording.view").latest("seq")
        assert entry.parameters == {"recording": str(kept.pk), "as": how}


def test_a_file_that_was_changed_or_is_gone_is_told(enter, make, recorded, row, tmp_path):
    manager = enter("manager")
    manager.post(page_of(make("tampered"), "exec/"), {"command": "echo before"})
    kept = Recording.objects.get()
    file = tmp_path / f"{kept.pk}.cast"
    file.write_text(file.read_text().replace("before", "after "))
    assert "was changed after it was made" in text(manager.get(f"/engines/real/recordings/{kept.pk}/"))
    file.unlink()
    assert "not there any more" in text(manager.get(f"/engines/real/recordings/{kept.pk}/"))
    assert manager.get(f"/engines/real/recordings/{kept.pk}/cast/").status_code == 404


def test_a_recording_is_found_by_its_person_container_or_command(enter, row):
    for name, command in (("web", "bash || sh"), ("db", "psql")):
        Recording.objects.create(
            engine=row, container_id="a" * 64, container_name=name, user_name="ann", command=command
        )
    manager = enter("manager")
    for words, found in (("ann psql", ["db"]), ("web", ["web"]), ("ann", ["db", "web"]), ("zzz", [])):
        page = text(manager.get("/engines/real/recordings/", {"q": words}))
        assert [name for name in ("db", "web") if f">{name}</a>" in page] == found
    assert manager.get("/engines/real/recordings/?page=-3&q=" + "x" * 300).status_code == 200


def test_another_engine_s_recording_is_not_found_here(enter, row, engine):
    other = Recording.objects.create(engine=engine, container_id="a" * 64, command="sh")
    assert enter("manager").get(f"/engines/real/recordings/{other.pk}/").status_code == 404
