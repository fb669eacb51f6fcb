"""The page of an engine's limits."""

import html
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from engines.client.connect import call, connect
from engines.models import AuditEntry, Engine, EngineLimits, Grant
from engines.permissions import Role

pytestmark = pytest.mark.django_db
PAGE = "/engines/harbour/limits/"
TYPED = {
    "version": "0",
    "host_paths": "",
    "port_lowest": "1",
    "port_highest": "65535",
    "publish_everywhere": "on",
    "memory_required": "on",
    "memory_most": "0",
    "pids_required": "on",
    "pids_most": "0",
}


@pytest.fixture
def enter(cast) -> Callable[[str], Client]:
    def login(name: str) -> Client:
        client = Client()
        client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return login


def text(reply) -> str:
    return html.unescape(reply.content.decode())


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), ("operator", 403), ("builder", 403), ("manager", 200)])
def test_managers_see_the_limits(enter, who, status):
    assert enter(who).get(PAGE).status_code == status


def test_only_administrators_store_them(enter, engine):
    assert enter("manager").post(f"{PAGE}edit/", {**TYPED, "privileged": "on"}).status_code == 403
    assert not EngineLimits.objects.exists()
    page = text(enter("manager").get(PAGE))
    assert f"{PAGE}edit/" not in page and "Administrators store them" in page


def test_what_is_stored_holds_and_the_trail_names_the_switches(enter, engine):
    typed = {**TYPED, "host_paths": "/srv/b\n/srv/a\n/srv/a", "capabilities": "cap_net_admin", "memory_most": "2048"}
    reply = enter("administrator").post(f"{PAGE}edit/", typed)
    assert reply.status_code == 302, text(reply)
    stored = EngineLimits.of(engine)
    assert (stored.host_paths, stored.capabilities) == (["/srv/a", "/srv/b"], ["NET_ADMIN"])
    assert (stored.memory_most_bytes, stored.version, stored.privileged) == (2048 << 20, 1, False)
    done = AuditEntry.objects.get(act="limits.edit", phase=AuditEntry.Phase.OUTCOME)
    assert done.parameters["changed"] == ["host_paths", "memory_most_bytes", "capabilities"]
    assert done.parameters["before"]["host_paths"] == []
    assert done.parameters["after"]["host_paths"] == ["/srv/a", "/srv/b"]
    page = text(enter("administrator").get(f"{PAGE}edit/"))
    assert 'name="version" value="1"' in page and "/srv/a\n/srv/b" in page


@pytest.mark.parametrize("first", [False, True], ids=["never stored before", "stored before"])
def test_of_two_who_edit_the_second_is_told_and_loses_nothing(enter, engine, first):
    client = enter("administrator")
    if first:
        EngineLimits.objects.create(engine=engine, version=1, pids_most=7)
    shown = str(EngineLimits.of(engine).version)
    assert client.post(f"{PAGE}edit/", {**TYPED, "version": shown, "pids_most": "100"}).status_code == 302
    late = client.post(f"{PAGE}edit/", {**TYPED, "version": shown, "pids_most": "200", "devices": "on"})
    assert late.status_code == 409
    assert "Somebody else changed these limits" in text(late) and 'value="200"' in text(late)
    assert EngineLimits.of(engine).pids_most == 100


def test_storing_what_is_stored_writes_nothing(enter, engine):
    assert enter("administrator").post(f"{PAGE}edit/", TYPED).status_code == 302
    assert not AuditEntry.objects.filter(act="limits.edit").exists()


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("host_paths", "relative", "plain absolute path"),
        ("host_paths", "/srv/../etc", "plain absolute path"),
        ("host_paths", "//srv", "plain absolute path"),
        ("host_paths", "/srv\n/srv/below", "lies in /srv"),
        *(
            ("host_paths", path, "gives the whole host")
            for path in ("/", "/var", "/run/docker.sock", "/var/lib/docker/x")
        ),
        ("capabilities", "ALL", "single capabilities"),
        ("capabilities", "x;y", "single capabilities"),
        ("port_lowest", "0", "1"),
        ("port_highest", "70000", "65535"),
        ("memory_most", "-1", "0"),
    ],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_stored(enter, field, typed, said):
    reply = enter("administrator").post(f"{PAGE}edit/", {**TYPED, "pids_most": "123", field: typed})
    assert reply.status_code == 422
    assert said in str(reply.context["form"].errors[field])
    assert 'value="123"' in text(reply)
    assert not EngineLimits.objects.exists()


def test_ports_from_above_to_are_refused(enter):
    reply = enter("administrator").post(f"{PAGE}edit/", {**TYPED, "port_lowest": "9000", "port_highest": "80"})
    assert "port_highest" in reply.context["form"].errors


@pytest.fixture
def real(register, unix_engine, cast) -> Engine:
    engine = register(unix_engine)
    Grant.objects.create(engine=engine, user=cast["manager"], role=Role.MANAGER)
    return engine


def test_a_trial_tells_which_containers_would_be_refused_and_stores_nothing(enter, real, unix_engine):
    client = connect(unix_engine)
    host = {
        "Memory": 64 << 20,
        "PidsLimit": 50,
        "SecurityOpt": ["no-new-privileges"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}},
    }
    bodies = {"tame": host, "wild": {**host, "Privileged": True}, "hostly": {**host, "Binds": ["/srv:/x"]}}
    made = [
        call(
            client,
            "POST",
            "/containers/create",
            params={"name": name},
            body={"Image": "busybox:local", "HostConfig": h},
        )
        for name, h in bodies.items()
    ]
    try:
        browser = enter("manager")
        page = browser.post("/engines/real/limits/try/", TYPED)
        assert page.status_code == 200, text(page)
        refused = {each.name: [one.field for one in each.refused] for each in page.context["trial"].refused}
        assert refused["wild"] == ["privileged"] and refused["hostly"] == ["mounts"] and "tame" not in refused
        assert "runs privileged" in text(page)
        page = browser.post("/engines/real/limits/try/", {**TYPED, "host_paths": "/srv", "pids_most": "49"})
        refused = {each.name: [one.field for one in each.refused] for each in page.context["trial"].refused}
        assert (refused["hostly"], refused["tame"]) == (["pids"], ["pids"])
        assert not EngineLimits.objects.exists() and not AuditEntry.objects.exists()
    finally:
        for each in made:
            call(client, "DELETE", f"/containers/{each['Id']}")


def test_a_trial_on_an_engine_that_is_away_keeps_what_was_typed(enter, engine):
    reply = enter("manager").post(f"{PAGE}try/", {**TYPED, "pids_most": "123"})
    assert reply.status_code == 502
    assert 'value="123"' in text(reply)


def test_limits_hold_from_the_next_request_on(enter, real, cast, unix_engine):
    operator = User.objects.get(username="operator")
    Grant.objects.create(engine=real, user=operator, role=Role.OPERATOR)
    fields = {
        "image": "busybox:local",
        "name": "late",
        "memory_bytes": "64m",
        "pids": "50",
        "log_options": "max-size=1m\nmax-file=2",
        "check": "1",
    }
    browser = enter("operator")
    assert not browser.post("/engines/real/containers/create/", fields).context["form"].errors
    enter("administrator").post("/engines/real/limits/edit/", {**TYPED, "memory_most": "32"})
    assert "memory_bytes" in browser.post("/engines/real/containers/create/", fields).context["form"].errors
