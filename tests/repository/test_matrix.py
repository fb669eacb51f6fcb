"""Everybody against every route and socket: what each declares is what holds."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engines.models import AuditEntry
from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from engines.routing import websocket_urlpatterns
from tests.repository.routes import GUARDED, address, declared, enter, is_about_an_engine, things

pytestmark = pytest.mark.django_db

PEOPLE = ["anonymous", "stranger", *(role.name.lower() for role in Role), "administrator"]
#: Where the permission depends on the row: what it is for the operation that the test makes, a build.
ASKED_INSIDE = {"operation-repeat": Permission.IMAGE_BUILD}
#: What a GET may write: the login's own row, and that something was denied or taken away.
WRITTEN_BY_READING = ("django_session", "usersessions_usersession", "engines_audit")


def allowed(name: str, permission: object, under_an_engine: bool) -> str:
    """`login`, `403`, `404`, or `in`."""
    if name == "anonymous":
        return "login"
    if not isinstance(permission, Permission) or name == "administrator":
        return "in"
    if name == "stranger":
        return "404" if under_an_engine else "403"
    return "in" if permission in ROLE_PERMISSIONS[Role[name.upper()]] else "403"


def denials() -> int:
    return AuditEntry.objects.filter(outcome="DENIED").count()


@pytest.mark.parametrize("pattern", sorted(GUARDED))
@pytest.mark.parametrize("name", PEOPLE)
def test_a_route_lets_in_whom_it_declares_and_writes_down_whom_it_does_not(cast, engine, name, pattern):
    person = cast.get(name)
    if person is not None:
        # Some pages are for people with a password only.
        User.objects.filter(pk=person.pk).update(password="argon2$usable")
        person.refresh_from_db()
    client, url = enter(person), address(pattern, things(engine, person or cast["stranger"]))
    permission = ASKED_INSIDE.get(GUARDED[pattern].name) or declared(GUARDED[pattern])
    expected = allowed(name, permission, is_about_an_engine(pattern))
    taken = 0
    for ask in (client.get, client.post):
        before = denials()
        answer = ask(url)
        if answer.status_code == 405:
            continue
        taken += 1
        written = denials() - before
        if expected == "login":
            assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]
            assert written == 0
        elif expected in {"403", "404"}:
            assert (answer.status_code, written) == (int(expected), 1)
        else:
            assert answer.status_code != 403
            assert answer.status_code != 302 or "/accounts/login/" not in answer["Location"]
            assert written == 0
    assert taken


@pytest.mark.parametrize("pattern", sorted(GUARDED))
def test_no_route_takes_another_method(cast, engine, pattern):
    client, url = enter(cast["administrator"]), address(pattern, things(engine, cast["administrator"]))
    for ask in (client.put, client.patch, client.delete):
        assert ask(url).status_code == 405


@pytest.mark.parametrize("pattern", sorted(GUARDED))
def test_looking_changes_nothing(cast, engine, pattern):
    client, url = enter(cast["administrator"]), address(pattern, things(engine, cast["administrator"]))
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql for sql in written if not any(f'"{table}' in sql for table in WRITTEN_BY_READING)] == []


def test_every_permission_of_a_route_is_the_console_s_or_about_an_engine():
    """Else a stranger would be told 403 of what they must not know to exist."""
    for pattern, entry in GUARDED.items():
        if isinstance(declared(entry), Permission) and declared(entry) not in CONSOLE_PERMISSIONS:
            assert is_about_an_engine(pattern), pattern


def test_every_socket_declares_a_permission_or_why_a_login_is_enough():
    for pattern in websocket_urlpatterns:
        permission = pattern.callback.consumer_class.permission
        assert isinstance(permission, Permission) or permission.startswith("login: ")
