"""Logging in and out, one's own password, how guessing is slowed, and how long a login lasts."""

import re
import time
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

LOGIN = "/accounts/login/"
PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def no_failures_counted_yet(settings) -> None:
    cache.clear()
    # Argon2 takes 0.1 s by intention; these tests count guesses.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mate(db: None) -> User:
    return User.objects.create_user("mate", password=PASSWORD)


def log_in(client: Client, username: str = "mate", password: str = PASSWORD, **more: Any) -> Any:
    return client.post(LOGIN, {"login": username, "password": password, **more.pop("fields", {})}, **more)


def errors(response: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_login_by_name_gives_a_new_session(client, mate):
    client.get("/accounts/profile/")
    assert log_in(client)["Location"] == "/"
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert client.get("/accounts/profile/").status_code == 200


def test_the_session_key_changes_at_login(client, mate):
    session = client.session
    session["before"] = 1
    session.save()
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    log_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before


def test_a_page_that_needs_a_login_is_returned_to(client, mate):
    asked = client.get("/accounts/profile/")
    assert asked["Location"] == f"{LOGIN}?next=/accounts/profile/"
    assert log_in(client, fields={"next": "/accounts/profile/"})["Location"] == "/accounts/profile/"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example/",
        "https://evil.example/",
        "https:evil.example",
        "/\\evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "http://testserver.evil.example/",
        "http://testserver:8001/",
        "\thttps://evil.example",
    ],
)
def test_next_stays_on_this_site(client, mate, elsewhere):
    assert log_in(client, fields={"next": elsewhere})["Location"] == "/"


def test_unknown_name_and_wrong_password_get_the_same_answer(client, mate):
    wrong, unknown = log_in(client, password="wrong"), log_in(client, username="nobody", password="wrong")
    assert (wrong.status_code, unknown.status_code) == (200, 200)
    without_token = [re.sub(r'value="[^"]*"', "", page.content.decode()) for page in (wrong, unknown)]
    assert without_token[0] == without_token[1]
    assert "not correct" in errors(wrong)


def test_five_wrong_guesses_lock_that_name_from_that_address_even_for_the_right_password(client, mate):
    for _ in range(5):
        assert "not correct" in errors(log_in(client, password="wrong"))
    assert "Too many failed login attempts" in errors(log_in(client))
    # Its owner, elsewhere, is not locked out.
    assert log_in(client, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_an_unknown_name_is_slowed_in_the_same_way(client, mate):
    for _ in range(5):
        log_in(client, username="nobody", password="wrong")
    assert "Too many failed login attempts" in errors(log_in(client, username="nobody", password="wrong"))


def test_one_address_cannot_try_many_names(client, mate):
    for number in range(10):
        log_in(client, username=f"name{number}", password="wrong")
    assert "Too many failed login attempts" in errors(log_in(client, username="name10", password="wrong"))


def test_a_forged_forwarded_address_does_not_help_the_guesser(client, mate):
    for number in range(5):
        log_in(client, password="wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert "Too many" in errors(log_in(client, HTTP_X_FORWARDED_FOR="192.0.2.99"))


def test_successful_logins_are_not_counted_as_failures(mate):
    for _ in range(8):
        assert log_in(Client()).status_code == 302


def test_without_redis_nobody_can_guess(client, mate, monkeypatch):
    def away(*_: object, **__: object) -> bool:
        raise RedisAway("Connection refused")

    monkeypatch.setattr(type(cache._connections[cache._alias]), "add", away)
    answer = log_in(client)
    assert answer.status_code == 503
    assert "Redis does not answer" in answer.content.decode()


def test_a_disabled_account_is_told_so_only_with_the_right_password(client, mate):
    User.objects.update(is_active=False)
    assert "not correct" in errors(log_in(client, password="wrong"))
    answer = log_in(client)
    answer = client.get(answer["Location"]) if answer.status_code == 302 else answer
    assert "disabled" in answer.content.decode()
    assert client.get("/accounts/profile/").status_code == 302


def test_logout_is_a_post_and_ends_the_session(client, mate):
    log_in(client)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.get("/accounts/logout/").status_code == 405
    assert client.get("/accounts/profile/").status_code == 200
    assert client.post("/accounts/logout/")["Location"] == LOGIN
    # The row is gone, so a copied cookie is worth nothing.
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert client.get("/accounts/profile/").status_code == 302


def test_forms_ask_for_the_csrf_token(mate):
    strict = Client(enforce_csrf_checks=True)
    assert log_in(strict).status_code == 403
    assert strict.post("/accounts/logout/").status_code == 403


def test_changing_the_password_keeps_this_login_and_ends_the_others(client, mate):
    other = Client()
    log_in(client)
    log_in(other)
    new = "another long secret"
    answer = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer["Location"] == "/accounts/profile/"
    assert client.get("/accounts/profile/").status_code == 200
    assert other.get("/accounts/profile/").status_code == 302
    assert log_in(Client(), password=new).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong", "another long secret", "current password"),
        (PASSWORD, "short", "at least 12 characters"),
        (PASSWORD, "password1234", "too common"),
        (PASSWORD, "mate12345678", "too similar"),
    ],
)
def test_a_password_that_will_not_do(client, mate, old, new, said):
    if new.startswith("mate"):
        User.objects.filter(pk=mate.pk).update(username="mate1234567")
    client.force_login(User.objects.get())
    answer = client.post("/accounts/password/change/", {"oldpassword": old, "password1": new, "password2": new})
    assert answer.status_code == 200
    assert said in errors(answer)
    assert User.objects.get().check_password(PASSWORD)


def test_nobody_can_sign_up_reset_or_use_what_allauth_would_also_serve(client, mate):
    for path in ["signup/", "password/reset/", "email/", "confirm-email/", "social/connections/", "login/code/"]:
        assert client.get(f"/accounts/{path}").status_code == 404
    assert client.get("/admin/").status_code == 404


def test_a_login_ends_when_idle(client, mate):
    log_in(client)
    client.get("/accounts/profile/")
    row = client.session
    assert row.get_expiry_age() <= settings.SESSION_IDLE_SECONDS
    row.set_expiry(-1)
    row.save()
    assert client.get("/accounts/profile/").status_code == 302


def test_a_login_ends_at_its_absolute_age_however_busy(client, mate):
    log_in(client)
    client.get("/accounts/profile/")
    session = client.session
    session["started"] = int(time.time()) - settings.SESSION_COOKIE_AGE
    session.save()
    assert client.get("/accounts/profile/").status_code == 302


def test_a_busy_login_is_renewed_but_not_beyond_its_absolute_age(client, mate):
    log_in(client)
    client.get("/accounts/profile/")
    session = client.session
    session["started"] = int(time.time()) - settings.SESSION_COOKIE_AGE + 30
    session["seen"] = 0
    session.save()
    assert client.get("/accounts/profile/").status_code == 200
    assert client.session.get_expiry_age() <= 30


def test_a_foreign_host_header_is_refused(client, db):
    assert client.get(LOGIN, HTTP_HOST="evil.example").status_code == 400
