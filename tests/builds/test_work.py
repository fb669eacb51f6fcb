"""Builds on real engines, from the spooled context to the image."""

import threading
import time
import uuid
from pathlib import Path

import pytest
from django.conf import settings

from engines.builds import actions
from engines.builds.types import BuildSpec
from engines.client.connect import call, connect
from engines.models import LogChunk, Operation
from engines.operations import actions as operation_actions
from engines.operations import run, tasks
from tests.operations.conftest import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
Status = Operation.Status
BUILDERS = ["buildkit", "classic"]


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    """Nothing runs by itself: the test runs the operation as a worker would."""
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)


@pytest.fixture
def start(cast, row):
    def begin(dockerfile: str, engine=None, **spec) -> Operation:
        token = uuid.uuid4()
        context = actions.spool_dockerfile(dockerfile)
        built = BuildSpec(context=context, **spec)
        return actions.start(engine or row, built, by=cast["administrator"], form_token=token)

    return begin


def finished(operation: Operation) -> Operation:
    run.execute(operation.pk)
    return Operation.objects.get(pk=operation.pk)


def log_of(operation: Operation) -> str:
    return "".join(LogChunk.objects.filter(operation=operation).values_list("text", flat=True))


def step_processes(marker: str) -> list[str]:
    """Command lines of this machine's processes that hold `marker`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if marker in line and "pytest" not in line:
            found.append(line)
    return found


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_build_succeeds_with_its_image_tags_and_log(start, unix_engine, builder):
    name = f"shop/{builder}"
    text = "FROM busybox:local AS base\nARG WHO=nobody\nRUN echo hello $WHO; echo warn >&2\n"
    text += "FROM base AS other\nRUN false\n"
    operation = finished(
        start(text, builder=builder, tags=[f"{name}:1", f"{name}:2"], build_args={"WHO": "harbour"}, target="base")
    )
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")
    for tag in ("1", "2"):
        image = call(connect(unix_engine), "GET", f"/images/{name}:{tag}/json")
        assert image["Id"] == operation.result["image"]
    log = log_of(operation)
    assert "hello harbour" in log
    assert "warn" in log
    assert operation.progress["items"][-1]["state"] in {"done", "cached"}
    assert operation.result["builder"] == builder
    assert any(request["path"].startswith(f"/v{unix_engine.api_version}/build?") for request in operation.requests)
    assert "harbour" not in str(operation.requests)


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_failing_step_is_named_with_its_line(start, builder):
    operation = finished(start("FROM busybox:local\n\nRUN echo fine\nRUN echo bad && exit 7\n", builder=builder))
    assert operation.status == Status.FAILED
    assert "line 4 of Dockerfile" in operation.sentence
    assert "exit 7" in operation.sentence
    assert operation.result["line"] == 4
    assert f"#{operation.result['step']} ERROR" in log_of(operation)
    assert [item["state"] for item in operation.progress["items"]].count("error") == 1


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("text", ["FROM busybox:local\nNONSENSE\n", "FROM busybox:local AS a\nFROM missing:nowhere\n"])
def test_a_dockerfile_that_cannot_be_built_fails_with_the_engine_s_words(start, builder, text):
    operation = finished(start(text, builder=builder))
    assert operation.status == Status.FAILED
    assert operation.sentence


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_silent_build_is_cancelled_within_a_second_and_its_process_is_gone(start, cast, builder):
    marker = str(600_000 + BUILDERS.index(builder))
    operation = start(f"FROM busybox:local\nRUN sleep {marker}\n", builder=builder, no_cache=True)
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: bool(step_processes(f"sleep {marker}")))
    began = time.monotonic()
    operation_actions.cancel(operation, by=cast["administrator"])
    wait_for(lambda: Operation.objects.get(pk=operation.pk).status == Status.CANCELLED)
    assert time.monotonic() - began < 1
    wait_for(lambda: not step_processes(f"sleep {marker}"))
    thread.join(5)


def test_a_flood_of_200_000_lines_is_kept_as_the_builder_sends_it(start):
    text = 'FROM busybox:local\nRUN i=0; while [ $i -lt 200000 ]; do echo "flood $i"; i=$((i+1)); done\n'
    operation = finished(start(text, builder="classic", no_cache=True))
    assert operation.status == Status.SUCCEEDED
    numbers = [int(line.rsplit(" ", 1)[1]) for line in log_of(operation).splitlines() if " flood " in line]
    assert numbers == list(range(200_000))


def test_a_context_that_is_gone_fails_with_a_sentence(start, row):
    operation = start("FROM busybox:local\n")
    (settings.SPOOL_DIR / operation.spec["context"]).unlink()
    assert "Upload it again" in finished(operation).sentence


def test_an_engine_that_restarts_mid_build_fails_the_operation_and_builds_again(start, register, fresh_host, cast):
    row = register(fresh_host.endpoint, "fresh")
    operation = start("FROM busybox:local\nRUN sleep 7777\n", engine=row, builder="buildkit")
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: bool(step_processes("sleep 7777")))
    fresh_host.engine.kill()
    thread.join(10)
    operation = Operation.objects.get(pk=operation.pk)
    assert operation.status == Status.FAILED
    assert operation.sentence
    fresh_host.engine.start()
    again = finished(start("FROM busybox:local\nRUN echo again\n", engine=row, builder="buildkit"))
    assert (again.status, again.sentence) == (Status.SUCCEEDED, "")


@pytest.mark.parametrize("kind", ["tls", "ssh"])
def test_a_build_on_an_engine_behind_tls_or_ssh(start, register, kind, request):
    endpoint = request.getfixturevalue(f"{kind}_engine")
    operation = finished(start("FROM busybox:local\nRUN echo there\n", engine=register(endpoint, kind), tags=["far:1"]))
    assert (operation.status, operation.sentence) == (Status.SUCCEEDED, "")


def test_an_engine_that_hangs_mid_build_is_given_up_with_a_sentence(start, register, fresh_host, monkeypatch):
    monkeypatch.setattr(run, "_VIGIL_SECONDS", 0.5)
    monkeypatch.setattr(run, "_VIGIL_MISSES", 2)
    operation = start("FROM busybox:local\nRUN sleep 8888\n", engine=register(fresh_host.endpoint, "fresh"))
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: bool(step_processes("sleep 8888")))
    fresh_host.engine.suspend()
    try:
        thread.join(15)
        operation = Operation.objects.get(pk=operation.pk)
        assert (operation.status, "did not answer" in operation.sentence) == (Status.FAILED, True)
    finally:
        fresh_host.engine.resume()


def test_a_build_that_is_silent_for_long_still_runs_and_is_cancelled(start, cast):
    operation = start("FROM busybox:local\nRUN sleep 611111\n", no_cache=True)
    thread = threading.Thread(target=run.execute, args=(operation.pk,))
    thread.start()
    wait_for(lambda: bool(step_processes("sleep 611111")))
    # Longer than an engine may be silent to pings: a build may be, as long as those are answered.
    thread.join(run._VIGIL_SECONDS * run._VIGIL_MISSES + 2)
    assert Operation.objects.get(pk=operation.pk).status == Status.RUNNING
    operation_actions.cancel(operation, by=cast["administrator"])
    thread.join(2)
    assert Operation.objects.get(pk=operation.pk).status == Status.CANCELLED
    wait_for(lambda: not step_processes("sleep 611111"))
