"""The cast: one engine, and a person for every relation to it; and real engines as rows of the console."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from engines.client.connect import call, connect
from engines.client.endpoint import Endpoint
from engines.client.errors import EngineReplied
from engines.models import Engine, Grant
from engines.permissions import Role

pytest_plugins = ["tests.rig.fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running, in which no other asynchronous test can run.

    Of them those first that look at every page, each by itself: they take minutes. A file's other tests share what
    they run on, and stay in one process.
    """
    items.sort(key=lambda item: ("browser" in item.path.parts, item.path.name != "test_look.py"))
    for item in items:
        alone = item.path.name == "test_look.py"
        item.add_marker(pytest.mark.xdist_group(item.nodeid if alone else item.path.as_posix()))


@pytest.fixture(autouse=True, scope="session")
def trail_may_be_emptied_between_tests() -> Iterator[None]:
    """Django empties all tables after a test with real transactions; the audit trail's triggers would refuse that.

    They are dropped for just that statement; Django's signal after it puts them back, as after a migration.
    """
    drops = {
        "sqlite": ["DROP TRIGGER IF EXISTS audit_update_refused", "DROP TRIGGER IF EXISTS audit_delete_refused"],
        "postgresql": ["DROP TRIGGER IF EXISTS audit_change_refused ON engines_auditentry"],
    }[connection.vendor]
    operations = type(connection.ops)
    plain = operations.sql_flush
    operations.sql_flush = lambda *args, **kwargs: drops + plain(*args, **kwargs)
    yield
    operations.sql_flush = plain


@pytest.fixture
def register() -> Callable[..., Engine]:
    """Makes a row of a real engine's endpoint."""

    def make(endpoint: Endpoint, slug: str = "real") -> Engine:
        engine = Engine(name=slug.title(), slug=slug, url=str(endpoint.address), api_version=endpoint.api_version)
        if endpoint.tls:
            engine.tls_ca, engine.tls_cert, engine.tls_key = endpoint.tls.ca, endpoint.tls.cert, endpoint.tls.key
        if endpoint.ssh:
            engine.ssh_key, engine.ssh_host_key = endpoint.ssh.key, endpoint.ssh.host_key
        engine.save()
        return engine

    return make


@pytest.fixture
def engine(db: None) -> Engine:
    return Engine.objects.create(name="Harbour", slug="harbour", url="unix:///run/harbour.sock")


@pytest.fixture
def cast(engine: Engine) -> dict[str, User]:
    """`stranger`, one person per role, and `administrator`."""
    people = {"stranger": User.objects.create_user("stranger")}
    for role in Role:
        name = role.name.lower()
        people[name] = User.objects.create_user(name)
        Grant.objects.create(engine=engine, user=people[name], role=role)
    people["administrator"] = User.objects.create_superuser("administrator")
    return people


@pytest.fixture
def row(register: Callable[..., Engine], unix_engine: Endpoint) -> Engine:
    """The real engine behind a unix socket, as `real`."""
    return register(unix_engine)


@pytest.fixture
def enter(row: Engine) -> Callable[[str], Client]:
    """A browser of somebody with this role on the engine (or `administrator`, `stranger`, or nobody at all)."""

    def login(name: str) -> Client:
        client = Client()
        if name == "anonymous":
            return client
        user = User.objects.create_user(name, is_superuser=name == "administrator")
        if name.upper() in Role.__members__:
            Grant.objects.create(engine=row, user=user, role=Role[name.upper()])
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return login


@pytest.fixture
def make(unix_engine: Endpoint) -> Iterator[Callable[..., str]]:
    """Creates and starts a container of this name and request body; all are removed afterwards."""
    client = connect(unix_engine)
    made: list[str] = []

    def run(name: str, **body) -> str:
        config = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], **body}
        made.append(call(client, "POST", "/containers/create", params={"name": name}, body=config)["Id"])
        call(client, "POST", f"/containers/{made[-1]}/start")
        return made[-1]

    yield run
    for container in made:
        with suppress(EngineReplied):
            call(client, "DELETE", f"/containers/{container}", params={"force": "1"})
