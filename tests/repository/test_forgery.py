"""No other site makes a logged-in browser do anything: every route against every way to forge a request."""

import json

import pytest
from django.conf import settings
from django.test import Client

from engines.models import AuditEntry
from tests.repository.routes import address, things, walk

pytestmark = pytest.mark.django_db

ROUTES = sorted({pattern for pattern, _ in walk()})
EVIL = "https://evil.example"


def browser(person) -> tuple[Client, str]:
    """Logged in, with checks as in a real browser; and the token its forms would carry."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    page = client.get("/accounts/password/change/")
    return client, str(page.context["csrf_token"])


@pytest.fixture
def forgeries(cast):
    """Name -> keyword arguments of a POST that must do nothing."""
    client, mine = browser(cast["administrator"])
    _, others = browser(cast["manager"])
    form = "application/x-www-form-urlencoded"
    return client, {
        "no token": {"data": {}},
        "an empty token": {"data": {"csrfmiddlewaretoken": ""}},
        "the token of another's session": {"data": {"csrfmiddlewaretoken": others}},
        "the token in the address": {"data": "", "content_type": form, "query_params": {"csrfmiddlewaretoken": mine}},
        "the token in JSON": {"data": json.dumps({"csrfmiddlewaretoken": mine}), "content_type": "application/json"},
        "a form as plain text": {"data": f"csrfmiddlewaretoken={mine}", "content_type": "text/plain"},
        "JSON as plain text": {"data": '{"confirm": "yes"}', "content_type": "text/plain"},
        "the right token from another site": {"data": {"csrfmiddlewaretoken": mine}, "headers": {"Origin": EVIL}},
        "the right token from nowhere": {"data": {"csrfmiddlewaretoken": mine}, "headers": {"Origin": "null"}},
        "another method named in a header": {"data": {}, "headers": {"X-HTTP-Method-Override": "GET"}},
        "another method named in the form": {"data": {"_method": "GET"}},
        "a request of a script": {"data": {}, "headers": {"X-Requested-With": "XMLHttpRequest", "HX-Request": "true"}},
    }


@pytest.mark.parametrize("pattern", ROUTES)
def test_a_forged_request_is_refused_before_any_view(cast, engine, forgeries, pattern):
    client, ways = forgeries
    url = address(pattern, things(engine, cast["administrator"]))
    acts = AuditEntry.objects.exclude(act="request.forged").count()
    answers = {way: client.post(url, **request).status_code for way, request in ways.items()}
    assert answers == dict.fromkeys(ways, 403)
    assert AuditEntry.objects.exclude(act="request.forged").count() == acts


def test_no_view_is_exempt():
    assert [pattern for pattern, entry in walk() if getattr(entry.callback, "csrf_exempt", False)] == []


def test_a_method_named_in_a_header_does_not_make_a_get_change_anything(cast, engine):
    client, _ = browser(cast["administrator"])
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert client.get("/engines/harbour/disable/", headers={name: "POST"}).status_code == 405
    engine.refresh_from_db()
    assert engine.enabled
