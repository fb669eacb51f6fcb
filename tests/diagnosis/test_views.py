"""The pages that look into a container, on a real engine."""

import html
import json
import time

import pytest

from engines.client.connect import call, connect
from engines.models import EngineLimits

pytestmark = pytest.mark.django_db
SECRET = "hunter2-hunter2"


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def wait_for(endpoint, container: str, *states: str) -> None:
    client, deadline = connect(endpoint), time.monotonic() + 20
    while call(client, "GET", f"/containers/{container}/json")["State"]["Status"] not in states:
        assert time.monotonic() < deadline, f"not {states}"
        time.sleep(0.05)


def test_the_inspect_hides_from_viewers_what_may_be_secret_and_escapes_the_rest(enter, make):
    container = make("looked-at", Env=[f"TOKEN={SECRET}"], Labels={"x": "<script>alert(1)</script>"})
    page = enter("viewer").get(f"/engines/real/containers/{container}/inspect/")
    assert page.status_code == 200
    assert SECRET not in page.content.decode()
    assert "<script>alert" not in page.content.decode()
    assert ".Config.Env[0]" in text(page)
    assert SECRET in text(enter("operator").get(f"/engines/real/containers/{container}/inspect/"))


def test_processes_are_shown_in_the_columns_asked_for(enter, make):
    container = make("busy")
    page = text(enter("viewer").get(f"/engines/real/containers/{container}/processes/?column=user&column=args"))
    assert "sleep 1000000" in page
    assert "USER" in page and "RSS" not in page


@pytest.mark.parametrize("column", ["args --help", "pid;id", "user,args", "\0"])
def test_no_other_argument_reaches_ps(enter, make, column):
    container = make("quiet")
    page = enter("viewer").get(f"/engines/real/containers/{container}/processes/", {"column": column})
    assert page.status_code == 200
    assert "sleep 1000000" in text(page)


def test_where_logs_are_not_for_viewers_processes_are_not_either(enter, row, make):
    container = make("closed")
    EngineLimits.objects.create(engine=row, logs_need_operator=True)
    viewer = enter("viewer")
    assert viewer.get(f"/engines/real/containers/{container}/processes/").status_code == 403
    assert "Processes" not in text(viewer.get(f"/engines/real/containers/{container}/inspect/"))
    assert enter("operator").get(f"/engines/real/containers/{container}/processes/").status_code == 200


def test_health_tells_the_probes_and_a_container_without_one_says_so(enter, make, unix_engine):
    check = {"Test": ["CMD-SHELL", "echo '<b>not yet</b>'; exit 1"], "Interval": 1_000_000_000, "Retries": 1}
    container = make("ailing", Healthcheck=check)
    client, deadline = connect(unix_engine), time.monotonic() + 20
    while not call(client, "GET", f"/containers/{container}/json")["State"]["Health"]["Log"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page = enter("viewer").get(f"/engines/real/containers/{container}/health/")
    assert "&lt;b&gt;not yet" in page.content.decode()
    assert "Next probe" in text(page)
    without = make("plain-one")
    assert "No health check" in text(enter("operator").get(f"/engines/real/containers/{without}/health/"))


def test_why_it_stopped_names_the_code_the_person_and_the_last_lines(enter, make, unix_engine):
    script = "echo starting; echo 'ERROR: no <b>config</b>' >&2; exit 3"
    container = make("failing", Cmd=["sh", "-c", script])
    wait_for(unix_engine, container, "exited")
    page = text(enter("manager").get(f"/engines/real/containers/{container}/why/"))
    assert "with exit code 3" in page and "its own code 3" in page
    assert "ERROR: no <b>config</b>" in page
    assert "<b>config" not in enter("operator").get(f"/engines/real/containers/{container}/why/").content.decode()


def test_who_stopped_it_is_for_those_who_may_read_the_trail(enter, make):
    container = make("ended", StopSignal="SIGKILL")
    manager = enter("manager")
    manager.post(f"/engines/real/containers/{container}/stop/")
    assert "manager stopped it through this console" in text(manager.get(f"/engines/real/containers/{container}/why/"))
    page = text(enter("viewer").get(f"/engines/real/containers/{container}/why/"))
    assert "Somebody stopped it through this console" in page


def test_memory_that_ran_out_is_the_first_thing_told(enter, make, unix_engine):
    # Its first process outlives the one that is killed: an engine may miss what happens to one that ends with it.
    container = make("hungry", Cmd=["sh", "-c", "tail /dev/zero; sleep 0.5; exit 1"], HostConfig={"Memory": 8 << 20})
    wait_for(unix_engine, container, "exited")
    page = text(enter("viewer").get(f"/engines/real/containers/{container}/why/"))
    assert "used all memory up to its limit of 8.0 MiB" in page


def test_what_still_runs_has_nothing_to_tell(enter, make):
    container = make("alive")
    assert "has not stopped yet" in text(enter("viewer").get(f"/engines/real/containers/{container}/why/"))


def test_json_of_the_inspect_is_whole(enter, make):
    container = make("whole")
    page = text(enter("operator").get(f"/engines/real/containers/{container}/inspect/"))
    raw = page[page.index('id="inspect-raw"') :]
    assert json.loads(raw[raw.index("{") : raw.rindex("}", 0, raw.index("</pre>")) + 1])["Id"] == container
