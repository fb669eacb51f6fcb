"""The pages of containers on a real engine, and on engines that lie or fail."""

import html
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from engines.client.connect import call, connect
from engines.models import Engine, Grant
from engines.permissions import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(register, unix_engine) -> Engine:
    return register(unix_engine)


@pytest.fixture
def enter(row) -> Callable[[str], Client]:
    """A browser of somebody with this role on the engine (or `administrator`, `stranger`, or nobody at all)."""

    def login(name: str) -> Client:
        client = Client()
        if name == "anonymous":
            return client
        user = User.objects.create_user(name, is_superuser=name == "administrator")
        if name.upper() in Role.__members__:
            Grant.objects.create(engine=row, user=user, role=Role[name.upper()])
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return login


@pytest.fixture
def container(unix_engine) -> Iterator[str]:
    """A created container named `boat`, removed afterwards whatever became of it."""
    client = connect(unix_engine)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL", "Env": ["TOKEN=canary"]}
    made = call(client, "POST", "/containers/create", params={"name": "boat"}, body=body)
    yield made["Id"]
    try:
        call(client, "DELETE", f"/containers/{made['Id']}", params={"force": "1"})
    except Exception as error:
        assert "No such container" in str(error)


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
        reply = client.post(f"{base}{verb}/", {"shown": "boat"}, headers={"HX-Request": "true"})
        assert reply.status_code == 200
        assert "notice success" in text(reply), text(reply)
        assert state(unix_engine, container) == expected
    client.post(f"{base}start/")
    refused = client.post(f"{base}remove/", headers={"HX-Request": "true"})
    assert "running" in text(refused)
    assert state(unix_engine, container) == "running"
    assert "removed" in text(client.post(f"{base}remove/", {"force": "1"}, headers={"HX-Request": "true"}))


def test_starting_what_runs_is_no_error(enter, container):
    client = enter("operator")
    for _ in range(2):
        reply = client.post(f"/engines/real/containers/{container}/start/", headers={"HX-Request": "true"})
        assert "notice success" in text(reply)


def test_without_htmx_a_verb_leads_back_to_the_list(enter, container):
    reply = enter("operator").post(f"/engines/real/containers/{container}/start/")
    assert (reply.status_code, reply["Location"]) == (302, "/engines/real/containers/")


def test_a_bulk_tells_each_result_and_stops_at_no_failure(enter, unix_engine, container):
    reply = enter("operator").post(
        "/engines/real/containers/bulk/",
        {"verb": "start", "id": ["f" * 64, "../../images/busybox:local", container]},
        headers={"HX-Request": "true"},
    )
    assert text(reply).count("notice danger") == 2
    assert text(reply).count("notice success") == 1
    assert state(unix_engine, container) == "running"


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


def test_values_of_the_environment_are_for_operators(enter, container):
    path = f"/engines/real/containers/{container}/"
    assert "canary" not in text(enter("viewer").get(path))
    assert "canary" in text(enter("operator").get(path))


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
        "memory": "64",
        "pids": "50",
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
        ("memory", "1", "6"),
    ],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_lost(enter, unix_engine, field, value, said):
    fields = {"image": "busybox:local", "memory": "64", "pids": "50", "env": "KEEP=me", field: value}
    reply = enter("operator").post("/engines/real/containers/create/", fields)
    assert reply.status_code == 422
    assert said in text(reply)
    assert field == "env" or "KEEP=me" in text(reply)


def test_a_name_that_is_taken_is_told_at_the_name(enter, container):
    fields = {"image": "busybox:local", "name": "boat", "memory": "64", "pids": "50"}
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
