"""Tags of engines, and what the audit trail keeps of their registration."""

import pytest

from engines.endpoints import queries
from engines.models import AuditEntry, Engine, Grant, Tag, Team
from engines.permissions import Role
from tests.endpoints.conftest import typed
from tests.rig.certs import Authority


def told(act: str) -> AuditEntry:
    """The one outcome of `act`."""
    return AuditEntry.objects.get(act=act, phase="OUTCOME")


@pytest.fixture
def buoy(admin) -> Engine:
    admin.post("/engines/add/", {"name": "Buoy", "url": "unix:///nowhere/d.sock", "tags": "Production, eu-west,,"})
    return Engine.objects.get()


def edit(engine: Engine, **more: str) -> dict[str, str]:
    return {"name": engine.name, "slug": engine.slug, "url": engine.url, "seen": queries.edition(engine)} | more


def test_tags_are_words_written_with_commas_and_shown(admin, buoy):
    assert [tag.name for tag in buoy.tags.all()] == ["eu-west", "production"]
    assert "production" in admin.get("/engines/buoy/").content.decode()
    assert "production" in admin.get("/").content.decode()
    assert "Buoy" in admin.get("/?q=eu-west").content.decode()
    assert 'value="eu-west, production"' in admin.get("/engines/buoy/edit/").content.decode()


@pytest.mark.parametrize("tags", ["two words", "a_b", "-a", "é", "x" * 65, "a;b"])
def test_what_is_no_tag_is_told_at_its_field(admin, buoy, tags):
    answer = admin.post("/engines/buoy/edit/", edit(buoy, tags=tags))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["tags"]
    assert tags in answer.context["form"]["tags"].value()
    assert buoy.tags.count() == 2


def test_a_tag_that_no_engine_carries_is_gone_unless_a_role_is_granted_on_it(admin, buoy):
    Grant.objects.create(tag=Tag.objects.get(name="eu-west"), team=Team.objects.create(name="t"), role=Role.VIEWER)
    admin.post("/engines/buoy/edit/", edit(buoy, tags=""))
    assert [tag.name for tag in Tag.objects.all()] == ["eu-west"]


def test_each_act_on_an_engine_is_in_the_trail_and_no_key_is(admin, buoy):
    key = Authority().issue("console@example.org")
    admin.post("/engines/buoy/edit/", edit(buoy, url="tcp://127.0.0.1:1", tls_cert=key.cert, tls_key=key.key))
    admin.post("/engines/buoy/test/")
    admin.post("/engines/buoy/disable/")
    admin.post("/engines/buoy/enable/")
    admin.post("/engines/buoy/forget-host-key/")
    admin.post("/engines/buoy/remove/", {"confirm": "Buoy"})
    assert told("engine.register").parameters == {"url": buoy.url, "tags": ["eu-west", "production"]}
    assert told("engine.edit").parameters["material"] == ["tls_cert", "tls_key"]
    tests = AuditEntry.objects.filter(act="engine.test", phase="OUTCOME")
    assert [entry.outcome for entry in tests] == ["FAILED"] * 3
    assert all(entry.sentence for entry in tests)
    for act in ("disable", "enable", "forget-host-key", "remove"):
        assert (told(f"engine.{act}").outcome, told(f"engine.{act}").actor_name) == ("SUCCEEDED", "admin")
    everything = str(list(AuditEntry.objects.values()))
    assert key.key.splitlines()[1] not in everything and key.cert.splitlines()[1] not in everything


def test_a_test_of_an_engine_keeps_the_requests_it_made(admin, unix_engine):
    admin.post("/engines/add/", typed(unix_engine))
    made = [(request["method"], request["status"]) for request in told("engine.test").requests]
    assert ("GET", 200) in made
    assert told("engine.test").outcome == "SUCCEEDED"


def test_a_refused_change_says_why_in_the_trail(admin, buoy):
    answer = admin.post("/engines/buoy/trust/", {"fingerprints": "SHA256:x"}, follow=True)
    assert answer.status_code in {200, 502}
    assert told("engine.trust").outcome == "FAILED"
