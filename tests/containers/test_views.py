"""The pages of containers on a real engine, and on engines that lie or fail."""

import html
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.models import Engine

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def container(unix_engine) -> Iterator[str]:
    """A created container named `boat`, removed afterwards whatever became of it."""
    client = connect(unix_engine)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL", "Env": ["TOKEN=canary"]}
    made = call(client, "POST", "/containers/create", params={"name": "boat"}, body=body)
    yield made["Id"]
    with suppress(EngineReplied):
        call(client, "DELETE", f"/containers/{made['Id']}", params={"force": "1"})


def state(endpoint, container: str) -> str:
    return call(connect(endpoint), "GET", f"/containers/{container}/json")["State"]["Status"]


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def test_the_list_shows_it_with_one_engine_api_call(enter, row, container, monkeypatch):
    paths: list[str] = []
    from_api = connect.__globals__["Client"].request

    def counted(self, method, url, **kwargs):
        paths.append(url)
        return from_api(self, method, url, **kwargs)

    monkeypatch.setattr(connect.__globals__["Client"], "request", counted)
    page = text(enter("viewer").get("/engines/real/containers/"))
    assert "boat" in page
    assert "created" in page
    assert len(paths) == 1


def test_a_life_from_start_to_removal(enter, unix_engine, container):
    client = enter("operator")
    base = f"/engines/real/containers/{container}/"
    for verb, expected in (
        ("start", "running"),
        ("pause", "paused"),
        ("unpause", "running"),
        ("restart", "running"),
        ("stop", "exited"),
        ("start", "running"),
        ("kill", "exited"),
    ):
        reply = client.post(f"{base}{verb}/", {"shown": "boat"}, headers=HTMX)
        assert reply.status_code == 200
        assert "notice success" in text(reply), text(reply)
        assert state(unix_engine, container) == expected
    client.post(f"{base}start/")
    refused = client.post(f"{base}remove/", headers=HTMX)
    assert "running" in text(refused)
    assert state(unix_engine, container) == "running"
    assert "removed" in text(client.post(f"{base}remove/", {"force": "1"}, headers=HTMX))


def test_starting_what_runs_is_no_error(enter, container):
    client = enter("operator")
    for _ in range(2):
        reply = client.post(f"/engines/real/containers/{container}/start/", headers=HTMX)
        assert "notice success" in text(reply)


def test_without_htmx_a_verb_leads_back_to_the_list(enter, container):
    reply = enter("operator").post(f"/engines/real/containers/{container}/start/")
    assert (reply.status_code, reply["Location"]) == (302, "/engines/real/containers/")


@pytest.mark.django_db(transaction=True)
def test_a_bulk_tells_each_result_and_stops_at_no_failure(enter, unix_engine, container):
    reply = enter("operator").post(
        "/engines/real/containers/bulk/",
        {"verb": "start", "id": ["f" * 64, "../../images/busybox:local", container]},
        headers=HTMX,
    )
    lines = re.findall(r'<li class="(\w+)">', text(reply))
    assert lines == ["danger", "danger", "success"]
    assert "1 done, 2 failed" in text(reply)
    assert state(unix_engine, container) == "running"


@pytest.mark.django_db(transaction=True)
def test_a_bulk_names_what_it_did_and_does_it_side_by_side(enter, unix_engine, make):
    # Each ignores SIGTERM: one after the other would take 12 s, and 40 s with a time that is not its own.
    ids = [make(f"slow{number}", StopTimeout=3) for number in range(4)]
    began = time.monotonic()
    told = text(enter("operator").post("/engines/real/containers/bulk/", {"verb": "stop", "id": ids}, headers=HTMX))
    assert time.monotonic() - began < 9
    assert [f"slow{number} stopped." in told for number in range(4)] == [True] * 4
    assert {state(unix_engine, each) for each in ids} == {"exited"}


def test_a_bulk_of_too_many_does_nothing_and_says_so(enter, unix_engine, container):
    ids = [container, *(f"{number:064x}" for number in range(400))]
    told = enter("operator").post("/engines/real/containers/bulk/", {"verb": "start", "id": ids}, headers=HTMX)
    assert "Nothing was done" in text(told)
    assert state(unix_engine, container) == "created"


@pytest.mark.django_db(transaction=True)
def test_a_bulk_removes_what_runs_only_with_force(enter, unix_engine, make):
    running = make("bulky")
    client, fields = enter("operator"), {"verb": "remove", "id": running}
    assert '<li class="danger">' in text(client.post("/engines/real/containers/bulk/", fields, headers=HTMX))
    assert state(unix_engine, running) == "running"
    told = client.post("/engines/real/containers/bulk/", {**fields, "force": "1"}, headers=HTMX)
    assert "bulky removed." in text(told)


def test_a_signal_reaches_the_process_and_is_named(enter, unix_engine, make):
    script = "trap 'exit 7' USR1; while true; do sleep 0.05; done"
    running = make("listener", Cmd=["sh", "-c", script])
    told = enter("operator").post(
        f"/engines/real/containers/{running}/kill/", {"signal": "USR1", "shown": "listener"}, headers=HTMX
    )
    assert "listener got SIGUSR1." in text(told)
    call(connect(unix_engine), "POST", f"/containers/{running}/wait", timeout=10)
    assert call(connect(unix_engine), "GET", f"/containers/{running}/json")["State"]["ExitCode"] == 7


def test_the_page_of_a_container_that_goes_says_so_in_its_place(enter):
    client = enter("viewer")
    assert client.get(f"/engines/real/containers/{'f' * 64}/").status_code == 404
    assert text(client.get(f"/engines/real/containers/{'f' * 64}/", headers=HTMX)) == ""
    part = client.get(f"/engines/real/containers/{'f' * 64}/head/?tab=container", headers=HTMX)
    assert part.status_code == 200
    assert "This container is gone" in text(part)
    assert "<html" not in text(part)


def test_the_page_says_what_reaches_the_host(enter, make):
    risky = make("risky", HostConfig={"Binds": ["/tmp:/host:ro"], "PidMode": "host", "CapAdd": ["NET_ADMIN"]})
    page = text(enter("viewer").get(f"/engines/real/containers/{risky}/"))
    for power in ("mounts /tmp of the host", "shares the host's processes", "has the capability NET_ADMIN"):
        assert power in page
    assert "reaches beyond itself" not in text(enter("operator").get(f"/engines/real/containers/{make('tame')}/"))


def test_a_container_that_does_not_start_leaves_nothing_behind(enter, unix_engine):
    fields = {
        "image": "busybox:local",
        "name": "stillborn",
        "command": "/no/such/program",
        "memory_bytes": "64m",
        "pids": "50",
        "log_options": "max-size=20m\nmax-file=3",
    }
    client = enter("operator")
    for _ in range(2):
        reply = client.post("/engines/real/containers/create/", {**fields, "start": "on"})
        assert reply.status_code == 422
        assert "no such file or directory" in text(reply)
        assert "/no/such/program" in text(reply)
    with pytest.raises(EngineReplied, match="No such container"):
        call(connect(unix_engine), "GET", "/containers/stillborn/json")


def test_an_engine_away_gives_the_form_back_filled_in(enter, tmp_path):
    Engine.objects.create(name="Away", slug="away", url=f"unix://{tmp_path}/none.sock", api_version="1.41")
    fields = {
        "image": "busybox:local",
        "env": "KEEP=me",
        "memory_bytes": "64m",
        "pids": "50",
        "log_options": "max-size=20m\nmax-file=3",
    }
    reply = enter("administrator").post("/engines/away/containers/create/", fields)
    assert reply.status_code == 502
    assert "KEEP=me" in text(reply)
    assert "There is no socket at this path." in text(reply)


def test_links_of_the_list_keep_what_is_chosen(enter, container):
    page = text(enter("viewer").get("/engines/real/containers/?q=boat&state=created&sort=-image"))
    for link in (
        "?q=boat&sort=-image",
        "?q=boat&state=created&sort=image",
        "?q=boat&state=created&sort=created",
    ):
        assert f'href="{link}"' in page, link
    assert 'aria-sort="descending"' in page


def test_what_is_filtered_while_typing_is_in_the_address(enter, container):
    client = enter("viewer")
    part = client.get("/engines/real/containers/?q=boat&state=&sort=name", headers=HTMX)
    assert part["HX-Replace-Url"] == "?q=boat"
    assert client.get("/engines/real/containers/?q=&sort=name", headers=HTMX)["HX-Replace-Url"].endswith("/containers/")
    assert "HX-Replace-Url" not in client.get("/engines/real/containers/?q=boat")


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "kill", "pause", "unpause", "remove"])
@pytest.mark.parametrize(("who", "status"), [("anonymous", 302), ("stranger", 404), ("viewer", 403)])
def test_who_may_not_act_changes_nothing(enter, unix_engine, container, verb, who, status):
    client = enter(who)
    assert client.post(f"/engines/real/containers/{container}/{verb}/").status_code == status
    bulk = client.post("/engines/real/containers/bulk/", {"verb": verb, "id": container})
    assert bulk.status_code == status
    assert state(unix_engine, container) == "created"


@pytest.mark.parametrize("verb", ["start", "remove", "bulk"])
def test_reading_never_changes(enter, container, verb):
    path = "bulk" if verb == "bulk" else f"{container}/{verb}"
    assert enter("manager").get(f"/engines/real/containers/{path}/").status_code == 405


def test_a_post_without_token_is_refused(row, container):
    client = Client(enforce_csrf_checks=True)
    user = User.objects.create_superuser("root")
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert client.post(f"/engines/real/containers/{container}/start/").status_code == 403


@pytest.mark.parametrize("bad", ["..%2F..%2Fimages%2Fbusybox:local", "%2e%2e", "a%3Fb", "a%23b", "a%00b", "x" * 10_000])
def test_an_id_that_leads_elsewhere_is_not_found(enter, bad):
    assert enter("manager").get(f"/engines/real/containers/{bad}/").status_code == 404


def test_values_of_the_environment_and_arguments_are_for_operators(enter, container):
    path = f"/engines/real/containers/{container}/"
    masked, whole = text(enter("viewer").get(path)), text(enter("operator").get(path))
    for secret in ("canary", "1000000"):
        assert secret not in masked
        assert secret in whole


def test_an_unknown_signal_or_verb_is_refused(enter, container):
    client = enter("operator")
    base = f"/engines/real/containers/{container}"
    assert client.post(f"{base}/kill/", {"signal": "STOP; rm"}).status_code == 400
    assert client.post("/engines/real/containers/bulk/", {"verb": "exec", "id": container}).status_code == 400


def test_a_container_is_created_started_and_no_more_powerful_than_the_form(enter, unix_engine):
    fields = {
        "image": "busybox:local",
        "name": "launch",
        "command": "sh -c 'sleep 1000000'",
        "env": "A=b=c",
        "ports": "18080:80",
        "memory_bytes": "64m",
        "pids": "50",
        "log_options": "max-size=20m\nmax-file=3",
        "start": "on",
        "Privileged": "true",
        "HostConfig": '{"Privileged": true}',
    }
    reply = enter("operator").post("/engines/real/containers/create/", fields)
    assert reply.status_code == 302, text(reply)
    made = call(connect(unix_engine), "GET", "/containers/launch/json")
    try:
        host = made["HostConfig"]
        assert made["State"]["Running"]
        assert made["Config"]["Cmd"] == ["sh", "-c", "sleep 1000000"]
        assert "A=b=c" in made["Config"]["Env"]
        assert (host["Memory"], host["PidsLimit"], host["Privileged"]) == (64 << 20, 50, False)
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080"}]}
        assert made["Config"]["Labels"]["console.user"] == "operator"
    finally:
        call(connect(unix_engine), "DELETE", "/containers/launch", params={"force": "1"})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("image", "UPPER CASE", "lower-case"),
        ("image", "missing:nowhere", "No such image"),
        ("name", "../x", "letters, digits"),
        ("command", "sh -c 'unclosed", "not closed"),
        ("env", "=x", "NAME=value"),
        ("ports", "99999:80", "write 8080:80"),
        ("ports", "999.1.1.1:80:80", "not an IP address"),
        ("memory_bytes", "1m", "6m"),
    ],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_lost(enter, unix_engine, field, value, said):
    fields = {
        "image": "busybox:local",
        "memory_bytes": "64m",
        "pids": "50",
        "log_options": "max-size=20m\nmax-file=3",
        "env": "KEEP=me",
        field: value,
    }
    reply = enter("operator").post("/engines/real/containers/create/", fields)
    assert reply.status_code == 422
    assert said in text(reply)
    assert field == "env" or "KEEP=me" in text(reply)


def test_a_name_that_is_taken_is_told_at_the_name(enter, container):
    fields = {
        "image": "busybox:local",
        "name": "boat",
        "memory_bytes": "64m",
        "pids": "50",
        "log_options": "max-size=20m\nmax-file=3",
    }
    reply = enter("operator").post("/engines/real/containers/create/", fields)
    assert "already in use" in text(reply)


def test_a_viewer_may_not_create(enter):
    assert enter("viewer").get("/engines/real/containers/create/").status_code == 403


@pytest.fixture
def lying(tmp_path: Path) -> Iterator[Callable[[object], Engine]]:
    """An engine that answers every request with this JSON."""
    listeners: list[socket.socket] = []

    def start(reply: object) -> Engine:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "liar.sock"))
        listener.listen()
        listeners.append(listener)
        threading.Thread(target=answer, args=(listener, json.dumps(reply).encode()), daemon=True).start()
        return Engine.objects.create(name="Liar", slug="liar", url=f"unix://{tmp_path}/liar.sock", api_version="1.41")

    yield start
    for listener in listeners:
        listener.close()


def answer(listener: socket.socket, body: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ([{"Names": ["/<script>alert(1)</script>"], "Image": '"><img src=x>', "Id": '"><b>', "State": "<i>"}], 200),
        ([None, 1, {"Ports": "x", "Labels": [1]}], 200),
        ({"message": "a dict"}, 502),
        (7, 502),
    ],
)
def test_what_an_engine_sends_is_only_text(enter, lying, reply, status):
    lying(reply)
    page = enter("administrator").get("/engines/liar/containers/")
    assert page.status_code == status
    for tag in (b"<script>alert", b"<img src=x", b"<b>", b"<i>"):
        assert tag not in page.content


def test_an_engine_that_is_away_is_a_page_with_a_sentence(enter, tmp_path):
    Engine.objects.create(name="Away", slug="away", url=f"unix://{tmp_path}/none.sock", api_version="1.41")
    page = enter("administrator").get("/engines/away/containers/")
    assert page.status_code == 502
    assert "There is no socket at this path." in text(page)
