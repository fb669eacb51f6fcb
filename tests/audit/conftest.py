"""A small trail with one of everything, and browsers of those who may and may not read it."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from engines.models import Engine
from engines.permissions import Permission
from engines.trail import write as trail
from engines.trail.write import NotDone, Origin

CONTAINER = "ab" * 32


@pytest.fixture
def enter(cast) -> Callable[[str], Client]:
    """A browser of this person of the cast."""

    def login(name: str) -> Client:
        client = Client()
        client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return login


@pytest.fixture
def other(db) -> Engine:
    return Engine.objects.create(name="Lighthouse", slug="lighthouse", url="unix:///run/lighthouse.sock")


@pytest.fixture
def written(cast, engine, other) -> None:
    """Oldest first: a login, a stop, a failed pull, a denial on the other engine, a team, and what is unfinished."""
    token = trail.ORIGIN.set(Origin("10.1.2.3", "session 0123abcd"))
    trail.note("login", by=cast["operator"], parameters={"method": "password"})
    with trail.act(Permission.CONTAINER_STOP, by=cast["operator"], engine=engine, subject=CONTAINER):
        pass
    reference = {"reference": "registry.example.com/team/größe:1.2"}
    try:
        with trail.act(Permission.IMAGE_PULL, by=cast["builder"], engine=other, subject="Pull", parameters=reference):
            raise NotDone("No space left on the engine.")
    except NotDone:
        pass
    trail.refused(Permission.CONTAINER_KILL, by=cast["viewer"], engine=engine, subject=CONTAINER, sentence="Too weak.")
    with trail.act("team.create", by=cast["administrator"], subject="dock crew", parameters={"name": "dock crew"}):
        pass
    trail.begin(Permission.IMAGE_BUILD, by=cast["builder"], engine=engine, subject="Build", parameters={"tags": ["x"]})
    trail.ORIGIN.reset(token)
