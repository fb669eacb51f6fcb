"""One's own logins: seen, told apart, and ended; nobody else's."""

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engines.accounts.browsers import in_words
from engines.models import AuditEntry
from engines.web.logins import person_of

PASSWORD = "a long enough secret"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mate(db: None) -> User:
    return User.objects.create_user("mate", password=PASSWORD)


def logged_in(name: str = "mate", **headers: str) -> Client:
    client = Client(**headers)
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert client.get("/accounts/profile/").status_code == 200
    return client


def key(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_each_login_is_listed_with_its_browser_and_address(mate):
    here = logged_in(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.4")
    logged_in(HTTP_USER_AGENT="curl/8.1", REMOTE_ADDR="192.0.2.5")
    logins = here.get("/accounts/logins/").context["logins"]
    assert [(each.browser, each.address, each.current) for each in logins] == [
        ("Firefox on Linux", "192.0.2.4", True),
        ("curl", "192.0.2.5", False),
    ]
    assert all(each.began <= each.seen for each in logins)


def test_an_ended_login_is_out_at_once(mate):
    here, there = logged_in(), logged_in()
    ended = key(there)
    row = UserSession.objects.get(session_key=ended)
    assert here.post(f"/accounts/logins/{row.pk}/end/").status_code == 302
    assert there.get("/accounts/profile/").status_code == 302
    # What open sockets ask.
    assert person_of(ended) is None
    assert here.get("/accounts/profile/").status_code == 200
    entry = AuditEntry.objects.filter(act="session.end", phase="OUTCOME").get()
    assert (entry.actor_name, ended in str(entry.parameters)) == ("mate", False)


def test_all_others_end_and_this_one_stays(mate):
    here, others = logged_in(), [logged_in(), logged_in()]
    assert here.post("/accounts/logins/end-others/").status_code == 302
    assert [other.get("/accounts/profile/").status_code for other in others] == [302, 302]
    assert here.get("/accounts/logins/").context["logins"][0].current


def test_the_login_of_somebody_else_is_not_there(mate):
    User.objects.create_user("other", password=PASSWORD)
    here, theirs = logged_in(), logged_in("other")
    row = UserSession.objects.get(session_key=key(theirs))
    for method in (here.get, here.post):
        assert method(f"/accounts/logins/{row.pk}/end/").status_code in {404, 405}
    here.post("/accounts/logins/end-others/")
    assert theirs.get("/accounts/profile/").status_code == 200


def test_a_login_that_ran_out_is_no_longer_listed(mate):
    here, there = logged_in(), logged_in()
    session = there.session
    session.set_expiry(-1)
    session.save()
    assert len(here.get("/accounts/logins/").context["logins"]) == 1


def test_pages_do_not_write_the_list_of_logins(mate):
    here = logged_in()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        here.get("/accounts/profile/")
    assert not [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_logins_and_logouts_are_written_down_with_where_they_came_from(mate):
    here = logged_in(REMOTE_ADDR="192.0.2.4")
    ended = key(here)
    here.post("/accounts/logout/")
    kept = AuditEntry.objects.filter(act__in=["login", "logout"]).order_by("seq")
    assert [(each.act, each.actor_name, each.address) for each in kept] == [
        ("login", "mate", "192.0.2.4"),
        ("logout", "mate", "192.0.2.4"),
    ]
    # Both name the login by the same digest, which is not its key.
    assert len({each.via for each in kept}) == 1 and ended not in kept[0].via


def test_a_failed_login_names_only_people_who_exist(mate):
    for name in ("mate", "a long enough secret"):
        Client().post("/accounts/login/", {"login": name, "password": "wrong"})
    kept = AuditEntry.objects.filter(act="login.failed").order_by("seq")
    assert [(each.actor_name, each.subject, each.outcome) for each in kept] == [
        ("mate", "mate", "DENIED"),
        ("", "unknown name", "DENIED"),
    ]


@pytest.mark.parametrize("length", [11, 129])
def test_a_password_of_a_length_that_will_not_do(mate, length):
    here = logged_in()
    new = ("xk4 " * 40)[: length - 1] + "!"
    answer = here.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    ).content.decode()
    assert ("too short" if length < 12 else "too long") in answer
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537 Chrome/140.0 Mobile Safari/537", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18 Safari/604", "Safari on iPhone"),
        ("curl/8.1", "curl"),
        ("", "Unknown program"),
    ],
)
def test_a_browser_in_words(header, words):
    assert in_words(header) == words
