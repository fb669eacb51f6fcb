"""The cast: one engine, and a person for every relation to it."""

import os
import tempfile

# Before Django reads its settings: no test touches the data of a real console.
os.environ["PILOTHOUSE_DATA"] = tempfile.mkdtemp(prefix="pilothouse-test-")
os.environ["REDIS_URL"] = "memory://"

import pytest
from django.contrib.auth.models import User

from engines.models import Engine, Grant
from engines.permissions import Role


pytest_plugins = ["tests.rig.fixtures"]


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
