"""Rotation of the key of stored secrets: whole, resumable after a kill, and never at the price of a value."""

import re
import uuid

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.management import CommandError, call_command

from console import keyfile
from engines import secrets
from engines.accounts import factors
from engines.management import sealed
from engines.models import AuditEntry, Engine, Operation
from engines.operations import sealed as inputs
from engines.operations.kinds import KINDS
from engines.trail.write import NotDone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ring(tmp_path, settings) -> keyfile.Ring:
    """Keys of this test alone."""
    settings.ENCRYPTION_KEYS = keyfile.Ring(tmp_path / "keys" / "secrets.key")
    return settings.ENCRYPTION_KEYS


@pytest.fixture
def filled(cast, engine) -> dict[str, str]:
    """One value of every kind that is stored sealed: its place, and the text in it."""
    engine.tls_key, engine.ssh_key = "canary-tls", "canary-ssh"
    engine.save()
    person = cast["viewer"]
    texts = {engine.place("tls_key"): "canary-tls", engine.place("ssh_key"): "canary-ssh"}
    for kind in KINDS:
        for field in KINDS[kind].sealed:
            pk = uuid.uuid4()
            spec = inputs.closed(pk, kind, {field: {"A": f"canary-{field}"}})
            Operation.objects.create(id=pk, engine=engine, engine_name="Harbour", kind=kind, spec=spec)
            texts[inputs.place(pk, field)] = f'{{"A": "canary-{field}"}}'
    for kind, key in factors.SEALED.items():
        place = factors.seed_place(person.pk)
        seed = secrets.encrypt("canary-seed", place=place, keys=settings.ENCRYPTION_KEYS)
        Authenticator.objects.create(user=person, type=kind, data={key: seed, "used_mask": 0})
        texts[place] = "canary-seed"
    return texts


def opened(keys) -> list[str]:
    return [
        secrets.decrypt(store.read(row), place=store.place(row), keys=keys)
        for store in sealed.STORES
        for row in store.filled()
    ]


def test_every_store_has_a_value_here_so_that_none_goes_untested(filled):
    assert [store.field for store in sealed.STORES if not store.filled().exists()] == []
    assert sorted(set(opened(settings.ENCRYPTION_KEYS))) == sorted(set(filled.values()))


def test_a_rotation_seals_all_anew_and_removes_the_old_key(filled, ring):
    (old,) = ring
    before = opened(ring)
    sealed.rotate(0, lambda _: None)
    assert len(ring) == 1 and ring[0] != old
    assert opened(ring) == before
    with pytest.raises(secrets.SecretUnreadable):
        opened([old])
    intent, outcome = AuditEntry.objects.filter(act="secrets.rotate").order_by("seq")
    assert (intent.parameters, outcome.outcome) == ({"sealed": len(before)}, "SUCCEEDED")


def test_a_rotation_goes_on_where_one_was_interrupted_with_the_same_new_key(filled, ring, monkeypatch):
    before = opened(ring)
    whole = sealed._renew_store

    def interrupted(store, keys):
        if store is sealed.STORES[2]:
            raise KeyboardInterrupt
        return whole(store, keys)

    with monkeypatch.context() as patched:
        patched.setattr(sealed, "_renew_store", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sealed.rotate(0, lambda _: None)
    assert len(ring) == 2
    assert opened(ring) == before
    new = ring[0]
    sealed.rotate(0, lambda _: None)
    assert list(ring) == [new]
    assert opened(ring) == before


def test_a_second_rotation_changes_keys_again_and_one_with_nothing_stored_works(ring):
    first = ring[0]
    sealed.rotate(0, lambda _: None)
    second = ring[0]
    sealed.rotate(0, lambda _: None)
    assert len({first, second, ring[0]}) == 3


def test_nothing_is_touched_while_something_stored_does_not_open(filled, ring):
    Engine.objects.update(ssh_key_sealed="v1:" + "A" * 64)
    before = list(ring)
    with pytest.raises(NotDone, match="Nothing was changed, since .*ssh_key \\(Harbour\\) cannot"):
        sealed.rotate(0, lambda _: None)
    assert list(ring) == before
    assert Engine.objects.get().ssh_key_sealed == "v1:" + "A" * 64
    assert AuditEntry.objects.filter(act="secrets.rotate", outcome="FAILED").exists()


def test_what_is_saved_with_the_old_key_during_a_rotation_is_sealed_anew_before_that_key_goes(filled, ring, engine):
    (old,) = ring

    def while_waiting(said: str) -> None:
        if said.startswith("Waiting"):
            late = secrets.encrypt("canary-late", place=engine.place("tls_key"), keys=[old])
            Engine.objects.update(tls_key_sealed=late)

    sealed.rotate(0.001, while_waiting)
    assert len(ring) == 1
    assert Engine.objects.get().tls_key == "canary-late"


def test_the_old_key_stays_while_something_needs_it(filled, ring, engine, monkeypatch):
    (old,) = ring
    monkeypatch.setattr(sealed, "_renew", lambda keys: 0)
    with pytest.raises(NotDone, match="The old key stays"):
        sealed.rotate(0, lambda _: None)
    assert list(ring)[1:] == [old]
    assert Engine.objects.get().tls_key == "canary-tls"


def test_a_lost_key_that_is_put_back_as_the_old_one_opens_again_and_is_rotated_away(filled, ring, tmp_path):
    path = tmp_path / "keys" / "secrets.key"
    path.rename(path.with_name("elsewhere.key"))
    settings.ENCRYPTION_KEYS = keyfile.Ring(path)
    assert "do not open engine." in sealed.warning()
    path.with_name("elsewhere.key").rename(path.with_name("secrets.old.key"))
    assert sealed.warning() == ""
    sealed.rotate(0, lambda _: None)
    assert Engine.objects.get().tls_key == "canary-tls"


def test_verify_counts_what_opens(filled, capsys):
    call_command("secrets", "verify")
    assert capsys.readouterr().out == f"Stored secrets that open: {sealed.stored()}.\n"


def test_verify_names_each_place_that_does_not_open_and_no_value(filled, capsys, engine):
    Engine.objects.update(tls_key_sealed="v1:" + "Q" * 64)
    with pytest.raises(CommandError, match=f"1 of {sealed.stored()} stored secrets"):
        call_command("secrets", "verify")
    said = capsys.readouterr().err
    assert said == f"Does not open: {engine.place('tls_key')} (Harbour)\n"


def test_verify_says_that_a_rotation_is_unfinished(filled, ring, capsys):
    ring.turn()
    call_command("secrets", "verify")
    assert f"Of these under the old key: {sealed.stored()}." in capsys.readouterr().out


def test_with_a_wrong_key_the_start_says_so_and_overwrites_nothing(filled, tmp_path):
    before = list(Engine.objects.values_list("tls_key_sealed", "ssh_key_sealed"))
    settings.ENCRYPTION_KEYS = keyfile.Ring(tmp_path / "other" / "secrets.key")
    others = sealed.stored() - 1
    assert re.search(rf"do not open engine\.\S+ \(Harbour\) and {others} more stored secrets: see", sealed.warning())
    with pytest.raises(NotDone):
        sealed.rotate(0, lambda _: None)
    assert list(Engine.objects.values_list("tls_key_sealed", "ssh_key_sealed")) == before
