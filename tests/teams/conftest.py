"""An administrator at the pages, somebody, and a team."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engines.models import AuditEntry, Team


@pytest.fixture
def admin(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def ops(db) -> Team:
    return Team.objects.create(name="ops")


def told(act: str) -> dict[str, object]:
    """The parameters of the last outcome of `act`."""
    entry = AuditEntry.objects.filter(act=act, phase="OUTCOME").first()
    assert (entry.outcome, entry.actor_name) == ("SUCCEEDED", "boss")
    return entry.parameters
