"""Encryption at rest: rotation, binding to the place, and damage."""

import base64
import os

import pytest

from engines import secrets

PLACE = "engine.1.tls_key"


def key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def test_a_secret_comes_back_and_is_not_in_its_ciphertext():
    keys = [key()]
    sealed = secrets.encrypt("canary", place=PLACE, keys=keys)
    assert "canary" not in sealed
    assert secrets.decrypt(sealed, place=PLACE, keys=keys) == "canary"


def test_the_same_secret_is_never_sealed_twice_alike():
    keys = [key()]
    assert len({secrets.encrypt("x", place=PLACE, keys=keys) for _ in range(20)}) == 20


def test_an_older_key_still_opens_after_a_new_one_is_put_first():
    old = key()
    sealed = secrets.encrypt("canary", place=PLACE, keys=[old])
    assert secrets.decrypt(sealed, place=PLACE, keys=[key(), old]) == "canary"


def test_a_ciphertext_moved_to_another_place_does_not_open():
    keys = [key()]
    sealed = secrets.encrypt("canary", place=PLACE, keys=keys)
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(sealed, place="engine.2.tls_key", keys=keys)


@pytest.mark.parametrize("damaged", ["", "plain", "v1:", "v1:!!!", "v1:AAAA", "v1:" + "A" * 64, "v2:" + "A" * 64])
def test_a_damaged_ciphertext_is_unreadable_and_nothing_else(damaged):
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(damaged, place=PLACE, keys=[key()])
