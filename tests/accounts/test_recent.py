"""What is sensitive asks again who one is, when that was proved too long ago."""

import time

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from console.urls import urlpatterns as console
from engines.web.gate import DECLARATION, login_view, recent_login
from engines.web.recent import FORM_SECONDS, RECENT_SECONDS, STARTED

PASSWORD = "a long enough secret"
CONFIRM = "/accounts/confirm/"
ASKED = "/accounts/confirm/?next="


@login_view("a test")
@recent_login()
def verb(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@login_view("a test")
@recent_login(form=True)
def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


urlpatterns = [*console, path("verb/", verb), path("form/", form)]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("routes")]


@pytest.fixture
def routes():
    with override_settings(
        ROOT_URLCONF="tests.accounts.test_recent",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture
def mate(db: None) -> User:
    return User.objects.create_user("mate", password=PASSWORD)


@pytest.fixture
def logged_in(client: Client, mate: User) -> Client:
    client.force_login(mate)
    return client


def age(client: Client, seconds: int) -> None:
    session = client.session
    session[STARTED] = int(time.time()) - seconds
    session.save()


def test_a_recent_login_is_not_asked(logged_in):
    assert logged_in.get("/verb/").status_code == logged_in.post("/verb/").status_code == 200


@pytest.mark.parametrize(
    ("page", "method", "seconds", "asked"),
    [
        ("/verb/", "post", RECENT_SECONDS - 5, False),
        ("/verb/", "post", RECENT_SECONDS + 5, True),
        ("/form/", "get", RECENT_SECONDS + 5, True),
        ("/form/", "post", RECENT_SECONDS + 5, False),
        ("/form/", "post", FORM_SECONDS + 5, True),
    ],
)
def test_how_old_a_proof_may_be(logged_in, page, method, seconds, asked):
    age(logged_in, seconds)
    answer = getattr(logged_in, method)(page)
    assert (answer.status_code == 302) is asked
    assert not asked or answer["Location"].startswith(ASKED)


def test_the_password_again_opens_the_page_that_was_asked_for(logged_in):
    age(logged_in, FORM_SECONDS + 5)
    asked = logged_in.get("/form/?tab=keys")
    assert asked["Location"] == f"{ASKED}%2Fform%2F%3Ftab%3Dkeys"
    assert "you last showed who you are" in logged_in.get(asked["Location"]).content.decode()
    wrong = logged_in.post(CONFIRM, {"password": "wrong", "next": "/form/?tab=keys"})
    assert wrong.status_code == 200
    assert logged_in.get("/form/").status_code == 302
    right = logged_in.post(CONFIRM, {"password": PASSWORD, "next": "/form/?tab=keys"})
    assert right["Location"] == "/form/?tab=keys"
    assert logged_in.get("/form/?tab=keys").status_code == 200


def test_a_refused_verb_says_that_nothing_changed_and_leads_back_to_its_page(logged_in):
    age(logged_in, RECENT_SECONDS + 5)
    answer = logged_in.post("/verb/", HTTP_REFERER="http://testserver/engines/?q=a")
    assert answer["Location"] == f"{ASKED}%2Fengines%2F%3Fq%3Da"
    assert "Nothing was changed" in logged_in.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    "referer", ["https://evil.example/", "//evil.example/", "http://testserver:1/x", "", "javascript:x"]
)
def test_the_way_back_stays_on_this_site(logged_in, referer):
    age(logged_in, RECENT_SECONDS + 5)
    assert logged_in.post("/verb/", HTTP_REFERER=referer)["Location"] == f"{ASKED}%2F"


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_next_after_the_proof_stays_on_this_site(logged_in, elsewhere):
    answer = logged_in.post(CONFIRM, {"password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/"


def test_a_part_of_a_page_sends_the_whole_page(logged_in):
    age(logged_in, RECENT_SECONDS + 5)
    answer = logged_in.post("/verb/", HTTP_HX_REQUEST="true", HTTP_REFERER="http://testserver/engines/")
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"{ASKED}%2Fengines%2F")


def test_who_has_neither_password_nor_factor_logs_in_again(logged_in, mate):
    User.objects.filter(pk=mate.pk).update(password="!")
    logged_in.force_login(User.objects.get(pk=mate.pk))
    age(logged_in, RECENT_SECONDS + 5)
    assert logged_in.get("/form/")["Location"] == "/accounts/login/?next=/form/"
    assert logged_in.get("/accounts/profile/").status_code == 302


def test_the_proof_of_one_login_is_worth_nothing_in_another(logged_in, mate):
    other = Client()
    other.force_login(mate)
    age(other, RECENT_SECONDS + 5)
    logged_in.post(CONFIRM, {"password": PASSWORD})
    assert other.get("/verb/").status_code == 302


def test_guessing_the_password_again_is_slowed(logged_in):
    answers = [logged_in.post(CONFIRM, {"password": "wrong"}) for _ in range(11)]
    assert "Too many" in answers[-1].content.decode()


def test_who_is_not_logged_in_is_led_to_the_login(client):
    assert client.get("/verb/")["Location"] == "/accounts/login/?next=/verb/"


def test_the_declaration_stays():
    assert getattr(verb, DECLARATION) == getattr(form, DECLARATION) == "login: a test"
