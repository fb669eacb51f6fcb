"""The list of all containers: what a person sees there, of engines that answer and of those that do not."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from engines.client.connect import call, connect
from engines.containers import listing
from engines.models import AuditEntry, Engine, EngineState, Grant, Heartbeat
from engines.permissions import Role
from tests.containers.test_views import HTMX, state, text

pytestmark = pytest.mark.django_db
ALL = "/containers/"


@pytest.fixture
def second(register, plain_engine) -> Engine:
    return register(plain_engine, "second")


@pytest.fixture
def elsewhere(plain_engine) -> Iterator[str]:
    """A container of the second engine, `ferry`."""
    client = connect(plain_engine)
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    made = call(client, "POST", "/containers/create", params={"name": "ferry"}, body=body)["Id"]
    yield made
    call(client, "DELETE", f"/containers/{made}", params={"force": "1"})


@pytest.fixture
def silent() -> Iterator[Path]:
    """A socket that takes connections and never answers."""
    path = Path(f"/tmp/silent-{time.monotonic_ns()}.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(64)
        yield path
    path.unlink()


def test_one_sees_the_containers_of_one_s_own_engines_only(enter, make, second, elsewhere):
    make("boat")
    page = text(enter("viewer").get(ALL))
    assert "boat" in page and "ferry" not in page and "Second" not in page
    both = text(enter("administrator").get(ALL))
    assert "boat" in both and "ferry" in both
    assert text(enter("stranger").get(ALL)).count("<tr") == 0


def test_it_is_narrowed_by_engine_and_sorted_across_them(enter, make, second, elsewhere):
    make("boat")
    administrator = enter("administrator")
    one = text(administrator.get(f"{ALL}?engine=second"))
    assert "ferry" in one and ">boat<" not in one
    names = text(administrator.get(f"{ALL}?sort=-name&q=local"))
    assert names.index(">ferry<") < names.index(">boat<")
    assert "HX-Replace-Url" in administrator.get(f"{ALL}?q=boat", headers=HTMX)


def test_dead_slow_disabled_and_unreadable_engines_are_notes_and_the_rest_is_there_in_time(
    enter, make, silent, tmp_path
):
    make("boat")
    gone = Engine.objects.create(name="Gone", slug="gone", url=f"unix://{tmp_path}/none.sock", api_version="1.41")
    Engine.objects.create(name="Slow", slug="slow", url=f"unix://{silent}", api_version="1.41")
    Engine.objects.create(name="Off", slug="off", url=f"unix://{silent}", api_version="1.41", enabled=False)
    EngineState.objects.create(engine=gone, status="UP", running=3, stopped=4, seen_at=timezone.now())
    administrator = enter("administrator")
    began = time.monotonic()
    page = text(administrator.get(ALL))
    assert time.monotonic() - began < listing.DEADLINE_SECONDS + 2
    assert ">boat<" in page
    for sentence in ("There is no socket at this path.", "7 containers", "did not answer within", "It is disabled."):
        assert sentence in page, sentence


def test_what_still_has_not_answered_is_not_asked_again(row, silent, monkeypatch):
    slow = Engine.objects.create(name="Slow", slug="slow", url=f"unix://{silent}", api_version="1.41")
    found = listing.everywhere([slow], seconds=0.1)
    assert "did not answer within 0.1 s" in found.silent[0].sentence
    began = time.monotonic()
    again = listing.everywhere([slow], seconds=5)
    assert time.monotonic() - began < 1
    assert again.silent[0].sentence == "It still has not answered."
    listing._late[slow.key_id].exception(timeout=20)
    assert "within" in listing.everywhere([slow], seconds=0.1).silent[0].sentence


def test_what_the_watcher_knows_to_be_down_is_not_asked_while_it_watches(row, monkeypatch):
    EngineState.objects.create(engine=row, status="DOWN", sentence="It burnt.")
    engine = Engine.objects.select_related("state").get(pk=row.pk)
    Heartbeat.objects.create(name="watcher", at=timezone.now())
    assert [each.sentence for each in listing.everywhere([engine]).silent] == ["It burnt."]
    Heartbeat.objects.update(at=timezone.now() - listing._SILENCE * 2)
    assert listing.everywhere([engine]).silent == []


@pytest.mark.django_db(transaction=True)
def test_a_bulk_acts_on_each_engine_as_far_as_one_may_there(
    enter, unix_engine, plain_engine, make, row, second, elsewhere
):
    boat = make("boat")
    client: Client = enter("operator")
    ids = [f"real:{boat}", f"second:{elsewhere}", "nowhere:" + "f" * 64, "nonsense"]
    told = text(client.post(f"{ALL}bulk/", {"verb": "pause", "id": ids}, headers=HTMX))
    assert "1 done, 3 failed" in told and "boat paused." in told
    assert (state(unix_engine, boat), state(plain_engine, elsewhere)) == ("paused", "created")
    assert AuditEntry.objects.filter(outcome="DENIED", engine_name="Second").count() == 1
    # A weak role there is told as one.
    Grant.objects.create(engine=second, user=User.objects.get(username="operator"), role=Role.VIEWER)
    told = text(client.post(f"{ALL}bulk/", {"verb": "start", "id": [f"second:{elsewhere}"]}, headers=HTMX))
    assert "does not include container.start" in told
    assert state(plain_engine, elsewhere) == "created"


def test_a_verb_that_is_none_or_too_many_do_nothing(enter, row):
    client = enter("operator")
    assert client.post(f"{ALL}bulk/", {"verb": "exec", "id": "real:x"}).status_code == 400
    told = client.post(f"{ALL}bulk/", {"verb": "start", "id": [f"real:{n}" for n in range(401)]}, headers=HTMX)
    assert "Nothing was done" in text(told)
