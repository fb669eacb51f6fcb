"""Pulls on real engines, from a registry of this machine; and what an engine must not be believed."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.models import LogChunk, Operation
from engines.operations import actions, run, tasks
from tests.images.conftest import LAYER_BYTES, MISSING
from tests.operations.conftest import wait_for
from tests.rig.cell import HOST
from tests.rig.images import build
from tests.rig.ports import free_port
from tests.rig.proxy import Proxy

pytestmark = pytest.mark.django_db(transaction=True)
Status = Operation.Status
DOWNLOADED = {"status": "Status: Downloaded newer image for a:1"}


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    """Nothing runs by itself: the test runs the operation as a worker would."""
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)


@pytest.fixture
def start(cast, row) -> Callable[..., Operation]:
    def begin(reference: str, engine=None) -> Operation:
        spec = {"reference": reference}
        return actions.start(engine or row, "image.pull", spec, title="Pull", by=cast["administrator"])

    return begin


@pytest.fixture
def slow(registry) -> Iterator[Proxy]:
    """The registry behind a way whose rate a test may set."""
    host, _, port = registry.host.rpartition(":")
    with Proxy((HOST, free_port(HOST)), (host, int(port))) as proxy:
        yield proxy


def through(proxy: Proxy, pushed: str) -> str:
    host, port = proxy.listen
    return f"{host}:{port}/{pushed}"


def again(operation: Operation) -> Operation:
    return Operation.objects.get(pk=operation.pk)


def finished(operation: Operation) -> Operation:
    run.execute(operation.pk)
    return again(operation)


def log_of(operation: Operation) -> str:
    return "".join(LogChunk.objects.filter(operation=operation).order_by("seq").values_list("text", flat=True))


def has(endpoint, reference: str) -> bool:
    try:
        call(connect(endpoint), "GET", f"/images/{reference}/json")
    except EngineReplied as refusal:
        assert refusal.status == 404
        return False
    return True


def links_to(host, proxy: Proxy) -> int:
    """How many open connections the engine of `host` has to `proxy`."""
    address, port = proxy.listen
    far = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    table = [line.split() for line in Path(f"/proc/{host.engine.pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[2] == far and fields[3] == "01" for fields in table)


def test_a_pull_brings_the_image_with_progress_and_a_log(start, registry, pushed, unix_engine):
    reference = f"{registry.host}/{pushed}"
    operation = finished(start(reference))
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")
    image = call(connect(unix_engine), "GET", f"/images/{reference}/json")
    assert operation.result == {
        "reference": reference,
        "image": image["Id"],
        "status": f"Downloaded newer image for {reference}",
    }
    items = operation.progress["items"]
    assert (operation.progress["current"], operation.progress["total"]) == (3, 3)
    assert {item["state"] for item in items} == {"done"}
    assert "Pull complete" in log_of(operation)
    assert "Digest: sha256:" in log_of(operation)
    # Progress is no news worth a line.
    assert "Downloading" not in log_of(operation)
    pulls = [one for one in operation.requests if one["method"] == "POST"]
    assert [one["status"] for one in pulls] == [200]
    connect(unix_engine).remove_image(reference)


def test_layers_that_the_engine_has_are_shown_as_such(start, registry, pushed, unix_engine):
    base, client = f"{registry.host}/{pushed}", connect(unix_engine, timeout=60)
    finished(start(base))
    build(client, f"{base}-more", f"FROM {base}\nRUN echo more >/more\n")
    assert "error" not in client.push(f"{base}-more", auth_config={})
    client.remove_image(f"{base}-more")
    items = finished(start(f"{base}-more")).progress["items"]
    assert sorted(item["state"] for item in items) == ["cached", "cached", "cached", "done"]
    client.remove_image(f"{base}-more")
    client.remove_image(base)


def test_a_second_pull_and_one_by_digest_find_it_up_to_date(start, registry, pushed, unix_engine):
    reference = f"{registry.host}/{pushed}"
    finished(start(reference))
    second = finished(start(reference))
    assert second.status == Status.SUCCEEDED
    assert second.result["status"] == f"Image is up to date for {reference}"
    digest = call(connect(unix_engine), "GET", f"/images/{reference}/json")["RepoDigests"][0]
    third = finished(start(digest))
    assert (third.status, third.result["image"]) == (Status.SUCCEEDED, second.result["image"])
    connect(unix_engine).remove_image(second.result["image"], force=True)


def test_progress_grows_in_bytes_while_a_slow_registry_sends(start, slow, pushed, unix_engine):
    slow.rate = 1_500_000
    operation = start(through(slow, pushed))
    seen = set()
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()

    def note() -> bool:
        seen.update(
            (item["current"], item["total"])
            for item in (again(operation).progress or {}).get("items", [])
            if item["name"] == "Downloading" and item["total"] > LAYER_BYTES // 2
        )
        return not thread.is_alive()

    wait_for(note, 30)
    assert again(operation).status == Status.SUCCEEDED
    assert len(seen) > 2
    assert all(0 <= current <= total for current, total in seen)
    connect(unix_engine).remove_image(through(slow, pushed))


@pytest.mark.parametrize("missing", ["nowhere/none:1", "{pushed}-gone"])
def test_what_the_registry_lacks_fails_with_its_name_and_the_engine_s_words(start, registry, pushed, missing):
    reference = f"{registry.host}/{missing.format(pushed=pushed)}"
    operation = finished(start(reference))
    assert operation.status == Status.FAILED
    assert operation.sentence.startswith(f"{reference} was not pulled: ")
    assert "not found" in operation.sentence
    # A log with nothing in it would look like a fault of the page.
    assert "not found" in log_of(operation)


def test_a_registry_that_is_down_fails_with_the_reason(start, rig):
    reference = f"{HOST}:{free_port(HOST)}/team/app:1"
    began = time.monotonic()
    operation = finished(start(reference))
    assert time.monotonic() - began < 10
    assert operation.status == Status.FAILED
    assert operation.sentence.startswith(f"{reference} was not pulled: ")
    assert "connection refused" in operation.sentence


def test_a_cancel_while_a_slow_registry_sends_ends_the_download(start, slow, pushed, unix_host, cast):
    slow.rate = 100_000
    operation = start(through(slow, pushed))
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: "Downloading" in str(again(operation).progress))
    began = time.monotonic()
    actions.cancel(again(operation), by=cast["administrator"])
    wait_for(lambda: again(operation).status == Status.CANCELLED)
    assert time.monotonic() - began < 1
    thread.join(5)
    assert again(operation).cancelled_by_name == "administrator"
    # The engine gives the download up as well, and nothing of it becomes an image.
    wait_for(lambda: links_to(unix_host, slow) == 0)
    assert not has(unix_host.endpoint, through(slow, pushed))


def test_a_message_delivered_again_pulls_once(start, slow, pushed, unix_engine):
    slow.rate = 1_500_000
    operation = start(through(slow, pushed))
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: again(operation).status == Status.RUNNING)
    began = time.monotonic()
    run.execute(operation.pk)
    assert time.monotonic() - began < 1
    assert again(operation).status == Status.RUNNING
    thread.join(30)
    done, connections = again(operation), slow.accepted
    assert done.status == Status.SUCCEEDED
    run.execute(operation.pk)
    assert (again(operation).finished_at, slow.accepted) == (done.finished_at, connections)
    assert log_of(operation).count("Status: ") == 1
    connect(unix_engine).remove_image(through(slow, pushed))


def test_an_engine_killed_mid_pull_fails_the_operation_with_a_sentence(start, register, slow, pushed, fresh_host):
    slow.rate = 100_000
    operation = start(through(slow, pushed), register(fresh_host.endpoint, "fresh"))
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: "Downloading" in str(again(operation).progress))
    fresh_host.engine.kill()
    thread.join(10)
    assert again(operation).status == Status.FAILED
    assert again(operation).sentence


@pytest.mark.parametrize("kind", ["tls", "ssh"])
def test_a_pull_on_an_engine_behind_tls_or_ssh(start, register, registry, pushed, kind, request):
    endpoint = request.getfixturevalue(f"{kind}_engine")
    operation = finished(start(f"{registry.host}/{pushed}", register(endpoint, kind)))
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")
    connect(endpoint).remove_image(f"{registry.host}/{pushed}")


@pytest.mark.parametrize(
    ("messages", "options", "words"),
    [
        ([{"status": "Pulling from a"}, {"error": "no space left on device"}], {}, "a:1 was not pulled: no space left"),
        ([{"status": "Pulling from a"}], {}, "ended before the pull did"),
        ([{"status": "Pulling from a"}], {"declared": 9999}, "closed without a proper answer"),
        ([DOWNLOADED], {"reply": MISSING}, "has no image a:1"),
        ([DOWNLOADED, {"error": {"code": 1}}], {}, "a:1 was not pulled"),
        ([["no", "object"]], {}, "other JSON"),
    ],
)
def test_success_is_not_believed_without_a_proof(start, register, pretender, messages, options, words):
    operation = finished(start("a:1", register(pretender(*messages, **options), "pretender")))
    assert operation.status == Status.FAILED
    assert words in operation.sentence


@pytest.mark.parametrize("value", [None, True, -1, 1 << 80, 1.5, "x", [], {}, {"current": "x", "total": [1]}])
def test_wrong_types_in_a_message_end_nothing(start, register, pretender, value):
    odd = [{"id": value, "status": "Downloading", "progressDetail": value}]
    odd += [{"id": "aa", "status": value, "progressDetail": value}]
    odd += [{"id": "aa", "status": "Downloading", "progressDetail": {"current": value, "total": value}}]
    operation = finished(start("a:1", register(pretender(*odd, DOWNLOADED), "pretender")))
    assert operation.status == Status.SUCCEEDED


def test_layers_without_end_cost_no_more_than_a_page_can_show(start, register, pretender):
    flood = [{"id": f"{number:012x}", "status": "Pulling fs layer"} for number in range(20_000)]
    began = time.monotonic()
    operation = finished(start("a:1", register(pretender(*flood, DOWNLOADED), "pretender")))
    assert time.monotonic() - began < 10
    assert operation.status == Status.SUCCEEDED
    assert len(operation.progress["items"]) == operation.progress["total"] == 256
    assert log_of(operation).count("Pulling fs layer") == 20_000
