"""The worker says that it lives, whatever happens to the database meanwhile."""

import threading

import pytest
from django.db import DatabaseError, connection

from engines.models import Heartbeat
from engines.operations import run, tasks


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_for_a_moment_does_not_end_the_heartbeat(monkeypatch):
    stopping = threading.Event()
    monkeypatch.setattr(run, "STOPPING", stopping)
    monkeypatch.setattr(tasks, "_BEAT_SECONDS", 0)
    rounds = []

    def fails_twice(execute, sql, params, many, context):
        rounds.append(sql)
        if len(rounds) <= 2:
            raise DatabaseError("the server closed the connection")
        stopping.set()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fails_twice):
        tasks._beat()
    assert Heartbeat.objects.filter(name="worker").exists()
