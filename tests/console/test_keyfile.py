"""Key files: made once, private, and turned without a moment in which something stored does not open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from console import keyfile
from engines import secrets

ROOT = Path(__file__).resolve().parents[2]
PLACE = "engine.1.tls_key"


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "keys" / "secrets.key"


@pytest.fixture
def ring(path) -> keyfile.Ring:
    return keyfile.Ring(path)


def files(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_of_many_processes_that_start_at_once_all_get_the_same_key(path):
    program = "import sys; from pathlib import Path; from console import keyfile; "
    program += "print(keyfile.read_or_create(Path(sys.argv[1])))"
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    printed = {run.communicate(timeout=30)[0] for run in runs}
    assert len(printed) == 1
    assert files(path) == ["secrets.key"]


def test_a_turned_ring_seals_with_the_new_key_and_opens_what_the_old_one_sealed(ring, path):
    running = keyfile.Ring(path)
    sealed = secrets.encrypt("canary", place=PLACE, keys=ring)
    (old,) = ring
    ring.turn()
    assert list(running) == [ring[0], old]
    assert ring[0] != old
    assert secrets.decrypt(sealed, place=PLACE, keys=running) == "canary"
    anew = secrets.encrypt("canary", place=PLACE, keys=running)
    ring.retire()
    assert secrets.decrypt(anew, place=PLACE, keys=running) == "canary"
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(sealed, place=PLACE, keys=running)
    assert files(path) == ["secrets.key"]


def test_a_ring_that_is_turned_already_keeps_both_keys(ring):
    ring.turn()
    before = list(ring)
    ring.turn()
    assert list(ring) == before


def test_a_turn_that_is_interrupted_loses_no_key_and_is_done_by_the_next(ring, path, monkeypatch):
    (old,) = ring

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ring.turn()
    assert list(ring) == [old]
    ring.turn()
    assert list(ring)[1:] == [old]
    assert files(path) == ["secrets.key", "secrets.old.key"]


def test_the_old_key_is_refused_as_well_when_others_may_read_it(ring, path):
    ring.turn()
    os.chmod(path.with_name("secrets.old.key"), 0o640)
    with pytest.raises(ImproperlyConfigured, match=r"secrets\.old\.key.*chmod 600"):
        keyfile.Ring(path)


def test_keys_are_for_their_owner_alone(ring, path):
    ring.turn()
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_two_rotations_at_once_are_refused(ring, path):
    with ring.alone(), pytest.raises(keyfile.RotationRuns), keyfile.Ring(path).alone():
        pass
    with ring.alone():
        pass
