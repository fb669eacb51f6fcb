"""An administrator at the pages, with a password; and two others."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

PASSWORD = "unrelated words in a row"


@pytest.fixture(autouse=True)
def quick_logins(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def boss(db) -> User:
    return User.objects.create_superuser("boss", password=PASSWORD)


@pytest.fixture
def admin(boss) -> Client:
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann", password=PASSWORD)
