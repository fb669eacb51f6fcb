"""What changes a container while it stays the same one, on a real engine; and a commit of it."""

import html
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User

from engines.changing import actions as change_actions
from engines.client.connect import call, connect
from engines.containers.actions import BeyondLimits
from engines.models import AuditEntry, EngineLimits, Operation
from engines.operations import run, tasks
from engines.spec.types import Join

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    """Nothing runs by itself: the test runs the operation as a worker would."""
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)


@pytest.fixture
def name() -> str:
    return f"change-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def boat(make, name) -> str:
    limits = {"Memory": 64 << 20, "PidsLimit": 100}
    return make(name, StopSignal="SIGKILL", HostConfig=limits)


@pytest.fixture
def network(unix_engine) -> Iterator[Callable[..., str]]:
    """Makes a network; removed afterwards."""
    client, made = connect(unix_engine), []

    def make(subnet: str = "") -> str:
        name = f"net-{uuid.uuid4().hex[:8]}"
        pool = {"IPAM": {"Config": [{"Subnet": subnet}]}} if subnet else {}
        made.append(call(client, "POST", "/networks/create", body={"Name": name, **pool})["Id"])
        return name

    yield make
    for each in made:
        for container in call(client, "GET", f"/networks/{each}")["Containers"]:
            call(client, "POST", f"/networks/{each}/disconnect", body={"Container": container, "Force": True})
        call(client, "DELETE", f"/networks/{each}")


def inspect(endpoint, container: str) -> dict:
    return call(connect(endpoint), "GET", f"/containers/{container}/json")


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def at(container: str, page: str) -> str:
    return f"/engines/real/containers/{container}/{page}/"


def test_a_new_name_is_taken_and_written_down(enter, boat, name, unix_engine):
    reply = enter("operator").post(at(boat, "rename"), {"name": f"{name}-2"}, follow=True)
    assert f"{name} is now {name}-2." in text(reply)
    assert inspect(unix_engine, boat)["Name"] == f"/{name}-2"
    entry = AuditEntry.objects.get(act="container.rename", phase="OUTCOME")
    assert (entry.outcome, entry.parameters) == ("SUCCEEDED", {"name": f"{name}-2"})


@pytest.mark.parametrize("wrong", ["", "a", "-a", "../x", "a b", "ä" * 4, "x" * 256])
def test_what_cannot_be_a_name_is_told_at_the_field_and_nothing_is_asked(enter, boat, name, unix_engine, wrong):
    reply = enter("operator").post(at(boat, "rename"), {"name": wrong})
    assert reply.status_code == 422
    assert "id_name_error" in text(reply)
    assert inspect(unix_engine, boat)["Name"] == f"/{name}"


def test_a_name_of_another_container_is_told_at_the_field(enter, boat, make, name):
    make(f"{name}-other", StopSignal="SIGKILL")
    reply = enter("operator").post(at(boat, "rename"), {"name": f"{name}-other"})
    assert reply.status_code == 422
    assert "already in use" in text(reply)
    assert f'value="{name}-other"' in text(reply)


def limits(**changed) -> dict:
    return {"memory": "64", "memory_swap": "128", "pids": "100", "restart": "no"} | changed


def test_limits_change_without_a_restart(enter, boat, unix_engine):
    before = inspect(unix_engine, boat)["State"]["Pid"]
    changes = limits(memory="96", pids="50", cpus="0.5", restart="on-failure", restart_retries="3")
    reply = enter("operator").post(at(boat, "limits"), changes, follow=True)
    assert "without a restart" in text(reply), text(reply)
    found = inspect(unix_engine, boat)
    host = found["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"]) == (96 << 20, 50, 500_000_000)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert found["State"]["Pid"] == before
    entry = AuditEntry.objects.get(act="container.update", phase="OUTCOME")
    assert entry.parameters["changed"]["memory_bytes"] == 96 << 20


def test_more_memory_than_it_had_with_swap_takes_more_of_both(enter, boat, unix_engine):
    enter("operator").post(at(boat, "limits"), limits(memory="256"))
    assert inspect(unix_engine, boat)["HostConfig"]["Memory"] == 256 << 20


def test_the_form_as_it_is_shown_changes_nothing(enter, boat):
    client = enter("operator")
    page = client.get(at(boat, "limits"))
    filled = {key: "" if value is None else value for key, value in page.context["form"].initial.items()}
    assert "has these limits already" in text(client.post(at(boat, "limits"), filled, follow=True))


def test_a_limit_that_engines_cannot_take_away_is_told_at_its_field(enter, boat, unix_engine):
    reply = enter("operator").post(at(boat, "limits"), limits(memory=""))
    assert reply.status_code == 422
    assert "id_memory_error" in text(reply)
    assert inspect(unix_engine, boat)["HostConfig"]["Memory"] == 64 << 20


@pytest.mark.parametrize(
    ("changed", "field"), [({"memory": "300"}, "memory"), ({"pids": "900"}, "pids"), ({"restart": "always"}, "restart")]
)
def test_limits_beyond_the_engine_s_are_for_managers(enter, row, boat, unix_engine, changed, field):
    EngineLimits.objects.create(engine=row, memory_most_bytes=200 << 20, pids_most=500)
    reply = enter("operator").post(at(boat, "limits"), limits(**changed))
    assert reply.status_code == 422
    assert f"id_{field}_error" in text(reply)
    assert inspect(unix_engine, boat)["HostConfig"]["Memory"] == 64 << 20
    assert AuditEntry.objects.filter(act="container.update", outcome="DENIED").count() == 1
    assert enter("manager").post(at(boat, "limits"), limits(**changed)).status_code == 302


@pytest.mark.parametrize(
    ("host", "changed", "field"),
    [
        ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}, {"restart_retries": 0}, "restart"),
        ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}, {"restart_retries": 1000}, "restart"),
        ({"MemorySwap": 127 << 20}, {"memory_bytes": 8 << 20}, "memory_swap_bytes"),
    ],
)
def test_what_is_beyond_the_limits_by_what_stays_is_for_managers_too(enter, row, make, name, host, changed, field):
    enter("operator")
    container = make(name, StopSignal="SIGKILL", HostConfig={"Memory": 64 << 20, "PidsLimit": 100} | host)
    with pytest.raises(BeyondLimits) as beyond:
        change_actions.update(row, container, changed, by=User.objects.get(username="operator"))
    assert [refusal.field for refusal in beyond.value.refused] == [field]


def test_less_memory_takes_less_swap_along(enter, boat, unix_engine):
    enter("operator").post(at(boat, "limits"), limits(memory="32"))
    host = inspect(unix_engine, boat)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (32 << 20, 64 << 20)


def test_two_who_change_limits_are_told_of_each_other_with_what_changed(enter, boat, unix_engine):
    client = enter("operator")
    was = client.get(at(boat, "limits")).context["was"]
    update = {"Memory": 32 << 20, "MemorySwap": 64 << 20}
    call(connect(unix_engine), "POST", f"/containers/{boat}/update", body=update)
    reply = client.post(at(boat, "limits"), limits(pids="200", was=was))
    assert reply.status_code == 409
    page = text(reply)
    assert "Somebody changed these limits while you looked at them. Nothing was done." in page
    assert "Memory limit, MiB: 64, now 32" in page and 'value="200"' in page
    assert inspect(unix_engine, boat)["HostConfig"]["PidsLimit"] == 100
    sent = limits(memory="32", memory_swap="64", pids="200", was=reply.context["was"])
    assert client.post(at(boat, "limits"), sent).status_code == 302


@pytest.mark.parametrize("was", ["x", "[]", "[" * 100_000])
def test_limits_that_come_back_spoiled_break_nothing(enter, boat, was):
    assert enter("operator").post(at(boat, "limits"), limits(was=was)).status_code == 409


@pytest.mark.parametrize(
    "wrong", [{"memory": "x"}, {"memory": "-1"}, {"cpus": "nan"}, {"cpuset_cpus": "all"}, {"blkio_weight": "5"}]
)
def test_wrong_limits_are_told_at_their_field(enter, boat, wrong):
    reply = enter("operator").post(at(boat, "limits"), limits(**wrong))
    assert reply.status_code == 422
    assert f"id_{next(iter(wrong))}_error" in text(reply)


def test_a_network_is_joined_with_names_and_an_address_and_left_again(enter, boat, network, unix_engine):
    client, joined = enter("operator"), network(subnet="10.199.7.0/24")
    fields = {"network": joined, "aliases": "db store", "ipv4": "10.199.7.77"}
    page = text(client.post(at(boat, "networks/connect"), fields, follow=True))
    assert "10.199.7.77" in page and "store" in page
    settings = inspect(unix_engine, boat)["NetworkSettings"]["Networks"][joined]
    assert settings["IPAddress"] == "10.199.7.77"
    assert {"db", "store"} <= set(settings["Aliases"])
    page = text(client.post(at(boat, "networks/disconnect"), {"network": joined}, follow=True))
    assert f"is not in {joined} any more" in page
    assert joined not in inspect(unix_engine, boat)["NetworkSettings"]["Networks"]
    acts = AuditEntry.objects.filter(act="network.connect", phase="OUTCOME").values_list(
        "subject", "parameters__joined"
    )
    assert sorted(acts) == [(joined, False), (joined, True)]


@pytest.mark.parametrize("network", ["host", "nowhere"])
def test_a_network_beyond_the_limits_is_refused_and_written_down(enter, row, boat, network):
    enter("operator")
    with pytest.raises(BeyondLimits):
        change_actions.connect(row, boat, Join(network), by=User.objects.get(username="operator"))
    assert AuditEntry.objects.filter(act="network.connect", outcome="DENIED").count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("network", "../bridge"),
        ("network", "nowhere"),
        ("aliases", "a;b"),
        ("ipv4", "10.0.0.300"),
        ("ipv6", "10.0.0.1"),
    ],
)
def test_a_wrong_connection_is_told_at_its_field(enter, boat, network, field, value):
    fields = {"network": network()} | {field: value}
    reply = enter("operator").post(at(boat, "networks/connect"), fields)
    assert reply.status_code == 422
    assert f"id_{field}_error" in text(reply)


def test_what_the_engine_says_against_a_connection_is_told(enter, boat, network):
    joined = network()
    reply = enter("operator").post(at(boat, "networks/connect"), {"network": joined, "ipv4": "192.0.2.5"})
    assert reply.status_code == 422
    assert "subnet" in text(reply).lower()


def test_it_leaves_no_network_that_it_is_not_in(enter, boat):
    assert enter("operator").post(at(boat, "networks/disconnect"), {"network": "elsewhere"}).status_code == 404


def test_who_shares_the_host_s_network_is_offered_none(enter, make, name):
    container = make(name, StopSignal="SIGKILL", HostConfig={"NetworkMode": "host"})
    page = text(enter("operator").get(at(container, "networks")))
    assert "shares the network of the host" in page
    assert "Connect to one more" not in page


def test_a_viewer_sees_networks_and_no_way_to_change_them(enter, boat):
    page = text(enter("viewer").get(at(boat, "networks")))
    assert "bridge" in page
    assert "Disconnect" not in page and "Connect to one more" not in page


def commit(client, container: str, **fields) -> Operation:
    reply = client.post(at(container, "commit"), {"pause": "on", **fields})
    assert reply.status_code == 302, text(reply)
    operation = Operation.objects.get(kind="container.commit")
    run.execute(operation.pk)
    return Operation.objects.get(pk=operation.pk)


def test_a_commit_makes_an_image_of_what_was_written(enter, boat, name, unix_engine):
    operation = commit(enter("builder"), boat, reference=f"{name}/kept", message="why", changes='ENV A=b\nCMD ["x"]')
    assert (operation.status, operation.sentence) == ("SUCCEEDED", "")
    client = connect(unix_engine)
    image = call(client, "GET", f"/images/{name}/kept:latest/json")
    assert image["Id"] == operation.result["image"]
    assert image["Comment"] == "why"
    assert "A=b" in image["Config"]["Env"] and image["Config"]["Cmd"] == ["x"]
    client.remove_image(f"{name}/kept:latest")


def test_a_name_that_an_image_has_is_told_before_it_is_taken(enter, boat, name, unix_engine):
    client, engine = enter("builder"), connect(unix_engine)
    engine.tag("busybox:local", name, "1")
    reply = client.post(at(boat, "commit"), {"reference": f"{name}:1"})
    assert reply.status_code == 422
    assert "has this name already" in text(reply)
    assert not Operation.objects.exists()
    taken = call(engine, "GET", f"/images/{name}:1/json")["Id"]
    assert client.post(at(boat, "commit"), {"reference": f"{name}:1", "replace": taken}).status_code == 302
    engine.remove_image(f"{name}:1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", "Not An Image"),
        ("reference", "a@sha256:" + "0" * 64),
        ("changes", "RUN id"),
        ("changes", "ADD http://x /"),
        ("changes", "ONBUILD RUN id"),
        ("changes", "ENV"),
    ],
)
def test_a_wrong_commit_is_told_at_its_field(enter, boat, field, value):
    reply = enter("builder").post(at(boat, "commit"), {"reference": "a:1", field: value})
    assert reply.status_code == 422
    assert f"id_{field}_error" in text(reply)
    assert not Operation.objects.exists()


def test_nobody_below_manager_commits_one_that_reaches_into_its_host(enter, make, name):
    container = make(name, StopSignal="SIGKILL", HostConfig={"Binds": ["/etc:/outside:ro"]})
    assert enter("builder").post(at(container, "commit"), {"reference": "a:1"}).status_code == 403
    assert enter("manager").get(at(container, "commit")).status_code == 200


def test_a_commit_is_refused_where_the_right_went_before_the_worker_came(enter, boat, name, row):
    reply = enter("builder").post(at(boat, "commit"), {"reference": f"{name}:1"})
    assert reply.status_code == 302
    row.grants.update(role=20)
    operation = Operation.objects.get()
    run.execute(operation.pk)
    assert Operation.objects.get().status == "CANCELLED"


def test_the_page_that_waits_says_how_it_ended(enter, boat, name, unix_engine):
    client = enter("operator")
    assert "Leave this page open" in text(client.get(at(boat, "wait")))
    call(connect(unix_engine), "POST", f"/containers/{boat}/kill")
    call(connect(unix_engine), "POST", f"/containers/{boat}/wait")
    assert f"{name} ended with exit code 137" in text(client.get(at(boat, "wait"), headers=HTMX))


def test_the_page_that_waits_says_when_it_is_gone(enter, boat, unix_engine):
    client = enter("operator")
    call(connect(unix_engine), "DELETE", f"/containers/{boat}", params={"force": "1"})
    assert "ended and was removed" in text(client.get(at(boat, "wait"), headers=HTMX))


def test_pages_of_one_that_vanished_are_not_found(enter, boat, unix_engine):
    client = enter("builder")
    call(connect(unix_engine), "DELETE", f"/containers/{boat}", params={"force": "1"})
    for page in ("rename", "limits", "networks", "commit", "wait"):
        assert client.get(at(boat, page)).status_code == 404
