"""A prune removes what was shown, and nothing else."""

import re
import time

import pytest

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.containers import prune_forms
from engines.containers.prunable import Filter
from engines.containers.types import Container
from engines.models import AuditEntry
from engines.permissions import Permission
from tests.containers.test_views import text

pytestmark = pytest.mark.django_db
PRUNE = "/engines/real/containers/prune/"
SCRIPT = "dd if=/dev/zero of=/x bs=1000 count=3000 2>/dev/null"


@pytest.fixture
def ended(make, unix_engine):
    """Makes a container that has ended, with these labels."""

    def run(name: str, **labels: str) -> str:
        made = make(name, Cmd=["sh", "-c", SCRIPT], Labels=labels)
        call(connect(unix_engine), "POST", f"/containers/{made}/wait", timeout=20)
        return made

    return run


def fields(page: str) -> dict[str, str]:
    """What the form that removes sends, as it was shown."""
    form = page.split('method="post"')[-1]
    return dict(re.findall(r'name="(age|labels|until|mark)" value="([^"]*)"', form))


def there(unix_engine, container: str) -> bool:
    try:
        return bool(call(connect(unix_engine), "GET", f"/containers/{container}/json"))
    except EngineReplied:
        return False


def shown(client, query: str = "") -> str:
    """The page, once the second in which the containers were made is over."""
    return text(client.get(PRUNE + query))


@pytest.fixture
def later(monkeypatch):
    """The console's clock is a little ahead: what was made in this second is older than now."""

    class Ahead:
        @staticmethod
        def time() -> float:
            return time.time() + 2

    monkeypatch.setattr(prune_forms, "time", Ahead)


def test_what_is_shown_dies_what_runs_stays_and_the_bytes_are_told(enter, unix_engine, make, ended, later):
    dead, alive = ended("wreck-1", prune="yes"), make("afloat", Labels={"prune": "yes"})
    manager = enter("manager")
    page = shown(manager, "?labels=prune=yes")
    assert "wreck-1" in page and "afloat" not in page and "1 container, 3.0 MB" in page
    reply = manager.post(PRUNE, fields(page), follow=True)
    assert "1 removed, 3.0 MB free again." in text(reply)
    assert (there(unix_engine, dead), there(unix_engine, alive)) == (False, True)
    entry = AuditEntry.objects.get(act=Permission.CONTAINER_PRUNE, phase=AuditEntry.Phase.OUTCOME)
    assert (entry.outcome, entry.parameters["containers"]) == ("SUCCEEDED", 1)
    assert entry.parameters["labels"] == ["prune=yes"]
    assert entry.parameters["bytes"] == pytest.approx(3_000_000, rel=0.01)


def test_when_another_set_would_die_nothing_does_and_it_is_shown_again(enter, unix_engine, ended, later):
    first = ended("wreck-1", prune="yes")
    manager = enter("manager")
    seen = fields(shown(manager, "?labels=prune=yes"))
    second = ended("wreck-2", prune="yes")
    # It came after what was looked at, and so is not touched; but one that stopped since then would be.
    seen["until"] = str(int(seen["until"]) + 30)
    reply = manager.post(PRUNE, seen)
    assert reply.status_code == 409
    assert "Nothing was removed" in text(reply) and "wreck-2" in text(reply)
    assert there(unix_engine, first) and there(unix_engine, second)
    assert not AuditEntry.objects.filter(act=Permission.CONTAINER_PRUNE).exists()
    assert manager.post(PRUNE, fields(text(reply))).status_code == 302
    assert not there(unix_engine, first) and not there(unix_engine, second)


def test_the_engine_takes_the_same_as_was_shown(enter, unix_engine, ended, later):
    names = {"a": {"x": "1"}, "b": {"x": "2"}, "c": {"x": "1", "keep": ""}, "d": {}}
    ids = {name: ended(f"wreck-{name}", prune="me", **labels) for name, labels in names.items()}
    manager = enter("manager")
    page = shown(manager, "?labels=prune=me+x+!keep")
    listed = {name for name in names if f">wreck-{name}<" in page}
    manager.post(PRUNE, fields(page))
    assert {name for name, made in ids.items() if not there(unix_engine, made)} == listed == {"a", "b"}


@pytest.mark.parametrize(
    ("chosen", "labels", "taken"),
    [
        (Filter(100), {}, True),
        (Filter(50), {}, False),
        (Filter(100, ("a",)), {}, False),
        (Filter(100, ("a",)), {"a": ""}, True),
        (Filter(100, ("a=1", "b")), {"a": "1"}, False),
        (Filter(100, (), ("a",)), {"a": "1"}, False),
        (Filter(100, (), ("a", "b")), {"a": "1"}, True),
    ],
)
def test_a_filter_takes_what_the_engine_s_would(chosen, labels, taken):
    assert chosen.takes(Container("1" * 64, "x", "i", "exited", "", 50, labels=labels)) is taken
    assert not chosen.takes(Container("1" * 64, "x", "i", "running", "", 50, labels=labels))


@pytest.mark.parametrize(
    ("query", "sentence"), [("age=7x", "such as 7d"), ("labels=%22", "not closed"), ("labels==", "name=value")]
)
def test_bad_input_is_told_at_its_field_and_kept(enter, query, sentence):
    reply = enter("manager").get(f"{PRUNE}?{query}")
    assert reply.status_code == 422
    assert sentence in text(reply) and "Remove all" not in text(reply)


@pytest.mark.parametrize("who", ["viewer", "operator", "builder"])
def test_those_below_manager_neither_see_nor_do_it(enter, unix_engine, ended, who):
    made, client = ended("wreck"), enter(who)
    assert client.get(PRUNE).status_code == client.post(PRUNE, {"mark": "x"}).status_code == 403
    assert "prune/" not in text(client.get("/engines/real/containers/"))
    assert there(unix_engine, made)
