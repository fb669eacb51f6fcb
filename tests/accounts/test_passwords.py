"""Hashing of passwords: as much work for a name that exists as for one that does not, and not without end at once."""

import threading

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from engines.accounts import passwords
from engines.accounts.passwords import Hasher


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """What was hashed, by kind."""
    done: list[str] = []
    for name in ("encode", "verify"):
        real = getattr(Hasher, name)
        monkeypatch.setattr(Hasher, name, lambda *args, _real=real, _name=name: (done.append(_name), _real(*args))[1])
    return done


def test_a_wrong_password_costs_as_much_for_a_name_that_does_not_exist(db, hashed):
    User.objects.create_user("mate", password="a long enough secret")
    for name in ("mate", "nobody"):
        hashed.clear()
        cache.clear()
        Client().post("/accounts/login/", {"login": name, "password": "wrong"})
        assert len(hashed) == 1


def test_no_more_than_a_few_are_hashed_at_once(monkeypatch):
    inside, most, enough = 0, 0, threading.Barrier(4, timeout=20)
    lock = threading.Lock()

    def slow(*_: object) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        # All four slots are taken before one is given back.
        enough.wait()
        with lock:
            inside -= 1
        return "hash"

    monkeypatch.setattr(passwords.Argon2PasswordHasher, "encode", slow)
    threads = [threading.Thread(target=Hasher().encode, args=("password", "salt")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, inside) == (4, 0)
