"""Everybody against every route and socket: what each declares is what holds."""

import contextlib
import uuid

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from engines.models import Operation
from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from engines.routing import websocket_urlpatterns
from engines.web.gate import DECLARATION

pytestmark = pytest.mark.django_db

PEOPLE = ["anonymous", "stranger", *(role.name.lower() for role in Role), "administrator"]
#: Where the permission depends on the row: what it is for the operation that the test makes, a build.
ASKED_INSIDE = {"operation-repeat": Permission.IMAGE_BUILD}
ARGUMENTS = {"slug": "harbour", "container": "a" * 64}


def named_routes(resolver: URLResolver | None = None):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from named_routes(entry)
        elif isinstance(entry, URLPattern):
            yield entry


def guarded(entry: URLPattern) -> bool:
    return not str(getattr(entry.callback, DECLARATION, "")).startswith("public")


ROUTES = {entry.name: entry for entry in named_routes() if guarded(entry)}


def address(route: str, operation: Operation) -> str:
    """The route's URL; whichever arguments it takes are filled with what exists."""
    for names in ([], ["pk"], ["slug"], ["slug", "container"]):
        with contextlib.suppress(NoReverseMatch):
            return reverse(route, kwargs={name: {**ARGUMENTS, "pk": operation.pk}[name] for name in names})
    raise AssertionError(f"{route}: teach the matrix its arguments")


def allowed(name: str, declared: object, under_an_engine: bool) -> str:
    """`login`, `403`, `404`, or `in`."""
    if name == "anonymous":
        return "login"
    if isinstance(declared, str) and not isinstance(declared, Permission):
        return "in"
    permission = Permission(declared)
    if name == "administrator":
        return "in"
    if name == "stranger":
        return "404" if under_an_engine else "403"
    if permission in CONSOLE_PERMISSIONS:
        return "403"
    return "in" if permission in ROLE_PERMISSIONS[Role[name.upper()]] else "403"


@pytest.mark.parametrize("route", sorted(ROUTES))
@pytest.mark.parametrize("name", PEOPLE)
def test_a_route_lets_in_whom_it_declares(cast, engine, name, route):
    person = cast.get(name)
    operation = Operation.objects.create(
        engine=engine,
        engine_name="Harbour",
        kind="image.build",
        title="Build",
        created_by=person,
        created_by_name=name,
        status="QUEUED",
        form_token=uuid.uuid4(),
    )
    client = Client()
    if person is not None:
        User.objects.filter(pk=person.pk).update(password="argon2$usable")
        person.refresh_from_db()
        client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    url = address(route, operation)
    declared = ASKED_INSIDE.get(route) or getattr(ROUTES[route].callback, DECLARATION)
    expected = allowed(name, declared, under_an_engine="harbour" in url or str(operation.pk) in url)
    answers = [getattr(client, method)(url) for method in ("get", "post")]
    assert any(answer.status_code != 405 for answer in answers)
    for answer in answers:
        if answer.status_code == 405:
            continue
        if expected == "login":
            assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]
        elif expected in {"403", "404"}:
            assert answer.status_code == int(expected)
        else:
            assert answer.status_code not in {403}
            assert answer.status_code != 302 or "/accounts/login/" not in answer["Location"]


def test_every_socket_declares_a_permission_or_why_a_login_is_enough():
    for pattern in websocket_urlpatterns:
        declared = pattern.callback.consumer_class.permission
        assert isinstance(declared, Permission) or declared.startswith("login: ")
