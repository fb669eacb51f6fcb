"""The page that makes a container: what is shown of it before, what is taken from a command or another container."""

import html
import json

import pytest

from engines.client.connect import call, connect
from engines.creation.forms import CreateForm
from engines.models import AuditEntry, Engine, Operation

pytestmark = pytest.mark.django_db
BASE = "/engines/real/containers/"
CREATE = f"{BASE}create/"
PLAIN = {**CreateForm().sent(), "image": "busybox:local", "start": "on"}
MISSING = {**PLAIN, "image": "missing:nowhere"}


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def said(reply, key: str) -> str:
    """The text of one way to say a container."""
    return {each.key: each.text for each in reply.context["texts"]}[key]


def test_what_is_typed_is_shown_as_a_command_and_as_requests_and_nothing_is_made(enter, row, unix_engine):
    before = AuditEntry.objects.count(), len(call(connect(unix_engine), "GET", "/containers/json", params={"all": "1"}))
    typed = {**PLAIN, "name": "web", "env": "A=it's", "ports": "8080:80", "memory_bytes": "64m"}
    reply = enter("operator").post(f"{CREATE}preview/", typed)
    assert reply.status_code == 200 and "HX-Retarget" not in reply.headers
    assert "Within the limits of Real" in text(reply)
    assert "--name web" in said(reply, "run") and "-p 127.0.0.1:8080:80" in said(reply, "run")
    path, sent = said(reply, "api").split("\n\n")[0].split("\n", 1)
    assert path == f"POST /v{row.api_version}/containers/create?name=web"
    assert json.loads(sent)["Env"] == ["A=it's"] and json.loads(sent)["HostConfig"]["Memory"] == 64 << 20
    assert "container_name: web" in said(reply, "compose")
    assert "curl" in said(reply, "curl") and "/containers/web/start" in said(reply, "curl")
    assert "console.user" in said(reply, "api")
    assert not any("console.user" in said(reply, key) for key in ("run", "curl", "compose"))
    after = AuditEntry.objects.count(), len(call(connect(unix_engine), "GET", "/containers/json", params={"all": "1"}))
    assert after == before


def test_what_is_not_valid_yet_leaves_the_last_texts_and_says_what_is_wrong(enter, row):
    reply = enter("operator").post(f"{CREATE}preview/", {**PLAIN, "ports": "x"})
    assert reply.headers["HX-Retarget"] == "#preview-state"
    assert "Not valid yet" in text(reply) and "Ports" in text(reply) and "as-texts" not in text(reply)


@pytest.mark.parametrize("who", ["operator", "manager"])
def test_the_preview_says_what_is_beyond_the_limits(enter, row, who):
    page = text(enter(who).post(f"{CREATE}preview/", {**PLAIN, "privileged": "on"}))
    assert "runs privileged" in page and "--privileged" in page
    assert ("You may create it" in page) is (who == "manager")


def test_the_preview_of_an_engine_that_is_away_still_says_it_in_other_words(enter, tmp_path):
    Engine.objects.create(name="Away", slug="away", url=f"unix://{tmp_path}/none.sock", api_version="1.41")
    typed = {**PLAIN, "mounts": "data:/data"}
    page = text(enter("administrator").post("/engines/away/containers/create/preview/", typed))
    assert "There is no socket at this path" in page and "data:/data" in page


@pytest.mark.parametrize("path", ["preview/", "paste/"])
def test_who_may_not_create_gets_no_preview_and_takes_no_command(enter, row, path):
    assert enter("viewer").post(CREATE + path, PLAIN).status_code == 403
    assert enter("operator").get(CREATE + path).status_code == 405


def test_a_pasted_command_fills_in_the_form_and_what_was_typed_stays(enter, row):
    typed = {**PLAIN, "env": "KEEP=me", "dns": "not an address", "pasted": "docker run -d --name web -p 80:80 nginx:1"}
    reply = enter("operator").post(f"{CREATE}paste/", typed)
    assert reply.status_code == 200
    form = reply.context["form"]
    assert (form["image"].value(), form["name"].value()) == ("nginx:1", "web")
    assert (form["env"].value(), form["dns"].value()) == ("KEEP=me", "not an address")
    assert form["ports"].value() == "*:80:80"
    assert form["memory_bytes"].value() == "512m"
    assert "is not an IP address" in text(reply) and "docker run -d --name web" in text(reply)


def test_a_pasted_create_is_not_started_and_what_is_not_understood_is_told(enter, row):
    typed = {**PLAIN, "pasted": "sudo docker create --sideways --pull always -it busybox:local sh"}
    reply = enter("operator").post(f"{CREATE}paste/", typed)
    form = reply.context["form"]
    assert (form["start"].value(), form["command"].value()) == (False, "sh")
    assert form["tty"].value() and form["interactive"].value()
    assert "--sideways" in text(reply) and "not all of it" in text(reply)


@pytest.mark.parametrize(
    "pasted",
    ["", "rm -rf /", "docker run 'unclosed", "docker run\x00", "docker run " + "-v a:/b " * 9000],
    ids=["nothing", "another", "unclosed", "nul", "too long"],
)
def test_what_is_no_command_changes_nothing_and_is_told(enter, row, pasted):
    reply = enter("operator").post(f"{CREATE}paste/", {**PLAIN, "env": "KEEP=me", "pasted": pasted})
    assert reply.status_code == 200
    assert "KEEP=me" in text(reply) and "not all of it" in text(reply)


def test_tags_are_completed_from_the_engine(enter, row, tmp_path):
    browser = enter("operator")
    assert '<option value="busybox:local">' in text(browser.get(f"{CREATE}images/", {"image": "BUSY"}))
    assert "<option" not in text(browser.get(f"{CREATE}images/", {"image": "zzz"}))
    Engine.objects.create(name="Away", slug="away", url=f"unix://{tmp_path}/none.sock", api_version="1.41")
    reply = enter("administrator").get("/engines/away/containers/create/images/")
    assert reply.status_code == 200 and "<option" not in text(reply)


def test_an_image_that_is_missing_is_pulled_in_an_operation_by_those_who_may(enter, row):
    browser = enter("builder")
    reply = browser.post(CREATE, MISSING)
    (operation,) = Operation.objects.all()
    assert reply.status_code == 302 and str(operation.pk) in reply.url
    assert operation.kind == "container.create"
    # The same form sent twice is one operation.
    page = browser.get(CREATE)
    token = str(page.context["form"]["form_token"].value())
    for _ in range(2):
        browser.post(CREATE, {**MISSING, "form_token": token})
    assert Operation.objects.count() == 2


@pytest.mark.parametrize(("who", "pull"), [("operator", "missing"), ("operator", "always"), ("builder", "never")])
def test_who_may_not_or_will_not_pull_is_told_that_the_image_is_missing(enter, row, who, pull):
    reply = enter(who).post(CREATE, {**MISSING, "pull": pull})
    assert reply.status_code == 422
    assert "No such image" in str(reply.context["form"].errors["image"])
    assert not Operation.objects.exists()


def test_who_may_not_pull_is_not_asked_about_it(enter, row):
    assert 'name="pull"' in text(enter("builder").get(CREATE))
    assert 'name="pull"' not in text(enter("operator").get(CREATE))


def test_a_copy_takes_over_what_was_asked_for_and_not_what_the_image_gives(enter, make):
    name = "copied-from"
    made = make(name, Env=["SECRET=shown-to-operators"], Labels={"tier": "web", "console.user": "bob"})
    reply = enter("operator").get(f"{BASE}{made}/duplicate/")
    form = reply.context["form"]
    assert form["name"].value() == f"{name}-copy"
    assert form["env"].value() == "SECRET=shown-to-operators"
    assert form["labels"].value() == "tier=web"
    assert form["command"].value() == "sleep 1000000"
    # What docker run gives and those below manager may not have is told where it can be changed.
    assert {"memory_bytes", "pids", "log_options", "new_privileges"} <= form.errors.keys()


def test_a_copy_of_what_the_form_cannot_say_tells_it(enter, make):
    made = make("strange", Env=["NO_VALUE", "A=windows\r"], HostConfig={"BlkioWeight": 0, "KernelMemory": 0})
    page = text(enter("manager").get(f"{BASE}{made}/duplicate/"))
    assert "cannot say all of it" in page and "Environment" in page


def test_a_viewer_copies_nothing(enter, make):
    assert enter("viewer").get(f"{BASE}{make('not-copied')}/duplicate/").status_code == 403


def test_an_existing_container_is_said_as_a_command_without_what_its_image_gives(enter, make):
    made = make("said", Env=["COLOUR=blue"], HostConfig={"Memory": 64 << 20})
    browser = enter("operator")
    command = said(browser.get(f"{BASE}{made}/as/"), "run")
    assert "--name said" in command and "COLOUR=blue" in command and "-m 64m" in command
    assert "PATH=" not in command and "sleep 1000000" in command
    assert browser.get(f"{BASE}{'f' * 64}/as/").status_code == 404


def test_values_are_hidden_from_a_viewer_in_every_form(enter, make):
    made = make("hidden", Env=["SECRET=hunter2"], Cmd=["sleep", "1000000", "--token=hunter3"])
    reply = enter("viewer").get(f"{BASE}{made}/as/")
    assert "hunter" not in text(reply)
    assert "SECRET=" in said(reply, "run") and "PATH=" not in said(reply, "run")
    assert "hunter2" in text(enter("operator").get(f"{BASE}{made}/as/"))


def test_without_scripts_a_check_shows_the_texts_and_a_fresh_page_none(enter, row):
    browser = enter("operator")
    assert browser.get(CREATE).context["texts"] == ()
    assert "--memory" in said(browser.post(CREATE, {**PLAIN, "check": "1"}), "run").replace("-m ", "--memory ")


def test_an_image_of_another_page_is_filled_in(enter, row):
    assert 'value="busybox:local"' in text(enter("operator").get(CREATE, {"image": "busybox:local"}))


def test_a_container_made_by_the_form_fills_in_the_same_form(enter, unix_engine, row):
    typed = {
        **PLAIN,
        "name": "round",
        "command": "sh -c 'sleep 1000000 # it'\"'\"'s'",
        "env": "COLOUR=blue\nCERT=first\n| second",
        "labels": "a.b[0]=x=y",
        "working_dir": "/srv",
        "user": "1000:1000",
        "group_add": "1001",
        "hostname": "deck",
        "tty": "True",
        "interactive": "True",
        "stop_signal": "SIGKILL",
        "stop_timeout": "3",
        "healthcheck": "CMD",
        "health_command": "true",
        "health_interval": "1m30s",
        "health_retries": "2",
        "ports": "18080:80\n*:18081:81/udp",
        "expose": "99/tcp",
        "dns": "192.0.2.53",
        "dns_options": "ndots:2",
        "dns_search": "example.org",
        "extra_hosts": "db:192.0.2.1",
        "mounts": "/opt:/host:ro\n/data",
        "tmpfs": "/run:size=16m,mode=1777",
        "read_only": "True",
        "shm_bytes": "32m",
        "restart": "on-failure",
        "restart_retries": "3",
        "memory_bytes": "64m",
        "nano_cpus": "0.5",
        "ulimits": "nofile=1024:2048",
        "cap_add": "SYS_PTRACE",
        "cap_drop": "NET_RAW",
        "log_driver": "local",
        "log_options": "max-file=2\nmax-size=1m",
        "devices": "/dev/null:/dev/nothing:r",
        "start": "",
    }
    browser = enter("manager")
    reply = browser.post(CREATE, typed)
    assert reply.status_code == 302, reply.context["form"].errors
    try:
        again = browser.get(reply.url + "duplicate/").context["form"]
        told = {name: str(again[name].value()) for name in typed if name not in {"name", "start", "form_token"}}
        assert told == {name: typed[name] for name in told}
    finally:
        call(connect(unix_engine), "DELETE", "/containers/round", params={"force": "1", "v": "1"})
