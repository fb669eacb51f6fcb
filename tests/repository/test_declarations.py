"""Rules that hold for the whole repository."""

import os
import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver

from console import env, keyfile
from engines.web.gate import DECLARATION

ROOT = Path(__file__).resolve().parents[2]


def routes(resolver: URLResolver, prefix: str = ""):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern), entry.callback


def test_every_url_declares_a_permission_or_why_it_is_public():
    undeclared = [route for route, view in routes(get_resolver()) if not hasattr(view, DECLARATION)]
    assert undeclared == []


def test_every_setting_is_documented():
    read = re.findall(r'env\.(?:text|flag|words|number)\("(\w+)"', (ROOT / "console/settings.py").read_text())
    readme = (ROOT / "README.md").read_text()
    assert read
    assert [name for name in read if f"`{name}`" not in readme] == []


def test_locks_carry_hashes_and_no_addresses():
    for lock in ROOT.glob("requirements*.txt"):
        assert "--hash=sha256:" in lock.read_text()
        assert "://" not in lock.read_text()


def test_a_secret_file_that_cannot_be_read_stops_the_start(monkeypatch):
    monkeypatch.setenv("SOMETHING_FILE", "/nonexistent/secret")
    with pytest.raises(ImproperlyConfigured, match="SOMETHING_FILE"):
        env.text("SOMETHING", "default")


def test_a_flag_that_is_neither_true_nor_false_stops_the_start(monkeypatch):
    monkeypatch.setenv("SOMETHING", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="perhaps"):
        env.flag("SOMETHING", True)


def test_a_key_is_made_once_and_refused_when_others_may_read_it(tmp_path):
    path = tmp_path / "keys" / "a.key"
    key = keyfile.read_or_create(path)
    assert keyfile.read_or_create(path) == key
    os.chmod(path, 0o644)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        keyfile.read_or_create(path)
