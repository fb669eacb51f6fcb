"""Things of others: every kind, by every route that names one, and by what forms refer to. 404, as if not there."""

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from engines.models import AuditEntry, Engine, Grant, LogChunk, Operation
from engines.permissions import CONSOLE_PERMISSIONS, Permission, Role
from tests.repository.routes import CONTAINER, GUARDED, address, declared, enter, is_about_an_engine, things

pytestmark = pytest.mark.django_db

#: Everything that names a thing under an engine, or an operation.
ABOUT_AN_ENGINE = sorted(pattern for pattern in GUARDED if is_about_an_engine(pattern))
CONSOLE = sorted(pattern for pattern, entry in GUARDED.items() if declared(entry) in CONSOLE_PERMISSIONS)
#: What people own themselves, whoever they are: logins, passkeys, tokens.
OWNED = sorted(pattern for pattern in GUARDED if pattern.startswith("accounts/") and "<" in pattern)
#: Any CSRF token or moment would differ by itself.
_VARYING = re.compile(rb"[\w-]{43,64}")


@pytest.fixture
def elsewhere(cast) -> Engine:
    """An engine on which nobody of the cast holds anything, but its own manager."""
    engine = Engine.objects.create(name="Elsewhere", slug="elsewhere", url="unix:///run/elsewhere.sock")
    Grant.objects.create(engine=engine, user=User.objects.create_user("other"), role=Role.MANAGER)
    return engine


def asked(client, url: str):
    """The answers to GET and POST, without those that do not take the method."""
    answers = [client.get(url), client.post(url)]
    return [answer for answer in answers if answer.status_code != 405]


@pytest.mark.parametrize("pattern", ABOUT_AN_ENGINE)
def test_the_manager_of_one_engine_finds_nothing_of_another(cast, elsewhere, pattern):
    found = things(elsewhere, User.objects.get(username="other"))
    client, url = enter(cast["manager"]), address(pattern, found)
    missing = address(pattern, {**found, "engines": "missing", "operations": uuid.uuid4()})
    for foreign, absent in zip(asked(client, url), asked(client, missing), strict=True):
        assert foreign.status_code == absent.status_code == 404
        assert _VARYING.sub(b"", foreign.content) == _VARYING.sub(b"", absent.content)
    assert Operation.objects.get(pk=found["operations"]).status == Operation.Status.QUEUED


@pytest.mark.parametrize("pattern", OWNED)
@pytest.mark.parametrize("name", ["viewer", "manager", "administrator"])
def test_logins_passkeys_and_tokens_of_others_are_not_there(cast, engine, pattern, name):
    found = things(engine, cast["builder"])
    answers = asked(enter(cast[name]), address(pattern, found))
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert answers


@pytest.mark.parametrize("pattern", CONSOLE)
def test_what_belongs_to_the_console_is_refused_to_a_manager_whether_it_exists_or_not(cast, engine, pattern):
    found = things(engine, cast["manager"])
    absent = {word: value if word in {"engines", "on"} else 2**31 - 1 for word, value in found.items()}
    for values in (found, absent):
        for answer in asked(enter(cast["manager"]), address(pattern, values)):
            assert answer.status_code == 403


def test_a_right_on_one_engine_does_not_reach_an_operation_of_another(cast, engine, elsewhere):
    """The operation's own engine decides, whichever engine one comes from."""
    theirs = Operation.objects.create(
        engine=elsewhere, engine_name="Elsewhere", kind="image.build", title="Secret build", spec={"tags": ["secret:1"]}
    )
    LogChunk.objects.create(operation=theirs, seq=1, text="secret line\n")
    client = enter(cast["manager"])
    for name in ("operation", "operation-log", "operation-cancel", "operation-repeat"):
        for answer in asked(client, reverse(name, kwargs={"pk": theirs.pk})):
            assert answer.status_code == 404
    assert b"Secret build" not in client.get("/operations/").content
    assert b"Secret build" not in client.get("/operations/?engine=elsewhere").content
    theirs.refresh_from_db()
    assert theirs.cancel_requested_at is None
    assert Operation.objects.count() == 1


def test_a_build_form_is_not_filled_from_a_build_that_one_may_not_see(cast, engine, elsewhere):
    theirs = Operation.objects.create(
        engine=elsewhere,
        engine_name="Elsewhere",
        kind="image.build",
        title="Build",
        spec={"context": "c", "tags": ["secret:1"]},
    )
    url = f"/engines/harbour/images/build/?from={theirs.pk}"
    assert b"secret:1" not in enter(cast["builder"]).get(url).content
    assert b"secret:1" in enter(cast["administrator"]).get(url).content


def test_the_token_of_another_s_form_does_not_lead_to_what_they_started(cast, engine, elsewhere):
    token = str(uuid.uuid4())
    fields = {"reference": "busybox:1", "form_token": token}
    other = User.objects.get(username="other")
    first = enter(other).post("/engines/elsewhere/images/pull/", fields)
    second = enter(cast["builder"]).post("/engines/harbour/images/pull/", fields)
    assert first.status_code == second.status_code == 302
    assert first["Location"] != second["Location"]
    assert Operation.objects.get(engine=engine).created_by == cast["builder"]


def test_a_repeat_stays_on_the_engine_of_its_operation(cast, engine, elsewhere):
    mine = Operation.objects.create(
        engine=engine, engine_name="Harbour", kind="image.pull", title="Pull", spec={"reference": "a"}, status="FAILED"
    )
    extra = {"engine": elsewhere.pk, "slug": "elsewhere", "kind": "image.build"}
    assert enter(cast["builder"]).post(f"/operations/{mine.pk}/repeat/", extra).status_code == 302
    assert set(Operation.objects.values_list("engine", "kind")) == {(engine.pk, "image.pull")}


def test_what_a_form_says_of_its_engine_is_not_believed(cast, engine, elsewhere):
    """The URL's engine counts, on which rights were asked."""
    fields = {"reference": "busybox:1", "form_token": str(uuid.uuid4()), "engine": "elsewhere", "slug": "elsewhere"}
    enter(cast["builder"]).post("/engines/harbour/images/pull/?slug=elsewhere", fields)
    assert list(Operation.objects.values_list("engine", flat=True)) == [engine.pk]


@pytest.mark.parametrize("field", ["created_by", "by", "user", "is_superuser", "role"])
def test_nobody_starts_anything_in_another_s_name(cast, engine, field):
    fields = {"reference": "busybox:1", "form_token": str(uuid.uuid4()), field: str(cast["administrator"].pk)}
    enter(cast["builder"]).post("/engines/harbour/images/pull/", fields)
    assert Operation.objects.get().created_by == cast["builder"]
    assert set(AuditEntry.objects.filter(act=Permission.IMAGE_PULL).values_list("actor_name", flat=True)) == {"builder"}


@pytest.mark.parametrize("name", ["viewer", "stranger"])
def test_a_bulk_of_containers_is_refused_as_a_whole_and_leaves_one_denial(cast, engine, name):
    answer = enter(cast[name]).post("/engines/harbour/containers/bulk/", {"verb": "stop", "id": [CONTAINER] * 3})
    assert answer.status_code == {"viewer": 403, "stranger": 404}[name]
    assert AuditEntry.objects.filter(outcome="DENIED").count() == 1
