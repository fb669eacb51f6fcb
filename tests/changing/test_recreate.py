"""One container in the place of another, on a real engine: the old one goes only when the new one does."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engines.changing import actions as change_actions
from engines.changing import edit_actions, replacing, work
from engines.changing.edit_actions import Wishes
from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.containers import queries
from engines.containers.replaced import carried, edition, names
from engines.containers.standing import BeingReplaced, standing
from engines.creation import actions as creation_actions
from engines.models import AuditEntry, EngineLimits, Grant, LogChunk, Operation
from engines.operations import actions as operations
from engines.operations import reconcile, run, tasks
from engines.operations.starter import in_thread
from engines.permissions import Role
from engines.spec.defaults import subtracted
from engines.spec.inspected import from_inspect
from engines.spec.types import ContainerSpec, Join, Mount
from tests.operations.conftest import wait_for
from tests.rig.images import BASE, build

pytestmark = pytest.mark.django_db(transaction=True)
Status = Operation.Status
_PLAIN = Wishes()


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    """Nothing runs by itself: the test runs the operation as a worker would. A proof takes less here."""
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)
    monkeypatch.setattr(replacing, "PROOF_SECONDS", 0.6)


@pytest.fixture
def name(unix_engine) -> Iterator[str]:
    """A name of its own; what has it, or a name that begins with it, is removed afterwards."""
    made = f"re-{uuid.uuid4().hex[:8]}"
    yield made
    client = connect(unix_engine)
    for each in call(client, "GET", "/containers/json", params={"all": "1"}):
        if made in each["Names"][0]:
            with suppress(EngineReplied):
                call(client, "DELETE", f"/containers/{each['Id']}", params={"force": "1", "v": "1"})


@pytest.fixture
def boss(row) -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def old(make, name) -> str:
    """A container that runs, with a policy that would start it again and again."""
    host = {"Memory": 64 << 20, "PidsLimit": 100, "RestartPolicy": {"Name": "always"}}
    return make(name, StopSignal="SIGKILL", Env=["A=1"], HostConfig=host)


@pytest.fixture
def begin(row, boss, unix_engine) -> Callable[..., Operation]:
    """Starts the replacement of a container by itself with these fields changed."""

    def start(container: str, wishes: Wishes = _PLAIN, *, by: User = boss, same: bool = False, **changed) -> Operation:
        inspect = seen(unix_engine, container)
        image = call(connect(unix_engine), "GET", f"/images/{inspect['Image']}/json")
        spec = replace(subtracted(from_inspect(inspect), image), **changed)
        judged = queries.judged(row, spec)
        return edit_actions.replace(row, inspect, judged, wishes, same=same, by=by)

    return start


def seen(endpoint, container: str) -> dict:
    return call(connect(endpoint), "GET", f"/containers/{container}/json")


def gone(endpoint, container: str) -> bool:
    try:
        seen(endpoint, container)
    except EngineReplied as refusal:
        return refusal.status == 404
    return False


def finished(operation: Operation) -> Operation:
    run.execute(operation.pk)
    return again(operation)


def again(operation: Operation) -> Operation:
    return Operation.objects.get(pk=operation.pk)


def log_of(operation: Operation) -> str:
    return "".join(LogChunk.objects.filter(operation=operation).order_by("seq").values_list("text", flat=True))


def assert_as_it_was(endpoint, container: str, name: str, policy: str = "always") -> None:
    found = seen(endpoint, container)
    assert found["Name"] == f"/{name}"
    assert found["State"]["Running"] is True
    assert found["HostConfig"]["RestartPolicy"]["Name"] == policy
    mine = call(connect(endpoint), "GET", "/containers/json", params={"all": "1"})
    assert [each["Names"][0] for each in mine if name in each["Names"][0]] == [f"/{name}"]


def test_the_new_one_has_the_name_and_what_was_changed_and_the_old_one_is_gone(begin, old, name, unix_engine):
    operation = finished(begin(old, env=("A=2",), memory_bytes=96 << 20))
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")
    assert gone(unix_engine, old)
    new = seen(unix_engine, name)
    assert (operation.result["container"], operation.result["kept"]) == (new["Id"], "")
    assert "A=2" in new["Config"]["Env"] and "A=1" not in new["Config"]["Env"]
    assert new["HostConfig"]["Memory"] == 96 << 20
    assert new["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert new["State"]["Running"] is True
    assert {item["state"] for item in operation.progress["items"]} == {"done"}
    entry = AuditEntry.objects.get(act="container.create", phase="OUTCOME")
    assert (entry.outcome, entry.parameters["container"], entry.parameters["name"]) == ("SUCCEEDED", old, name)
    assert any(one["path"].endswith("/stop") for one in entry.requests)


def test_what_this_console_does_not_know_of_it_stays(begin, make, name, unix_engine):
    old = make(name, StopSignal="SIGKILL", HostConfig={"KernelMemoryTCP": 0, "CpuPercent": 0, "ConsoleSize": [30, 90]})
    finished(begin(old, hostname="other"))
    assert seen(unix_engine, name)["HostConfig"]["ConsoleSize"] == [30, 90]


def test_an_old_one_that_is_kept_is_stopped_and_stays_so(begin, old, name, unix_engine):
    operation = finished(begin(old, Wishes(keep=True), env=("A=2",)))
    kept = seen(unix_engine, old)
    assert kept["Name"] == f"/{names(name, operation.pk)[0]}" == f"/{operation.result['kept']}"
    assert kept["State"]["Running"] is False
    assert kept["HostConfig"]["RestartPolicy"]["Name"] == "no"


def test_one_that_did_not_run_is_replaced_and_not_started(begin, old, name, unix_engine):
    call(connect(unix_engine), "POST", f"/containers/{old}/stop")
    operation = finished(begin(old, Wishes(start=False), env=("A=2",)))
    assert operation.status == Status.SUCCEEDED
    assert seen(unix_engine, name)["State"]["Status"] == "created"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"command": ("sh", "-c", "exit 3")}, "exit code 3"),
        ({"command": ("sh", "-c", "exit 3"), "restart": "no"}, "exit code 3"),
        ({"command": ("no-such-program",)}, "executable file not found"),
    ],
)
def test_a_new_one_that_does_not_run_gives_way_to_the_old_one(begin, old, name, unix_engine, changed, sentence):
    operation = finished(begin(old, **changed))
    assert operation.status == Status.FAILED
    assert sentence in operation.sentence
    assert f"The old {name} was started again." in operation.sentence
    assert_as_it_was(unix_engine, old, name)


def healthy(test: str, **more):
    body = from_inspect(
        {
            "Config": {
                "Healthcheck": {
                    "Test": ["CMD-SHELL", test],
                    "Interval": 200_000_000,
                    "Timeout": 2_000_000_000,
                    "Retries": 2,
                    **more,
                }
            }
        }
    )
    return body.healthcheck


def test_an_unhealthy_one_gives_way_to_the_old_one(begin, old, name, unix_engine):
    operation = finished(begin(old, healthcheck=healthy("exit 7")))
    assert operation.status == Status.FAILED
    assert "unhealthy. Its last probe ended with exit code" in operation.sentence
    assert_as_it_was(unix_engine, old, name)


def test_a_healthy_one_stays(begin, old, name, unix_engine):
    operation = finished(begin(old, healthcheck=healthy("true")))
    assert operation.status == Status.SUCCEEDED
    assert "healthy after" in log_of(operation)


def test_one_that_never_gets_healthy_is_given_up_in_time(begin, old, name, unix_engine, monkeypatch):
    monkeypatch.setattr(replacing, "_MOST_HEALTH_SECONDS", 1.0)
    operation = finished(begin(old, healthcheck=healthy("exit 1", StartPeriod=60_000_000_000)))
    assert "was not healthy within 1 s" in operation.sentence
    assert_as_it_was(unix_engine, old, name)


def test_a_port_that_another_one_has_is_told_and_the_old_one_comes_back(begin, old, make, name, unix_engine):
    taken = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18099"}]}}
    make(f"{name}-neighbour", StopSignal="SIGKILL", HostConfig=taken, ExposedPorts={"80/tcp": {}})
    from_port = from_inspect({"HostConfig": taken}).ports
    operation = finished(begin(old, ports=from_port))
    assert operation.status == Status.FAILED
    assert "port is already allocated" in operation.sentence
    found = seen(unix_engine, old)
    assert (found["Name"], found["State"]["Running"]) == (f"/{name}", True)


def test_its_own_ports_clash_with_nothing(begin, make, name, unix_engine):
    own = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18098"}]}}
    old = make(name, StopSignal="SIGKILL", HostConfig=own, ExposedPorts={"80/tcp": {}})
    assert finished(begin(old, env=("A=2",))).status == Status.SUCCEEDED


def test_anonymous_volumes_are_carried_over_with_what_is_in_them(begin, make, name, unix_engine):
    script = ["sh", "-c", "test -e /data/x || echo kept >/data/x; exec sleep 1000000"]
    old = make(name, StopSignal="SIGKILL", Cmd=script, HostConfig={"Mounts": [{"Type": "volume", "Target": "/data"}]})
    volume = seen(unix_engine, old)["Mounts"][0]["Name"]
    operation = finished(begin(old, Wishes(volumes=True), env=("A=2",)))
    assert operation.status == Status.SUCCEEDED, operation.sentence
    mounted = seen(unix_engine, name)["Mounts"]
    assert [(each["Name"], each["Destination"]) for each in mounted] == [(volume, "/data")]
    # A second time as well: by now it is a volume that is named.
    assert finished(begin(operation.result["container"], env=("A=3",))).status == Status.SUCCEEDED
    assert [each["Name"] for each in seen(unix_engine, name)["Mounts"]] == [volume]
    call(connect(unix_engine), "DELETE", f"/containers/{name}", params={"force": "1"})
    call(connect(unix_engine), "DELETE", f"/volumes/{volume}")


def test_without_carrying_them_over_they_are_new_ones(begin, make, name, unix_engine):
    old = make(name, StopSignal="SIGKILL", HostConfig={"Mounts": [{"Type": "volume", "Target": "/data"}]})
    volume = seen(unix_engine, old)["Mounts"][0]["Name"]
    operation = finished(begin(old, Wishes(carry=False, volumes=True), env=("A=2",)))
    assert operation.status == Status.SUCCEEDED, operation.sentence
    assert seen(unix_engine, name)["Mounts"][0]["Name"] != volume
    with pytest.raises(EngineReplied):
        call(connect(unix_engine), "GET", f"/volumes/{volume}")


def test_networks_with_their_names_and_addresses_go_with_it(begin, make, name, unix_engine):
    client = connect(unix_engine)
    pool = {"IPAM": {"Config": [{"Subnet": "10.198.3.0/24"}]}}
    network = call(client, "POST", "/networks/create", body={"Name": f"{name}-net", **pool})["Id"]
    old = make(name, StopSignal="SIGKILL")
    settings = {"IPAMConfig": {"IPv4Address": "10.198.3.9"}, "Aliases": ["store"]}
    call(client, "POST", f"/networks/{network}/connect", body={"Container": old, "EndpointConfig": settings})
    operation = finished(begin(old, env=("A=2",)))
    assert operation.status == Status.SUCCEEDED, operation.sentence
    joined = seen(unix_engine, name)["NetworkSettings"]["Networks"][f"{name}-net"]
    assert joined["IPAddress"] == "10.198.3.9"
    assert "store" in joined["Aliases"]
    call(client, "DELETE", f"/containers/{name}", params={"force": "1"})
    call(client, "DELETE", f"/networks/{network}")


def running(operation: Operation, until: Callable[[], bool]) -> threading.Thread:
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(until, 30)
    return thread


def test_a_cancel_while_it_is_proved_gives_the_old_one_back(begin, old, name, unix_engine, boss):
    operation = begin(old, healthcheck=healthy("exit 1", StartPeriod=60_000_000_000))
    thread = running(operation, lambda: "Starting" in log_of(operation))
    operations.cancel(again(operation), by=boss)
    thread.join(30)
    assert again(operation).status == Status.CANCELLED
    assert "was started again" in log_of(operation)
    assert_as_it_was(unix_engine, old, name)


def test_a_cancel_while_the_old_one_is_returned_to_leaves_nothing_half_done(begin, old, name, unix_engine, monkeypatch):
    operation, beats = begin(old, command=("sh", "-c", "exit 3")), []
    discard, beat = replacing.discard, run.Ledger.beat

    async def cancelled(job, made):
        await discard(job, made)
        await in_thread(Operation.objects.filter(pk=operation.pk).update, cancel_requested_at=timezone.now())
        before = len(beats)
        # Until its keeper has ended all else, and it is still heard of.
        await in_thread(wait_for, lambda: len(beats) >= before + 8)

    def noted(ledger):
        beats.append(1)
        beat(ledger)

    monkeypatch.setattr(run, "_BEAT_SECONDS", 0.1)
    monkeypatch.setattr(run.Ledger, "beat", noted)
    monkeypatch.setattr(replacing, "discard", cancelled)
    assert finished(operation).status == Status.CANCELLED
    assert f"The old {name} was started again." in log_of(operation)
    assert_as_it_was(unix_engine, old, name)


def test_a_cancel_while_the_old_one_stops_waits_for_that(begin, make, name, unix_engine, boss):
    slow = ["sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"]
    old = make(name, Cmd=slow)
    operation = begin(old, env=("A=2",))
    thread = running(operation, lambda: "Stopping" in log_of(operation))
    operations.cancel(again(operation), by=boss)
    thread.join(30)
    assert again(operation).status == Status.CANCELLED
    found = seen(unix_engine, old)
    assert (found["Name"], found["State"]["Running"]) == (f"/{name}", True)
    call(connect(unix_engine), "POST", f"/containers/{old}/kill")


def test_two_who_edit_the_same_one_are_told_of_each_other(begin, old, name, unix_engine):
    first, second = begin(old, env=("A=2",)), begin(old, env=("A=3",))
    assert finished(first).status == Status.SUCCEEDED
    late = finished(second)
    assert (late.status, late.sentence) == (Status.FAILED, "This container is gone: somebody removed it.")
    assert "A=2" in seen(unix_engine, name)["Config"]["Env"]


def test_a_change_since_it_was_looked_at_undoes_nothing(begin, old, name, unix_engine):
    operation = begin(old, env=("A=2",))
    call(connect(unix_engine), "POST", f"/containers/{old}/update", body={"Memory": 80 << 20, "MemorySwap": 160 << 20})
    late = finished(operation)
    assert late.status == Status.FAILED
    assert "Somebody changed this container" in late.sentence
    assert_as_it_was(unix_engine, old, name)


def during_the_pull(monkeypatch, act: Callable[[], object]) -> None:
    async def bring(*_):
        await asyncio.to_thread(act)

    monkeypatch.setattr(work, "bring", bring)


def test_what_others_change_during_the_pull_is_not_lost(begin, old, name, unix_engine, monkeypatch):
    body = {"Memory": 32 << 20, "MemorySwap": 64 << 20}
    update = f"/containers/{old}/update"
    during_the_pull(monkeypatch, lambda: call(connect(unix_engine), "POST", update, body=body))
    late = finished(begin(old, env=("A=2",)))
    assert (late.status, "Somebody changed this container" in late.sentence) == (Status.FAILED, True)
    assert_as_it_was(unix_engine, old, name)


def test_what_others_stop_during_the_pull_stays_stopped(begin, old, name, unix_engine, monkeypatch):
    during_the_pull(monkeypatch, lambda: call(connect(unix_engine), "POST", f"/containers/{old}/stop"))
    operation = finished(begin(old, env=("A=2",)))
    assert operation.status == Status.SUCCEEDED, operation.sentence
    assert seen(unix_engine, name)["State"]["Status"] == "created"


def test_what_is_being_replaced_is_not_changed_otherwise(begin, old, row, boss, name, unix_engine):
    operation = begin(old, env=("A=2",))
    Operation.objects.filter(pk=operation.pk).update(status=Status.RUNNING, heartbeat_at=timezone.now())
    for change in (
        lambda: change_actions.rename(row, old, f"{name}-2", by=boss),
        lambda: change_actions.update(row, old, {"pids": 50}, by=boss),
        lambda: change_actions.connect(row, old, Join("bridge"), by=boss),
        lambda: change_actions.disconnect(row, old, "bridge", force=False, by=boss),
    ):
        with pytest.raises(BeingReplaced, match="boss is replacing this container just now"):
            change()
    assert_as_it_was(unix_engine, old, name)


def test_one_is_not_replaced_while_it_is_returned_to(begin, old, row, boss, name, unix_engine):
    first = begin(old, env=("A=2",))
    back = edit_actions.give_back(row, first, by=boss)
    for gone_for in ("container", "new"):
        spec = {"operation": str(first.pk), "container": "0" * 64, "new": ""} | {gone_for: old}
        Operation.objects.filter(pk=back.pk).update(status=Status.RUNNING, heartbeat_at=timezone.now(), spec=spec)
        late = finished(begin(old, env=("A=3",)))
        assert (late.status, "is replacing this container just now" in late.sentence) == (Status.FAILED, True)
    assert_as_it_was(unix_engine, old, name)


def test_one_that_removes_itself_leaves_the_new_one_where_that_does_not_start(begin, make, name, unix_engine):
    old = make(name, StopSignal="SIGKILL", HostConfig={"AutoRemove": True})
    operation = finished(begin(old, auto_remove=False, command=("sh", "-c", "exit 3")))
    assert operation.status == Status.FAILED
    assert f"The old {name} is gone, so the new one stays in its place" in operation.sentence
    found = seen(unix_engine, name)
    assert (found["State"]["Running"], found["State"]["ExitCode"]) == (False, 3)


def test_of_two_that_remove_themselves_the_new_one_is_made_again(begin, make, name, unix_engine):
    old = make(name, StopSignal="SIGKILL", HostConfig={"AutoRemove": True})
    operation = finished(begin(old, env=("A=2",), command=("sh", "-c", "exit 3")))
    assert (operation.status, "it was made again" in operation.sentence) == (Status.FAILED, True)
    found = seen(unix_engine, name)
    assert (found["State"]["Status"], "A=2" in found["Config"]["Env"]) == ("created", True)


def test_only_one_operation_replaces_a_container_at_a_time(begin, old, name, unix_engine):
    first = begin(old, env=("A=2",))
    Operation.objects.filter(pk=first.pk).update(
        status=Status.RUNNING, started_at=timezone.now(), heartbeat_at=timezone.now()
    )
    second = finished(begin(old, env=("A=3",)))
    assert second.status == Status.FAILED
    assert "is replacing this container just now" in second.sentence
    assert_as_it_was(unix_engine, old, name)


def killed(begin, old: str, monkeypatch, at: str) -> Operation:
    """A replacement whose worker is killed once it has asked for `at`: nothing of it runs any more."""

    class Killed(BaseException):
        pass

    async def never(*_):
        raise Killed

    def dies(self, path, **kwargs):
        if path.endswith(at):
            monkeypatch.setattr(replacing, "returned", never)
            raise Killed
        return post(self, path, **kwargs)

    post = replacing.Replacement._post
    with monkeypatch.context() as patch:
        patch.setattr(replacing.Replacement, "_post", dies)
        operation = begin(old, env=("A=2",))
        with suppress(Killed):
            run.execute(operation.pk)
    monkeypatch.undo()
    Operation.objects.filter(pk=operation.pk).update(
        status=Status.RUNNING, finished_at=None, heartbeat_at=timezone.now() - timedelta(minutes=1)
    )
    reconcile.reconcile()
    assert again(operation).status == Status.LOST
    return again(operation)


@pytest.mark.parametrize("at", ["/stop", "/rename", "/start"])
def test_what_a_killed_worker_left_is_returned_by_an_operation(
    begin, row, boss, old, name, unix_engine, monkeypatch, at
):
    lost = killed(begin, old, monkeypatch, at)
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)
    back = finished(edit_actions.give_back(row, lost, by=boss))
    assert (back.status, back.sentence) == (Status.SUCCEEDED, "")
    assert_as_it_was(unix_engine, old, name)


def test_the_new_one_stays_where_the_old_one_is_gone(begin, row, boss, old, name, unix_engine):
    operation = finished(begin(old, env=("A=2",)))
    new = operation.result["container"]
    # Its worker was killed after it removed the old one, and before it said so.
    Operation.objects.filter(pk=operation.pk).update(status=Status.LOST, result={})
    call(connect(unix_engine), "POST", f"/containers/{new}/rename", params={"name": f"{name}-new-abcdef"})
    assert standing(row, seen(unix_engine, new)) is None
    back = finished(edit_actions.give_back(row, again(operation), by=boss))
    assert back.status == Status.FAILED
    assert back.sentence == (f"The old {name} is gone, so the new one stays in its place, under this name. It runs.")
    assert seen(unix_engine, name)["Id"] == new


def test_nothing_is_returned_to_while_the_operation_runs(begin, row, boss, old):
    operation = begin(old, env=("A=2",))
    Operation.objects.filter(pk=operation.pk).update(
        status=Status.RUNNING,
        progress={
            "replaced": {"old": old, "name": "x", "ran": True, "paused": False, "policy": "no", "retries": 0, "new": ""}
        },
    )
    back = finished(edit_actions.give_back(row, again(operation), by=boss))
    assert "still runs" in back.sentence


@pytest.fixture
def newer(unix_engine, registry, name) -> Iterator[tuple[str, str]]:
    """A name of an image, and the id of a newer one that the registry has for it; the engine has the older one."""
    client, reference = connect(unix_engine, timeout=60), f"{registry.host}/{name}:1"
    ids = []
    for version in ("new", "old"):
        build(client, reference, f"FROM {BASE}\nENV VERSION={version}\nRUN echo {name} {version} >/version\n")
        ids.append(call(client, "GET", f"/images/{reference}/json")["Id"])
        if version == "new":
            assert "error" not in client.push(reference, auth_config={})
    yield reference, ids[0]
    for container in call(client, "GET", "/containers/json", params={"all": "1"}):
        if name in container["Names"][0]:
            call(client, "DELETE", f"/containers/{container['Id']}", params={"force": "1"})
    for each in ids:
        with suppress(EngineReplied):
            call(client, "DELETE", f"/images/{each}", params={"force": "1"})


def test_a_newer_image_is_pulled_and_what_it_gives_is_taken_over(begin, make, name, newer, unix_engine):
    reference, image = newer
    old = make(name, Image=reference, StopSignal="SIGKILL", Env=["MINE=1"])
    assert "VERSION=old" in seen(unix_engine, old)["Config"]["Env"]
    operation = finished(begin(old, Wishes(pull="always"), same=True))
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")
    new = seen(unix_engine, name)
    assert new["Image"] == image
    assert {"VERSION=new", "MINE=1"} <= set(new["Config"]["Env"])
    again_asked = finished(begin(new["Id"], Wishes(pull="always"), same=True))
    assert again_asked.result == {"container": new["Id"], "name": name, "unchanged": True}
    assert "already the newest" in log_of(again_asked)
    forced = finished(begin(new["Id"], Wishes(pull="always", force=True), same=True))
    assert forced.status == Status.SUCCEEDED
    assert forced.result["container"] != new["Id"]


def test_an_image_that_cannot_be_pulled_leaves_the_old_one_alone(begin, old, name, unix_engine):
    operation = finished(begin(old, Wishes(pull="always"), image="localhost:9/nothing:1"))
    assert operation.status == Status.FAILED
    assert "was not pulled" in operation.sentence
    assert_as_it_was(unix_engine, old, name)


def created(row, by: User, spec: ContainerSpec, pull: str = "missing") -> Operation:
    judged = queries.judged(row, spec)
    return finished(creation_actions.create_later(row, judged, start=True, pull=pull, by=by))


def test_a_creation_pulls_what_is_missing(row, boss, name, newer, unix_engine):
    reference, image = newer
    connect(unix_engine).remove_image(reference, force=True)
    operation = created(row, boss, ContainerSpec(reference, name, command=("sleep", "1000000")))
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")
    found = seen(unix_engine, name)
    assert (found["Id"], found["Image"], found["State"]["Running"]) == (operation.result["container"], image, True)


def test_a_creation_that_does_not_start_leaves_nothing_behind(row, boss, name, unix_engine):
    operation = created(row, boss, ContainerSpec("busybox:local", name, command=("no-such-program",)))
    assert operation.status == Status.FAILED
    assert "could not be started, and was removed" in operation.sentence
    assert gone(unix_engine, name)


def test_limits_that_became_stricter_refuse_what_was_allowed_before(row, name, unix_engine):
    builder = User.objects.create_user("builder")
    Grant.objects.create(engine=row, user=builder, role=Role.BUILDER)
    judged = queries.judged(row, ContainerSpec("busybox:local", name, memory_bytes=64 << 20, pids=50))
    operation = creation_actions.create_later(row, judged, start=True, pull="missing", by=builder)
    EngineLimits.objects.create(engine=row, memory_most_bytes=32 << 20)
    late = finished(operation)
    assert late.status == Status.FAILED
    assert "Beyond the limits of this engine by now: memory_bytes" in late.sentence
    assert gone(unix_engine, name)


def test_volumes_without_a_name_take_the_place_of_empty_ones_only():
    volume = "a" * 64
    inspect = {"Mounts": [{"Type": "volume", "Name": volume, "Destination": "/data", "RW": True}]}
    kept, named = Mount("volume", volume, "/data"), Mount("volume", "other", "/data")
    assert carried((Mount("volume", "", "/data"),), inspect) == (kept,)
    assert carried((), inspect) == (kept,)
    assert carried((named,), inspect) == (named,)


def test_a_mark_is_of_what_a_container_is():
    assert edition({"Id": "a", "State": {"Running": True}}) == edition({"Id": "a"})
    assert edition({"Id": "a", "HostConfig": {"Memory": 1}}) != edition({"Id": "a"})
