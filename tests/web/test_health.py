"""Health and readiness: which part of the console works, to anybody, and nothing more."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from engines.models import Heartbeat

ALL = {"database": True, "redis": True, "worker": True, "watcher": True}


@pytest.fixture
def reporting(db: None) -> None:
    """Worker and watcher have just said that they work."""
    for name in ("worker", "watcher"):
        Heartbeat.objects.create(name=name, at=timezone.now())


def test_ready_when_all_parts_work(client, reporting):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, ALL)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("name", ["worker", "watcher"])
def test_not_ready_when_a_process_has_been_silent(client, reporting, name):
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - timedelta(seconds=31))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {**ALL, name: False})


@pytest.mark.parametrize("name", ["worker", "watcher"])
def test_not_ready_when_a_process_has_never_reported(client, reporting, name):
    Heartbeat.objects.filter(name=name).delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {**ALL, name: False})


def test_a_process_that_reported_29_seconds_ago_counts(client, reporting):
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=29))
    assert client.get("/readyz").status_code == 200


def test_not_ready_without_redis(client, reporting, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise RedisAway("Error 2 connecting to unix:///secret/path")

    monkeypatch.setattr(type(cache._connections[cache._alias]), "set", away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {**ALL, "redis": False})


def test_not_ready_without_the_database(client, reporting):
    def broken(*_: object) -> None:
        raise DatabaseError("password=secret host=db")

    with connection.execute_wrapper(broken):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": False, "redis": True, "worker": False, "watcher": False}


def test_health_asks_nobody(client):
    # No database fixture: touching it would fail the test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_asking_is_allowed(client, path):
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_is_answered_without_tls_and_sets_no_cookie(client, reporting, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get(path)
    assert answer.status_code == 200
    assert not answer.cookies
