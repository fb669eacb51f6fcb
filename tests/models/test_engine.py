"""Key material at rest."""

import pytest
from django.db import connection

from engines.models import Engine
from engines.secrets import SecretUnreadable


def test_key_material_is_stored_encrypted_and_read_back(engine):
    engine.tls_key = "canary-tls"
    engine.ssh_key = "canary-ssh"
    engine.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM engines_engine")
        assert "canary" not in repr(cursor.fetchall())
    stored = Engine.objects.get(pk=engine.pk)
    assert (stored.tls_key, stored.ssh_key) == ("canary-tls", "canary-ssh")


def test_key_material_copied_to_another_row_or_field_does_not_open(engine):
    engine.tls_key = "canary"
    other = Engine(name="Other", slug="other", url="unix:///o.sock", tls_key_sealed=engine.tls_key_sealed)
    with pytest.raises(SecretUnreadable):
        _ = other.tls_key
    engine.ssh_key_sealed = engine.tls_key_sealed
    with pytest.raises(SecretUnreadable):
        _ = engine.ssh_key


def test_an_engine_without_keys_has_empty_ones(engine):
    assert (engine.tls_key, engine.ssh_key) == ("", "")
