"""A form that does not come from a page of the console does nothing, and leaves an entry."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from engines.models import AuditEntry, Engine

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_address_seen_yet():
    cache.clear()


def forged() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(act="request.forged"))


def test_a_forged_form_is_refused_on_a_page_that_says_so_and_written_down(cast, engine):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["administrator"], backend=settings.AUTHENTICATION_BACKENDS[0])
    reply = client.post("/engines/harbour/disable/")
    assert reply.status_code == 403 and "Nothing was done" in reply.content.decode()
    assert Engine.objects.get(slug="harbour").enabled
    (entry,) = forged()
    assert (entry.actor_name, entry.outcome, entry.parameters["path"]) == (
        "administrator",
        "DENIED",
        "engines/<slug:slug>/disable/",
    )
    assert entry.address == "127.0.0.1" and entry.via.startswith("session ")


def test_each_forged_form_of_somebody_logged_in_is_written_down(cast, engine):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["viewer"], backend=settings.AUTHENTICATION_BACKENDS[0])
    for _ in range(3):
        client.post("/engines/harbour/disable/")
    assert len(forged()) == 3


def test_a_stranger_cannot_fill_the_trail(db):
    client = Client(enforce_csrf_checks=True)
    for _ in range(20):
        assert client.post("/accounts/login/", {"login": "a", "password": "b"}).status_code == 403
    assert len(forged()) == 1


def test_what_the_form_said_is_nowhere(cast, engine):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["viewer"], backend=settings.AUTHENTICATION_BACKENDS[0])
    reply = client.post("/accounts/password/change/?x=canary", {"oldpassword": "canary"})
    assert "canary" not in reply.content.decode()
    assert "canary" not in str(forged()[0].__dict__)
