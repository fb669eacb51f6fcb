"""Second factors: what they refuse, what a change of them ends, and what the policy leaves to those without one."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from redis.exceptions import ConnectionError as RedisAway

from engines.accounts import factors
from engines.models import AccessPolicy, AuditEntry, TotpStep
from engines.secrets import SecretUnreadable, decrypt
from engines.web.gate import DECLARATION
from engines.web.logins import person_of

LOGIN, SECOND, INDEX = "/accounts/login/", "/accounts/login/second-step/", "/accounts/factors/"
PASSWORD = "a long enough secret"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mate(db: None) -> User:
    return User.objects.create_user("mate", password=PASSWORD)


@pytest.fixture
def clock(monkeypatch):
    """The time of one-time codes, which `clock.step` moves on."""

    class Clock:
        now = time.time()

        def step(self) -> None:
            self.now += 30

    held = Clock()
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda: held.now)
    return held


def first_step(client: Client, **fields: str):
    return client.post(LOGIN, {"login": "mate", "password": PASSWORD, **fields})


def code(seed: str, clock, away: int = 0) -> str:
    return format_hotp_value(hotp_value(seed, int(clock.now) // 30 + away))


def enrol(client: Client, clock) -> tuple[str, list[str]]:
    """Turn the app on as a person does: its seed, and the recovery codes that are shown."""
    seed = client.get("/accounts/factors/app/add/").context["form"].secret
    answer = client.post("/accounts/factors/app/add/", {"code": code(seed, clock)})
    assert answer["Location"] == "/accounts/factors/codes/"
    return seed, client.get("/accounts/factors/codes/").context["unused_codes"]


@pytest.fixture
def enrolled(mate, clock) -> tuple[str, list[str]]:
    client = Client()
    first_step(client)
    got = enrol(client, clock)
    clock.step()
    return got


def test_the_password_alone_logs_nobody_in_who_has_a_factor(client, enrolled):
    assert first_step(client)["Location"] == SECOND
    assert client.get("/accounts/profile/")["Location"].startswith(LOGIN)
    # Nor does the cookie of a login that waits for its second step open a socket.
    assert person_of(client.cookies[settings.SESSION_COOKIE_NAME].value) is None


def test_the_second_step_logs_in_with_a_new_session_key(client, enrolled, clock):
    first_step(client, next="/accounts/profile/")
    waiting = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.post(SECOND, {"code": code(enrolled[0], clock)})["Location"] == "/accounts/profile/"
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != waiting
    assert client.get("/accounts/profile/").status_code == 200
    client.cookies[settings.SESSION_COOKIE_NAME] = waiting
    assert client.get("/accounts/profile/").status_code == 302
    assert AuditEntry.objects.filter(act="login").latest("seq").parameters == {"method": "password and code"}


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_next_stays_on_this_site_after_the_second_step(client, enrolled, clock, elsewhere):
    first_step(client, next=elsewhere)
    assert client.post(SECOND, {"code": code(enrolled[0], clock)})["Location"] == "/"


def test_a_code_is_not_taken_twice_even_when_the_cache_is_lost(enrolled, clock):
    taken, again = Client(), Client()
    first_step(taken)
    first_step(again)
    now = code(enrolled[0], clock)
    assert taken.post(SECOND, {"code": now}).status_code == 302
    cache.clear()
    refused = again.post(SECOND, {"code": now})
    assert "was used already" in refused.content.decode()
    assert again.get("/accounts/profile/").status_code == 302


def test_the_code_that_turned_the_app_on_does_not_log_in(mate, clock):
    first, other = Client(), Client()
    first_step(first)
    seed, _ = enrol(first, clock)
    cache.clear()
    first_step(other)
    assert "was used already" in other.post(SECOND, {"code": code(seed, clock)}).content.decode()


@pytest.mark.parametrize("away", [-2, -1, 1, 2])
def test_a_code_of_another_time_is_not_taken(client, enrolled, clock, away):
    first_step(client)
    assert client.post(SECOND, {"code": code(enrolled[0], clock, away)}).status_code == 200


def test_of_two_who_race_with_one_code_one_gets_in(mate):
    assert [factors.take_step(mate), factors.take_step(mate)] == [True, False]
    TotpStep.objects.update(step=2**40)
    assert not factors.take_step(mate)


def test_a_recovery_code_works_once(enrolled):
    for expected in (302, 200):
        client = Client()
        first_step(client)
        assert client.post(SECOND, {"code": enrolled[1][0]}).status_code == expected


def test_recovery_codes_are_shown_once(mate, clock, client):
    first_step(client)
    _, shown = enrol(client, clock)
    again = client.get("/accounts/factors/codes/").content.decode()
    assert len(shown) == 10
    assert not any(each in again for each in shown)


def test_guessing_codes_is_slowed_and_written_down(client, enrolled, clock):
    first_step(client)
    answers = [client.post(SECOND, {"code": "000000"}).content.decode() for _ in range(6)]
    assert "Too many failed login attempts" in answers[-1]
    # Not even the right one, and not from another address either: it is the password's owner who is guessing.
    assert client.post(SECOND, {"code": code(enrolled[0], clock)}, REMOTE_ADDR="192.0.2.9").status_code == 200
    failed = AuditEntry.objects.filter(act="login.failed")
    assert {(each.actor_name, each.outcome, each.parameters["method"]) for each in failed} == {
        ("mate", "DENIED", "code")
    }


def test_without_redis_nobody_can_guess_codes(client, enrolled, monkeypatch):
    first_step(client)

    def away(*_: object, **__: object) -> bool:
        raise RedisAway("Connection refused")

    monkeypatch.setattr(type(cache._connections[cache._alias]), "add", away)
    assert client.post(SECOND, {"code": "000000"}).status_code == 503


def test_no_seed_is_ever_stored_in_clear(mate, clock, client):
    first_step(client)
    pending = client.get("/accounts/factors/app/add/").context["form"].secret
    assert pending not in json.dumps(dict(client.session.items()))
    seed, codes = enrol(client, clock)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        stored = str(cursor.fetchall())
    assert seed == pending and seed not in stored
    assert not any(each in stored for each in codes)
    # What is sealed opens for its owner only.
    sealed = Authenticator.objects.get(type="totp").data["secret"]
    assert decrypt(sealed, place=factors.seed_place(mate.pk), keys=settings.ENCRYPTION_KEYS) == seed
    with pytest.raises(SecretUnreadable):
        decrypt(sealed, place=factors.seed_place(mate.pk + 1), keys=settings.ENCRYPTION_KEYS)


def test_a_seed_copied_to_another_person_opens_nothing(enrolled, clock):
    other = User.objects.create_user("other", password=PASSWORD)
    row = Authenticator.objects.get(type="totp")
    Authenticator.objects.create(user=other, type="totp", data=row.data)
    client = Client()
    client.post(LOGIN, {"login": "other", "password": PASSWORD})
    answer = client.post(SECOND, {"code": code(enrolled[0], clock)})
    assert answer.status_code == 200
    assert "cannot be read" in answer.content.decode()


@pytest.mark.parametrize("change", ["add", "remove", "new codes", "password"])
def test_a_change_ends_all_other_logins_and_keeps_this_one(mate, clock, client, change):
    first_step(client)
    if change != "add":
        seed, _ = enrol(client, clock)
        clock.step()
    other = Client()
    first_step(other)
    if change != "add":
        other.post(SECOND, {"code": code(seed, clock)})
        clock.step()
    assert other.get("/accounts/profile/").status_code == 200
    key = other.cookies[settings.SESSION_COOKIE_NAME].value
    if change == "add":
        enrol(client, clock)
    elif change == "remove":
        client.post("/accounts/factors/app/remove/")
        assert not Authenticator.objects.exists()
    elif change == "new codes":
        client.post("/accounts/factors/codes/new/")
    else:
        new = {"oldpassword": PASSWORD, "password1": "another long secret", "password2": "another long secret"}
        assert client.post("/accounts/password/change/", new).status_code == 302
    assert other.get("/accounts/profile/").status_code == 302
    # What sockets ask every few seconds.
    assert person_of(key) is None
    assert client.get("/accounts/profile/").status_code == 200


def test_factors_are_written_to_the_trail_without_secrets(mate, clock, client):
    first_step(client)
    seed, codes = enrol(client, clock)
    client.post("/accounts/factors/app/remove/")
    kept = list(
        AuditEntry.objects.filter(act__startswith="factor.").order_by("seq").values_list("act", "phase", "parameters")
    )
    assert kept == [
        ("factor.add", "INTENT", {"type": "totp"}),
        ("factor.add", "OUTCOME", {"type": "totp"}),
        ("factor.remove", "INTENT", {"type": "totp"}),
        ("factor.remove", "OUTCOME", {"type": "totp"}),
    ]
    everything = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert not any(secret in everything for secret in (seed, PASSWORD, *codes))


def test_the_last_factor_of_who_must_have_one_stays(mate, clock, client):
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.EVERYBODY)
    first_step(client)
    enrol(client, clock)
    answer = client.post("/accounts/factors/app/remove/")
    assert "your only second factor" in answer.content.decode()
    key = Authenticator.objects.create(user=mate, type="webauthn", data={"name": "Key", "credential": {}})
    assert client.post("/accounts/factors/app/remove/").status_code == 302
    answer = client.post(f"/accounts/factors/passkeys/{key.pk}/remove/")
    assert "your only second factor" in answer.content.decode()
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_a_passkey_of_somebody_else_is_not_there(mate, client):
    other = User.objects.create_user("other")
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Key", "credential": {}})
    first_step(client)
    for method in (client.get, client.post):
        assert method(f"/accounts/factors/passkeys/{key.pk}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


@pytest.mark.parametrize(
    "credential",
    ["", "x", "{}", "[]", "null", "1", '{"id": 1}', '{"id": "a", "rawId": "a", "response": {}}', '{"response": null}'],
)
@pytest.mark.parametrize("page", ["/accounts/login/passkey/", "/accounts/factors/passkeys/add/"])
def test_what_is_no_passkey_is_refused_with_a_sentence(mate, client, page, credential):
    if "factors" in page:
        first_step(client)
    client.get(page, HTTP_ACCEPT="application/json")
    answer = client.post(page, {"credential": credential, "name": "x"})
    assert answer.status_code in {200, 302}
    assert not Authenticator.objects.exists()
    assert "factors" in page or client.get("/accounts/profile/").status_code == 302


@pytest.mark.parametrize("credential", ["[1]", '{"id": 1}', '{"id": "a", "rawId": "a", "response": {}}'])
def test_what_is_no_passkey_is_refused_and_written_down_at_the_second_step(enrolled, client, credential):
    first_step(client)
    assert client.post(SECOND, {"credential": credential}).status_code == 200
    assert client.get("/accounts/profile/").status_code == 302
    entry = AuditEntry.objects.filter(act="login.failed").get()
    assert (entry.actor_name, entry.parameters) == ("mate", {"method": "passkey"})


def test_challenges_for_passkeys_are_not_given_without_end(client):
    answers = [client.get("/accounts/login/passkey/", HTTP_ACCEPT="application/json") for _ in range(31)]
    assert [each.status_code for each in (answers[0], answers[-1])] == [200, 429]


def routes(resolver: URLResolver | None = None, prefix: str = ""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern), entry


def addresses() -> list[str]:
    """Every address that somebody must log in for, with something in the place of each argument."""
    found = []
    for route, entry in routes():
        if not str(getattr(entry.callback, DECLARATION)).startswith("public"):
            names = entry.pattern.converters
            filled = route
            for name, converter in {**dict.fromkeys(("slug",)), **names}.items():
                value = {"IntConverter": "1", "UUIDConverter": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
                filled = filled.replace(f"<slug:{name}>", "harbour").replace(
                    f"<{_kind(converter)}:{name}>", value.get(type(converter).__name__, "a" * 64)
                )
            found.append("/" + filled)
    return found


def _kind(converter: object) -> str:
    return type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")


#: What those who must have a factor can still reach.
ENROLMENT = {
    *(INDEX, "/accounts/factors/app/add/", "/accounts/factors/passkeys/add/", "/accounts/factors/codes/"),
    *("/accounts/factors/codes/new/", "/accounts/confirm/", "/accounts/confirm/code/", "/accounts/confirm/passkey/"),
}


@pytest.mark.parametrize("name", ["stranger", "viewer", "manager", "administrator"])
def test_who_must_have_a_factor_reaches_nothing_but_enrolment(cast, name):
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.EVERYBODY)
    client = Client()
    client.force_login(cast[name])
    reached = set()
    for address in addresses():
        for method in (client.get, client.post):
            answer = method(address)
            if answer.status_code == 302 and answer["Location"] == INDEX:
                continue
            if answer.status_code not in {404, 405} or "<" in address:
                reached.add(address)
    assert reached - ENROLMENT == set()
    assert INDEX in reached
    part = client.get("/operations/", HTTP_HX_REQUEST="true")
    assert (part.status_code, part["HX-Redirect"]) == (204, INDEX)


def test_who_must_have_a_factor_is_told_so_and_is_free_with_it(cast, client, clock):
    AccessPolicy.objects.create(second_factor_from=AccessPolicy.From.MANAGERS)
    client.force_login(cast["manager"])
    assert "must log in with more than a password" in client.get(INDEX).content.decode()
    enrol(client, clock)
    assert client.get("/engines/harbour/").status_code == 200
    # Nobody of a weaker role is asked.
    client.force_login(cast["builder"])
    assert client.get("/engines/harbour/").status_code == 200


def test_the_policy_says_how_many_it_concerns_and_is_written_down(cast, client):
    client.force_login(cast["administrator"])
    page = client.get(reverse("access-policy")).content.decode()
    assert "Managers and administrators (2 people have none yet)" in page
    assert "You have none yourself" in page
    assert client.post(reverse("access-policy"), {"second_factor_from": "17"}).status_code == 200
    assert not AccessPolicy.objects.exists()
    assert client.post(reverse("access-policy"), {"second_factor_from": "40"}).status_code == 302
    assert AccessPolicy.objects.get().second_factor_from == AccessPolicy.From.MANAGERS
    entry = AuditEntry.objects.filter(act="policy.edit", phase="OUTCOME").get()
    assert entry.parameters == {"second_factor_from": "managers and administrators"}
    assert client.get(reverse("access-policy"))["Location"] == INDEX
