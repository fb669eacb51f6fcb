"""The cast: one engine, and a person for every relation to it; and real engines as rows of the console."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from engines.client.endpoint import Endpoint
from engines.models import Engine, Grant
from engines.permissions import Role

pytest_plugins = ["tests.rig.fixtures"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running, in which no other asynchronous test can run."""
    items.sort(key=lambda item: "browser" in item.path.parts)


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
