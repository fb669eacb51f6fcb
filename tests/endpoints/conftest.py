"""An administrator at the forms, and what to type into them."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engines.client.endpoint import Endpoint
from engines.client.ssh import close_all


@pytest.fixture
def admin(db, settings, run_dir) -> Client:
    """Logged in as an administrator; sockets for SSH go where the path is short."""
    settings.RUN_DIR = run_dir
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture(autouse=True)
def no_local_engine(settings):
    settings.LOCAL_ENGINE = "unix:///nonexistent/docker.sock"


@pytest.fixture
def ssh_ends() -> Iterator[None]:
    yield
    close_all()


def typed(endpoint: Endpoint, name: str = "Harbour", **more: object) -> dict[str, object]:
    """The fields of the form for `endpoint`."""
    fields: dict[str, object] = {"name": name, "slug": "", "url": str(endpoint.address)}
    if endpoint.tls:
        fields |= {"tls_ca": endpoint.tls.ca, "tls_cert": endpoint.tls.cert, "tls_key": endpoint.tls.key}
    if endpoint.ssh:
        fields["ssh_key"] = endpoint.ssh.key
    return fields | more
