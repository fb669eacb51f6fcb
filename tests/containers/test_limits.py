"""What the form to create a container refuses to those below manager, on a real engine; and who may enter one."""

import html
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.client.ids import IdInvalid
from engines.containers import actions, entry, queries
from engines.models import AuditEntry, Engine, EngineLimits, Grant
from engines.permissions import Permission, Role
from engines.spec import asking
from engines.spec.limits import refusals
from engines.spec.types import ContainerSpec, Mount
from engines.web import recent

pytestmark = pytest.mark.django_db
CREATE = "/engines/real/containers/create/"
PLAIN = {
    "image": "busybox:local",
    "name": "probe",
    "command": "sleep 1000000",
    "memory_bytes": "64m",
    "pids": "50",
    "log_options": "max-size=20m\nmax-file=3",
}


@pytest.fixture
def person(row) -> Callable[[str], User]:
    def make(name: str) -> User:
        user = User.objects.create_user(name, password="correct-horse-battery")
        Grant.objects.create(engine=row, user=user, role=Role[name.upper()])
        return user

    return make


@pytest.fixture
def enter(person) -> Callable[[str], Client]:
    def login(name: str) -> Client:
        client = Client()
        client.force_login(person(name), backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return login


@pytest.fixture
def client(unix_engine):
    return connect(unix_engine)


@pytest.fixture
def things(client) -> Iterator[None]:
    """A plain volume, one with options, one in use by a container that reaches into the host; two networks."""
    call(client, "POST", "/volumes/create", body={"Name": "plain"})
    options = {"type": "none", "o": "bind", "device": "/tmp"}
    call(client, "POST", "/volumes/create", body={"Name": "sly", "DriverOpts": options})
    call(client, "POST", "/volumes/create", body={"Name": "agents"})
    host = {"Binds": ["agents:/data", "/opt:/host"]}
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL", "HostConfig": host}
    call(client, "POST", "/containers/create", params={"name": "agent"}, body=body)
    call(client, "POST", "/networks/create", body={"Name": "shop", "Driver": "bridge"})
    yield
    call(client, "DELETE", "/containers/agent", params={"force": "1"})
    for path in ("/volumes/plain", "/volumes/sly", "/volumes/agents", "/networks/shop"):
        call(client, "DELETE", path)


def names(client) -> set[str]:
    return {name for each in call(client, "GET", "/containers/json", params={"all": "1"}) for name in each["Names"]}


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def denials() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(outcome=AuditEntry.Outcome.DENIED).order_by("seq"))


#: Case of the security plan, what is typed, and the field at which it is refused.
ASKED = [
    ("37", {"privileged": "true"}, "privileged"),
    ("37", {"privileged": "1"}, "privileged"),
    ("38", {"cap_add": "SYS_ADMIN"}, "cap_add"),
    ("38", {"cap_add": "cap_sys_admin"}, "cap_add"),
    ("38", {"cap_add": "all", "cap_drop": "ALL"}, "cap_add"),
    ("39", {"security_opt": "seccomp=unconfined"}, "security_opt"),
    ("39", {"security_opt": "seccomp:unconfined"}, "security_opt"),
    ("39", {"security_opt": "apparmor=unconfined\nlabel=disable"}, "security_opt"),
    ("39", {"security_opt": 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'}, "security_opt"),
    ("39", {"security_opt": "no-new-privileges=false"}, "security_opt"),
    ("39", {"new_privileges": "on"}, "new_privileges"),
    ("40", {"unmasked": "on"}, "unmasked"),
    *(("42", {mode: "host"}, mode) for mode in ("pid", "ipc", "uts", "userns", "cgroupns")),
    ("43", {"network": "host"}, "network"),
    ("43", {"network": "container:agent"}, "network"),
    ("44", {"pid": "container:agent"}, "pid"),
    ("44", {"ipc": "container:agent"}, "ipc"),
    *(
        ("45", {"mounts": f"{path}:/h"}, "mounts")
        for path in (
            "/",
            "/var/run/docker.sock",
            "/run/docker.sock",
            "//var/run",
            "/var/../",
            "relative/x",
            "C:\\",
            "/var",
        )
    ),
    ("45", {"mounts": "/etc:/h:ro,rshared"}, "mounts"),
    ("46", {"tmpfs": "/run:exec,dev,suid"}, "tmpfs"),
    ("47", {"mounts": "sly:/h"}, "mounts"),
    ("47", {"mounts": "not-there:/h"}, "mounts"),
    ("49", {"mounts": "agents:/h"}, "mounts"),
    ("50", {"runtime": "other"}, "runtime"),
    ("50", {"cgroup_parent": "/x"}, "cgroup_parent"),
    ("50", {"oom_score_adj": "-500"}, "oom_score_adj"),
    ("50", {"oom_kill_disable": "on"}, "oom_kill_disable"),
    ("50", {"sysctls": "net.ipv4.ip_forward=1"}, "sysctls"),
    ("50", {"log_driver": "syslog"}, "log_driver"),
    ("50", {"log_driver": "gelf"}, "log_driver"),
    ("50", {"log_options": "max-size=9g\nmax-file=3"}, "log_options"),
    ("50", {"ulimits": "nofile=-1"}, "ulimits"),
    ("50", {"memory_bytes": ""}, "memory_bytes"),
    ("50", {"pids": "0"}, "pids"),
    ("50", {"shm_bytes": "257m"}, "shm_bytes"),
    ("50", {"restart": "always"}, "restart"),
    ("50", {"devices": "/dev/kmsg"}, "devices"),
    ("50", {"extra_hosts": "me:host-gateway"}, "extra_hosts"),
    # The rest of what `docker run` can ask for.
    ("39", {"annotations": "io.katacontainers.config=1"}, "annotations"),
    ("43", {"joins": "host"}, "joins"),
    ("43", {"joins": "not-there,alias=db"}, "joins"),
    ("43", {"network": "shop", "joins": "shop,driver-opt=a=b"}, "joins"),
    ("44", {"links": "agent:agent"}, "links"),
    ("45", {"mounts": "/opt:/h:rshared"}, "mounts"),
    ("45", {"mounts": "type=bind,source=/,target=/h,bind-recursive=disabled"}, "mounts"),
    ("45", {"mounts": 'type=bind,"source=/var/run",target=/h'}, "mounts"),
    ("46", {"tmpfs": "/run:64m,uid=0,exec"}, "tmpfs"),
    ("47", {"mounts": "type=volume,target=/h,volume-driver=local,volume-opt=type=none,volume-opt=device=/"}, "mounts"),
    ("47", {"mounts": "type=volume,source=fresh,target=/h,volume-opt=o=bind,volume-opt=device=/"}, "mounts"),
    ("49", {"mounts": "type=volume,source=agents,target=/h,volume-subpath=x"}, "mounts"),
    ("49", {"volumes_from": "agent:ro"}, "volumes_from"),
    ("49", {"volume_driver": "sly"}, "volume_driver"),
    ("50", {"device_requests": "all"}, "device_requests"),
    ("50", {"device_cgroup_rules": "a *:* rwm"}, "device_cgroup_rules"),
    ("50", {"storage_options": "size=10G"}, "storage_options"),
    ("50", {"memory_swap_bytes": "-1"}, "memory_swap_bytes"),
    ("50", {"cpu_shares": "262144"}, "cpu_shares"),
    ("50", {"cpu_realtime_runtime": "950000"}, "cpu_realtime_runtime"),
    ("50", {"cpu_realtime_period": "1000000"}, "cpu_realtime_period"),
    ("50", {"blkio_weight": "1000"}, "blkio_weight"),
    ("50", {"blkio_weight_device": "/dev/sda:1000"}, "blkio_weight_device"),
    ("50", {"device_read_bps": "/dev/../etc/shadow:1m"}, "device_read_bps"),
    ("50", {"stop_timeout": "-1"}, "stop_timeout"),
    ("50", {"healthcheck": "CMD", "health_command": "true", "health_interval": "1ms"}, "healthcheck"),
    ("50", {"isolation": "process"}, "isolation"),
    ("50", {"ipc": "none", "pid": "host"}, "pid"),
]


@pytest.mark.parametrize("who", ["operator", "builder"])
def test_what_is_beyond_the_limits_is_refused_at_its_field_and_nothing_is_made(enter, client, things, who):
    browser, before = enter(who), names(client)
    for case, typed, field in ASKED:
        known = len(denials())
        reply = browser.post(CREATE, {**PLAIN, **typed})
        assert reply.status_code == 422, (case, typed, text(reply))
        assert field in reply.context["form"].errors, (case, typed, reply.context["form"].errors)
        assert f'id="id_{field}_error"' in text(reply), (case, typed)
        limits = "Only managers" in str(reply.context["form"].errors)
        # What cannot even be written so is no denial: nobody may have it.
        assert len(denials()) - known == (1 if limits else 0), (case, typed)
        if limits:
            assert field in denials()[-1].sentence or field == "tmpfs"
    assert names(client) == before


@pytest.mark.parametrize(
    "keys",
    [
        {"HostConfig": '{"Privileged": true}', "hostConfig": '{"Privileged": true}', "ho\u017ftconfig": "{}"},
        {"Privileged": "true", "Binds": "/:/h", "CapAdd": "ALL", "VolumesFrom": "agent", "PidMode": "host"},
        {"other": "StorageOpt", "mounts_options": "rshared", "test": "CMD", "reaching": "", "spec": "{}"},
        {"MaskedPaths": "[]", "ReadonlyPaths": "[]", "Mounts": "[]", "StorageOpt": "x", "ContainerIDFile": "/etc/x"},
    ],
    ids=["folded", "engine's words", "the spec's words", "lists"],
)
def test_nothing_typed_becomes_a_key(enter, client, keys):
    reply = enter("operator").post(CREATE, {**PLAIN, **keys})
    assert reply.status_code == 302, text(reply)
    try:
        host = call(client, "GET", "/containers/probe/json")["HostConfig"]
        assert (host["Privileged"], host["Binds"], host["CapAdd"], host["VolumesFrom"]) == (False, None, None, None)
        assert (host["PidMode"], host["ContainerIDFile"], host.get("StorageOpt")) == ("", "", None)
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert "/proc/kcore" in host["MaskedPaths"]
    finally:
        call(client, "DELETE", "/containers/probe", params={"force": "1"})


def test_an_operator_gets_all_that_is_within_the_limits(enter, client, row, things):
    EngineLimits.objects.create(engine=row, host_paths=["/tmp/shared"], capabilities=["SYS_PTRACE"])
    typed = {
        "mounts": "plain:/data\n/tmp/shared:/host:ro",
        "tmpfs": "/run:16m",
        "network": "shop",
        "cap_add": "SYS_PTRACE",
        "cap_drop": "NET_RAW",
        "ulimits": "nofile=1024:2048",
        "log_driver": "local",
        "log_options": "max-size=1m\nmax-file=3",
        "restart": "on-failure",
        "restart_retries": "3",
        "labels": "tier=web",
        "read_only": "on",
        "init": "on",
        "tty": "on",
        "hostname": "deck",
        "user": "1000",
        "working_dir": "/data",
        "dns": "192.0.2.53",
        "extra_hosts": "db:192.0.2.1",
        "shm_bytes": "32m",
        "ports": "18080:80",
    }
    _directory(client, "/tmp/shared")
    reply = enter("operator").post(CREATE, {**PLAIN, **typed})
    assert reply.status_code == 302, text(reply)
    try:
        made = call(client, "GET", "/containers/probe/json")
        host = made["HostConfig"]
        mounts = {
            each["Target"]: (each["Type"], each.get("Source", ""), each.get("ReadOnly", False))
            for each in host["Mounts"]
        }
        assert mounts == {
            "/data": ("volume", "plain", False),
            "/host": ("bind", "/tmp/shared", True),
            "/run": ("tmpfs", "", False),
        }
        assert (host["NetworkMode"], host["ShmSize"], host["ReadonlyRootfs"]) == ("shop", 32 << 20, True)
        assert host["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m", "max-file": "3"}}
        assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
        assert made["Config"]["Labels"]["tier"] == "web"
    finally:
        call(client, "DELETE", "/containers/probe", params={"force": "1"})


def _directory(client, path: str) -> None:
    """Make a directory on the engine's host, by a container that mounts /tmp."""
    host = {"Binds": ["/tmp:/tmp"], "NetworkMode": "none"}
    body = {"Image": "busybox:local", "Cmd": ["mkdir", "-p", path], "HostConfig": host}
    made = call(client, "POST", "/containers/create", body=body)["Id"]
    call(client, "POST", f"/containers/{made}/start")
    call(client, "POST", f"/containers/{made}/wait", timeout=20)
    call(client, "DELETE", f"/containers/{made}", params={"force": "1"})


def test_a_manager_may_and_what_is_beyond_is_named_in_the_trail(enter, client):
    reply = enter("manager").post(CREATE, {**PLAIN, "privileged": "on", "pid": "host", "memory_bytes": ""})
    assert reply.status_code == 302, text(reply)
    try:
        host = call(client, "GET", "/containers/probe/json")["HostConfig"]
        assert (host["Privileged"], host["PidMode"]) == (True, "host")
    finally:
        call(client, "DELETE", "/containers/probe", params={"force": "1"})
    done = AuditEntry.objects.get(act=Permission.CONTAINER_CREATE, phase=AuditEntry.Phase.OUTCOME)
    assert done.outcome == AuditEntry.Outcome.SUCCEEDED
    assert done.parameters["beyond"] == ["memory_bytes", "pid", "privileged"]


@pytest.mark.parametrize(
    "typed",
    [
        {"network": "container:agent"},
        {"network": "host", "uts": "host", "ipc": "host", "userns": "host"},
        {"pid": "container:agent", "cap_add": "ALL", "security_opt": "seccomp:unconfined"},
        {"unmasked": "on", "new_privileges": "on", "log_driver": "none", "restart": "always"},
        {"devices": "/dev/null:/dev/nothing:r", "sysctls": "net.ipv4.ip_forward=1", "oom_score_adj": "-5"},
        {"mounts": "sly:/h\n/opt:/host:ro", "cgroup_parent": "/other", "extra_hosts": "me:host-gateway"},
        {"ulimits": "nofile=4096", "runtime": "runc", "network": "default", "memory_bytes": "", "pids": ""},
    ],
    ids=str,
)
def test_what_a_manager_asks_for_comes_out_as_asked(enter, client, things, typed):
    call(client, "POST", "/containers/agent/start")
    reply = enter("manager").post(CREATE, {**PLAIN, **typed})
    assert reply.status_code == 302, reply.context["form"].errors
    call(client, "DELETE", "/containers/probe", params={"force": "1"})


def test_a_volume_that_was_replaced_since_it_was_judged_is_not_mounted(person, row, client, things):
    spec = ContainerSpec("busybox:local", name="probe", memory_bytes=64 << 20, pids=50)
    judged = queries.judged(row, replace(spec, mounts=(Mount("volume", "plain", "/data"),)))
    assert judged.refused == ()
    call(client, "DELETE", "/volumes/plain")
    sly = {"Name": "plain", "DriverOpts": {"type": "none", "o": "bind", "device": "/opt"}}
    call(client, "POST", "/volumes/create", body=sly)
    with pytest.raises(actions.NotAsAsked, match="mounts"):
        actions.create(row, judged, start=True, by=person("operator"))
    assert "/probe" not in names(client)


def test_a_manager_says_again_who_he_is_before_a_privileged_create_and_loses_nothing(enter, client):
    browser = enter("manager")
    session = browser.session
    session[recent.STARTED] = int(time.time()) - 3600
    session.save()
    reply = browser.post(CREATE, {**PLAIN, "privileged": "on", "env": "KEEP=me"})
    assert reply.status_code == 422
    assert "KEEP=me" in text(reply) and "that it is you" in text(reply)
    assert "/probe" not in names(client)
    ordinary = browser.post(CREATE, {**PLAIN, "memory_bytes": ""})
    assert ordinary.status_code == 302, text(ordinary)
    call(client, "DELETE", "/containers/probe", params={"force": "1"})


@pytest.mark.parametrize("who", ["operator", "manager"])
def test_a_check_tells_at_the_fields_and_changes_nothing(enter, client, who):
    before = AuditEntry.objects.count()
    reply = enter(who).post(CREATE, {**PLAIN, "privileged": "on", "check": "1"})
    assert reply.status_code == 200
    assert "nothing was created" in text(reply) and 'id="id_privileged_error"' in text(reply)
    assert AuditEntry.objects.count() == before and "/probe" not in names(client)


def test_a_check_of_what_is_allowed_says_so(enter, client):
    reply = enter("operator").post(CREATE, {**PLAIN, "check": "1"})
    assert "It is within the limits" in text(reply)
    assert "/probe" not in names(client)


@pytest.mark.parametrize(
    "permission", [Permission.CONTAINER_EXEC, Permission.CONTAINER_FILES, Permission.CONTAINER_EXPORT]
)
def test_an_operator_enters_the_ordinary_and_only_managers_the_dangerous(person, row, client, things, permission):
    operator, manager = person("operator"), person("manager")
    made = call(client, "POST", "/containers/create", body={"Image": "busybox:local", "Labels": {"console.user": "x"}})
    agent = call(client, "GET", "/containers/agent/json")["Id"]
    try:
        entry.require_may_enter(operator, permission, row, made["Id"])
        entry.require_may_enter(manager, permission, row, agent)
        with pytest.raises(PermissionDenied, match="enter-dangerous"):
            entry.require_may_enter(operator, permission, row, agent)
        assert [(each.act, each.subject) for each in denials()] == [("container.enter-dangerous", agent)]
        limits = EngineLimits.objects.create(engine=row, host_paths=["/opt"])
        needs = entry.require_may_enter(operator, permission, row, agent)
        assert needs() == {permission}
        # Who is inside already is asked for more from then on.
        limits.delete()
        assert needs() == {permission, Permission.CONTAINER_ENTER_DANGEROUS}
    finally:
        call(client, "DELETE", f"/containers/{made['Id']}")


@pytest.mark.parametrize("how", ["name", "beginning", "name like an id"])
def test_nobody_enters_by_what_may_be_another_container_a_moment_later(person, row, client, how):
    made = call(client, "POST", "/containers/create", params={"name": "b" * 64}, body={"Image": "busybox:local"})["Id"]
    given = {"name": "boat", "beginning": made[:12], "name like an id": "b" * 64}[how]
    try:
        with pytest.raises((IdInvalid, EngineReplied)):
            entry.require_may_enter(person("manager"), Permission.CONTAINER_EXEC, row, given)
    finally:
        call(client, "DELETE", f"/containers/{made}")


def test_a_viewer_enters_nothing(person, row, things):
    with pytest.raises(PermissionDenied, match=r"container\.exec"):
        entry.require_may_enter(person("viewer"), Permission.CONTAINER_EXEC, row, "agent")


def test_logs_are_for_operators_where_the_limits_say_so(person, row):
    viewer, operator = person("viewer"), person("operator")
    needs = entry.require_may_read_log(viewer, Permission.CONTAINER_LOGS, row, "any")
    assert needs() == {Permission.CONTAINER_LOGS}
    EngineLimits.objects.create(engine=row, logs_need_operator=True)
    assert needs() == {Permission.CONTAINER_LOGS, Permission.CONTAINER_ATTACH}
    entry.require_may_read_log(operator, Permission.CONTAINER_LOGS, row, "any")
    with pytest.raises(PermissionDenied):
        entry.require_may_read_log(viewer, Permission.CONTAINER_LOGS, row, "any")


def test_the_page_says_what_it_closes(enter, things):
    page = text(enter("operator").get("/engines/real/containers/agent/"))
    assert "mounts /opt of the host" in page and "closed to you" in page


class Hostile(ThreadingMixIn, UnixStreamServer):
    """An engine that creates, and whose inspect says what it is told to."""

    daemon_threads = True
    inspect: dict = {}
    made: dict = {"Id": "a" * 64}
    asked: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        self._reply(self.server.inspect)

    def do_POST(self) -> None:
        self._reply(self.server.made)

    def do_DELETE(self) -> None:
        self._reply({})

    def _reply(self, body: dict) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(f"{self.command} {self.path.split('?')[0].partition('/v1.41')[2]}")
        sent = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@pytest.fixture
def hostile(tmp_path) -> Iterator[Hostile]:
    path = str(tmp_path / "h.sock")
    server = Hostile(path, Answers)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Engine.objects.create(name="Hostile", slug="hostile", url=f"unix://{path}", api_version="1.41")
    yield server
    server.shutdown()
    server.server_close()


AS_ASKED = {
    "NetworkMode": "bridge",
    "SecurityOpt": ["no-new-privileges"],
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}},
    "RestartPolicy": {"Name": "no"},
    "Runtime": "runc",
}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Privileged": True}, "privileged"),
        ({"Privileged": "yes"}, "privileged"),
        ({"CapAdd": ["CAP_SYS_ADMIN"]}, "cap_add"),
        ({"Binds": ["/:/host"]}, "mounts"),
        ({"Mounts": [{"Type": "volume", "Source": "v", "Target": "/x"}]}, "mounts"),
        ({"NetworkMode": "host"}, "network"),
        ({"PidMode": "host"}, "pid"),
        ({"IpcMode": "container:x"}, "ipc"),
        ({"UsernsMode": "host"}, "userns"),
        ({"Devices": [{"PathOnHost": "/dev/sda"}]}, "devices"),
        ({"SecurityOpt": ["seccomp=unconfined"]}, "security_opt"),
        ({"SecurityOpt": []}, "new_privileges"),
        ({"Sysctls": {"kernel.x": "1"}}, "sysctls"),
        ({"Runtime": "evil"}, "runtime"),
        ({"VolumesFrom": ["x"]}, "volumes_from"),
        ({"MaskedPaths": [], "ReadonlyPaths": []}, "unmasked"),
        ({"CgroupParent": "/x"}, "cgroup_parent"),
        ({"LogConfig": {"Type": "syslog", "Config": {}}}, "log_driver"),
        ({"PortBindings": {"22/tcp": [{"HostIp": "", "HostPort": "22"}]}}, "ports"),
        ({"Novelty": {"on": True}}, "other"),
    ],
    ids=str,
)
def test_a_container_that_came_out_otherwise_is_removed_before_it_starts(hostile, more, said):
    hostile.inspect = {"HostConfig": {**AS_ASKED, **more}}
    User.objects.create_superuser("root")
    browser = Client()
    browser.force_login(User.objects.get(username="root"), backend=settings.AUTHENTICATION_BACKENDS[0])
    reply = browser.post("/engines/hostile/containers/create/", {**PLAIN, "start": "on"})
    assert reply.status_code == 422, text(reply)
    assert "another container than was asked for" in text(reply) and said in text(reply)
    assert f"DELETE /containers/{'a' * 64}" in hostile.asked
    assert not any(each.endswith("/start") for each in hostile.asked)
    ended = AuditEntry.objects.get(act=Permission.CONTAINER_CREATE, phase=AuditEntry.Phase.OUTCOME)
    assert ended.outcome == AuditEntry.Outcome.FAILED and said in ended.sentence


@pytest.mark.parametrize(
    "made", [{}, {"Id": None}, {"Id": ""}, {"Id": "../images/x"}, {"Id": ["a"]}, {"Id": "web"}], ids=str
)
def test_an_engine_that_gives_no_id_is_told_and_asked_nothing_more(hostile, made):
    hostile.made = made
    User.objects.create_superuser("root")
    browser = Client()
    browser.force_login(User.objects.get(username="root"), backend=settings.AUTHENTICATION_BACKENDS[0])
    reply = browser.post(
        "/engines/hostile/containers/create/", {**PLAIN, "env": "KEEP=me", "start": "on", "pull": "never"}
    )
    assert reply.status_code == 502
    assert "does not give the id" in text(reply) and "KEEP=me" in text(reply)
    assert hostile.asked == ["POST /containers/create"]


def test_nobody_enters_what_is_not_there(person, row):
    with pytest.raises(EngineReplied, match="No such container"):
        entry.require_may_enter(person("manager"), Permission.CONTAINER_EXEC, row, "f" * 64)


def test_a_container_that_came_out_as_asked_is_started(hostile):
    hostile.inspect = {"HostConfig": AS_ASKED}
    User.objects.create_superuser("root")
    browser = Client()
    browser.force_login(User.objects.get(username="root"), backend=settings.AUTHENTICATION_BACKENDS[0])
    reply = browser.post("/engines/hostile/containers/create/", {**PLAIN, "start": "on"})
    assert reply.status_code == 302, text(reply)
    assert hostile.asked[-1] == f"POST /containers/{'a' * 64}/start"


def test_a_request_that_names_the_usual_runtime_is_held_against_the_engine_s_own(client, monkeypatch):
    spec, limits = ContainerSpec(image="busybox:local", runtime="runc"), EngineLimits()

    def refused() -> set[str]:
        return {each.field for each in refusals(spec, limits, asking.facts(client, spec, "unix:///x", users=limits))}

    assert "runtime" not in refused()
    monkeypatch.setattr(asking, "own_runtime", lambda _: "runsc")
    assert "runtime" in refused()


def test_no_form_makes_the_engine_answer_about_hundreds_of_mounts(enter, row):
    typed = "\n".join(f"none{number}:/m{number}" for number in range(31))
    reply = enter("operator").post(CREATE, {**PLAIN, "mounts": typed})
    assert reply.status_code == 422
    assert b"At most 30 mounts" in reply.content


def test_what_lies_below_an_allowed_path_is_not_mounted(enter, client, row):
    """A link there, which whoever mounts the allowed path can make, would lead anywhere."""
    EngineLimits.objects.create(engine=row, host_paths=["/opt/shared"])
    reply = enter("operator").post(CREATE, {**PLAIN, "mounts": "/opt/shared/link:/host"})
    assert reply.status_code == 422
    assert b"mounts /opt/shared/link of the host" in reply.content
    assert "/probe" not in names(client)
