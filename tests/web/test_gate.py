"""The gate before every page of an engine: login, 404 for strangers, 403 for too weak a role."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse

from engines.permissions import Permission
from engines.web.gate import engine_view


@engine_view(Permission.CONTAINER_STOP)
def stop(request, engine, container):
    return HttpResponse(f"{engine.slug} {container}")


def ask(rf, user, slug="harbour"):
    request = rf.post("/engines/harbour/containers/c/stop/")
    request.user = user
    return stop(request, slug, "c")


@pytest.mark.parametrize("name", ["operator", "builder", "manager", "administrator"])
def test_who_holds_the_permission_passes_with_the_engine_resolved(rf, cast, name):
    assert ask(rf, cast[name]).content == b"harbour c"


def test_a_viewer_gets_403(rf, cast):
    with pytest.raises(PermissionDenied):
        ask(rf, cast["viewer"])


def test_a_stranger_gets_404_as_if_the_engine_did_not_exist(rf, cast):
    with pytest.raises(Http404) as foreign:
        ask(rf, cast["stranger"])
    with pytest.raises(Http404) as missing:
        ask(rf, cast["manager"], slug="missing")
    assert str(foreign.value) == str(missing.value)


def test_nobody_logged_in_is_sent_to_the_login_page(rf, cast):
    response = ask(rf, AnonymousUser())
    assert response.status_code == 302
    assert "next=" in response["Location"]


def test_health_answers_anybody(client):
    assert client.get("/healthz").content == b"ok\n"
    assert client.post("/healthz").status_code == 405


@pytest.mark.parametrize(("name", "shown"), [("viewer", False), ("manager", False), ("administrator", True)])
@pytest.mark.parametrize("part", [{}, {"HX-Request": "true"}])
def test_where_an_engine_is_reached_is_told_to_administrators_only(client, cast, name, shown, part):
    client.force_login(cast[name], backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/engines/harbour/containers/", headers=part)
    assert page.status_code == 502
    assert (b"/run/harbour.sock" in page.content) is shown


@pytest.mark.parametrize(("name", "offered"), [("viewer", False), ("operator", False), ("builder", True)])
def test_the_side_bar_offers_a_build_to_those_who_may_alone(client, cast, engine, settings, name, offered):
    client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
    for address in ("/engines/harbour/", f"{reverse('side')}?engine=harbour"):
        assert (b"/images/build/" in client.get(address).content) is offered
