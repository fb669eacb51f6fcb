"""The pages on which a container is edited, on a real engine: nothing is done before a review, nothing lost."""

import html
import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from engines.changing import edit_review
from engines.client.connect import call, connect
from engines.containers.replaced import Replaced
from engines.containers.standing import standing
from engines.models import Operation
from engines.operations import run, tasks
from engines.spec.inspected import from_inspect
from engines.spec.types import ContainerSpec, Mount

pytestmark = pytest.mark.django_db(transaction=True)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    """Nothing runs by itself: the test runs the operation as a worker would."""
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)


@pytest.fixture
def name() -> str:
    return f"edit-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def boat(make, name) -> str:
    """Within the usual limits."""
    log = {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}
    host = {"Memory": 64 << 20, "PidsLimit": 100, "SecurityOpt": ["no-new-privileges"], "LogConfig": log}
    return make(name, StopSignal="SIGKILL", Env=["TOKEN=canary"], HostConfig=host)


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def at(container: str, page: str = "edit") -> str:
    return f"/engines/real/containers/{container}/{page}/"


def filled(client, container: str, **changed) -> dict[str, str]:
    """What a browser sends of the form as it is shown, with these fields changed."""
    page = client.get(at(container))
    assert page.status_code == 200, text(page)
    form = page.context["form"]
    return form.sent() | {"seen": page.context["seen"], "was": page.context["was"]} | changed


def posted(reply) -> dict[str, str]:
    """The fields that a review page sends again."""
    return {html.unescape(name): html.unescape(value) for name, value in HIDDEN.findall(reply.content.decode())}


def test_a_review_shows_what_would_change_and_does_nothing(enter, boat, name, unix_engine):
    client = enter("operator")
    reply = client.post(at(boat), filled(client, boat, env="TOKEN=other\nNEW=1"))
    assert reply.status_code == 200, text(reply)
    (change,) = reply.context["review"].changes
    assert [(line.old, line.new) for line in change.lines] == [("TOKEN=canary", "TOKEN=other"), (None, "NEW=1")]
    assert not Operation.objects.exists()
    assert call(connect(unix_engine), "GET", f"/containers/{name}/json")["Id"] == boat


def test_what_is_reviewed_is_what_is_done(enter, boat, name, unix_engine):
    client = enter("operator")
    reviewed = client.post(at(boat), filled(client, boat, env="TOKEN=other\nLINE=a b"))
    reply = client.post(at(boat), posted(reviewed) | {"confirm": "1", "carry": "1"})
    assert reply.status_code == 302, text(reply)
    operation = Operation.objects.get()
    run.execute(operation.pk)
    assert Operation.objects.get().status == "SUCCEEDED", Operation.objects.get().sentence
    new = call(connect(unix_engine), "GET", f"/containers/{name}/json")
    assert new["Id"] != boat
    assert {"TOKEN=other", "LINE=a b"} <= set(new["Config"]["Env"])
    assert "canary" not in json.dumps(operation.spec) and "other" not in json.dumps(operation.spec)
    call(connect(unix_engine), "DELETE", f"/containers/{name}", params={"force": "1"})


def test_the_same_review_sent_twice_starts_one_operation(enter, boat):
    client = enter("operator")
    sent = posted(client.post(at(boat), filled(client, boat, env="A=1"))) | {"confirm": "1"}
    assert client.post(at(boat), sent)["Location"] == client.post(at(boat), sent)["Location"]


def test_one_can_go_back_to_editing_with_all_that_was_typed(enter, boat):
    client = enter("operator")
    reviewed = client.post(at(boat), filled(client, boat, env="TOKEN=other"))
    back = client.post(at(boat), posted(reviewed) | {"back": "1"})
    assert "TOKEN=other" in text(back)
    assert back.context["form"].sent()["env"] == "TOKEN=other"


def test_wrong_input_is_told_at_its_field_and_nothing_typed_is_lost(enter, boat):
    client = enter("operator")
    reply = client.post(at(boat), filled(client, boat, ports="99999:80", env="A=1"))
    assert reply.status_code == 422
    assert "id_ports_error" in text(reply)
    assert "99999:80" in text(reply) and "A=1" in text(reply)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("privileged", "on"),
        ("mounts", "/etc:/outside"),
        ("network", "host"),
        ("pid", "host"),
        ("cap_add", "SYS_ADMIN"),
        ("devices", "/dev/kmsg"),
        ("memory_bytes", ""),
        ("security_opt", "seccomp=unconfined"),
        ("sysctls", "net.ipv4.ip_forward=1"),
        ("runtime", "other"),
    ],
)
def test_below_manager_no_edit_makes_one_dangerous(enter, boat, field, value):
    client = enter("operator")
    reply = client.post(at(boat), filled(client, boat, **{field: value}) | {"confirm": "1"})
    assert reply.status_code == 422
    assert f"id_{field}_error" in text(reply)
    assert not Operation.objects.exists()


def test_two_people_who_edit_are_told_of_each_other_with_what_changed(enter, boat, unix_engine):
    client = enter("operator")
    sent = filled(client, boat, env="TOKEN=mine")
    update = {"Memory": 80 << 20, "MemorySwap": 160 << 20}
    call(connect(unix_engine), "POST", f"/containers/{boat}/update", body=update)
    reply = client.post(at(boat), sent | {"confirm": "1"})
    assert reply.status_code == 409
    page = text(reply)
    assert "Somebody changed this container while you edited it. Nothing was done." in page
    assert "64m" in page and "80m" in page
    assert "TOKEN=mine" in page
    assert not Operation.objects.exists()


@pytest.mark.parametrize("was", ["", "x", "[]", "[" * 100_000, "null", '{"image": []}', '{"image": {"a": 1}}'])
def test_a_page_that_comes_back_spoiled_breaks_nothing(enter, boat, was):
    client = enter("operator")
    reply = client.post(at(boat), filled(client, boat) | {"seen": "other", "was": was})
    assert reply.status_code == 409


def test_what_can_be_changed_as_it_runs_needs_no_new_container(enter, boat, unix_engine):
    client = enter("operator")
    before = call(connect(unix_engine), "GET", f"/containers/{boat}/json")["State"]["Pid"]
    reviewed = client.post(at(boat), filled(client, boat, memory_bytes="96m", restart="unless-stopped"))
    assert reviewed.context["review"].live == {"memory_bytes": 96 << 20, "restart": "unless-stopped"}
    reply = client.post(at(boat), posted(reviewed) | {"live": "1"}, follow=True)
    assert "changed as it runs" in text(reply)
    now = call(connect(unix_engine), "GET", f"/containers/{boat}/json")
    assert (now["HostConfig"]["Memory"], now["State"]["Pid"]) == (96 << 20, before)
    assert not Operation.objects.exists()


def test_what_is_more_than_that_does(enter, boat):
    client = enter("operator")
    reviewed = client.post(at(boat), filled(client, boat, memory_bytes="96m", hostname="other"))
    assert reviewed.context["review"].live == {}


def test_what_would_be_lost_is_told(enter, boat, unix_engine):
    client, engine = enter("operator"), connect(unix_engine)
    command = ["sh", "-c", "mkdir -p /var/app && echo 12345 >/var/app/x && echo >/var/app/y && rm /bin/vi"]
    execution = call(engine, "POST", f"/containers/{boat}/exec", body={"Cmd": command, "AttachStdout": True})["Id"]
    engine.exec_start(execution)
    reviewed = client.post(at(boat), filled(client, boat, hostname="other"))
    lost = reviewed.context["review"].lost
    assert dict(lost.places) == {"/var/app": 2, "/bin/vi": 1}
    assert dict(lost.counts)["deleted"] == 1
    assert lost.size_bytes >= 6


def test_a_port_and_a_name_that_others_have_are_told_before(enter, boat, make, name):
    taken = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18097"}]}}
    make(f"{name}-neighbour", StopSignal="SIGKILL", HostConfig=taken, ExposedPorts={"80/tcp": {}})
    client = enter("operator")
    sent = filled(client, boat, ports="18097:80", name=f"{name}-neighbour")
    clashes = " ".join(client.post(at(boat), sent).context["review"].clashes)
    assert f"Port 18097 of the host is published by {name}-neighbour already." in clashes
    assert f"Another container is called {name}-neighbour already." in clashes


def test_what_the_form_cannot_say_stays(make, row, name):
    old = ContainerSpec("a", mounts=(Mount("bind", "/a", "/b", options=("NonRecursive",)),), other=("Secret",))
    form = edit_review.CreateForm(edit_review.CreateForm.of(old).sent() | {"env": "A=1"})
    assert form.is_valid(), form.errors
    new = edit_review.edited(form, old, "somebody")
    assert (new.mounts, new.other, new.env) == (old.mounts, old.other, ("A=1",))


def test_a_viewer_edits_nothing(enter, boat):
    client = enter("viewer")
    for page in ("edit", "recreate"):
        assert client.get(at(boat, page)).status_code == 403
        assert client.post(at(boat, page)).status_code == 403


def test_who_may_not_pull_gets_no_newer_image(enter, boat):
    client = enter("operator")
    page = client.get(at(boat, "recreate"))
    assert "does not include to pull images" in text(page)
    reply = client.post(at(boat, "recreate"), {"seen": page.context["seen"], "confirm": "1"})
    assert reply.status_code == 403
    assert not Operation.objects.exists()


@pytest.fixture
def cut_off(row, boat, unix_engine) -> Callable[..., Operation]:
    """A replacement of `boat` that ended so, with this progress."""

    def make(status: str, **progress) -> Operation:
        was = Replaced.of(call(connect(unix_engine), "GET", f"/containers/{boat}/json"))
        return Operation.objects.create(
            engine=row,
            engine_name=row.name,
            kind="container.recreate",
            title="Replace",
            created_by_name="ann",
            status=status,
            progress=was.note() | progress,
            finished_at=timezone.now() - timedelta(minutes=3),
        )

    return make


def test_one_that_was_cut_off_says_so_and_can_be_returned_to(enter, boat, name, cut_off, unix_engine):
    client, lost = enter("operator"), cut_off("LOST")
    call(connect(unix_engine), "POST", f"/containers/{boat}/rename", params={"name": f"{name}-old-abcdef"})
    call(connect(unix_engine), "POST", f"/containers/{boat}/stop", params={"t": "0"})
    page = text(client.get(f"/engines/real/containers/{boat}/"))
    assert f"It was cut off while another container took the place of {name}" in page
    reply = client.post(at(boat, "return"))
    assert reply.status_code == 302
    back = Operation.objects.get(kind="container.return")
    run.execute(back.pk)
    assert Operation.objects.get(pk=back.pk).status == "SUCCEEDED", Operation.objects.get(pk=back.pk).sentence
    found = call(connect(unix_engine), "GET", f"/containers/{boat}/json")
    assert (found["Name"], found["State"]["Running"]) == (f"/{name}", True)
    assert "cut off" not in text(client.get(f"/engines/real/containers/{boat}/"))
    assert client.post(at(boat, "return")).status_code == 404
    # Who stops it afterwards is told nothing.
    call(connect(unix_engine), "POST", f"/containers/{boat}/stop", params={"t": "0"})
    assert standing(lost.engine, call(connect(unix_engine), "GET", f"/containers/{boat}/json")) is None


def test_one_that_is_as_it_was_needs_no_way_back(enter, boat, cut_off):
    cut_off("FAILED")
    client = enter("operator")
    assert "cut off" not in text(client.get(f"/engines/real/containers/{boat}/"))
    assert client.post(at(boat, "return")).status_code == 404


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_one_that_was_left_stopped_can_be_returned_to(boat, cut_off, status, unix_engine):
    failed = cut_off(status)
    call(connect(unix_engine), "POST", f"/containers/{boat}/stop", params={"t": "0"})
    inspect = call(connect(unix_engine), "GET", f"/containers/{boat}/json")
    assert standing(failed.engine, inspect).state == "interrupted"
    # But not where it was returned to, and somebody stopped it since.
    Operation.objects.update(progress=failed.progress | {"returned": True})
    assert standing(failed.engine, inspect) is None


def test_a_viewer_returns_to_nothing(enter, boat, cut_off):
    cut_off("LOST")
    assert enter("viewer").post(at(boat, "return")).status_code == 403


def test_who_looks_while_it_is_replaced_is_told(enter, boat, cut_off):
    cut_off("RUNNING")
    assert "just now" in text(enter("viewer").get(f"/engines/real/containers/{boat}/"))


def test_one_made_of_an_id_has_no_newer_image(enter, make, name, unix_engine):
    image = call(connect(unix_engine), "GET", "/images/busybox:local/json")["Id"]
    container = make(name, StopSignal="SIGKILL", Image=image)
    reply = enter("builder").get(at(container, "recreate"), follow=True)
    assert "there is no newer one" in text(reply)


def test_the_marks_of_a_container_do_not_change_by_what_it_does(boat, unix_engine):
    client = connect(unix_engine)
    before = call(client, "GET", f"/containers/{boat}/json")
    call(client, "POST", f"/containers/{boat}/restart", params={"t": "0"})
    after = call(client, "GET", f"/containers/{boat}/json")
    assert edit_review.edition(before) == edit_review.edition(after)
    assert from_inspect(before) == from_inspect(after)
