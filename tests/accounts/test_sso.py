"""Single sign-on against a real provider: who comes in, into which teams, and which answers are not believed."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from engines.models import AuditEntry, Team
from tests.rig.provider import CLIENT_ID, CLIENT_SECRET, Provider, provider

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture
def harbour_id(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with provider() as running:
        settings.OIDC_ISSUER, settings.OIDC_NAME = running.issuer, "Harbour ID"
        app = {"provider_id": running.issuer, "name": "Harbour ID", "client_id": CLIENT_ID, "secret": CLIENT_SECRET}
        app["settings"] = {"server_url": running.issuer, "oauth_pkce_enabled": True}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
        yield running


def onward(client: Client, **fields: str) -> str:
    """Where the login page's button leads."""
    page = client.post("/accounts/sso/", fields)
    assert page.status_code == 200, page.content
    return page["Refresh"].removeprefix("0; url=")


def back(client: Client, address: str) -> HttpResponse:
    """What the console answers when the browser comes back from the provider."""
    there = requests.get(address, allow_redirects=False, timeout=5).headers["Location"]
    return client.get(urlsplit(there).path + "?" + urlsplit(there).query)


def log_in(client: Client, **fields: str) -> HttpResponse:
    return back(client, onward(client, **fields))


def name_of(client: Client) -> str:
    return str(client.get("/accounts/profile/").context["person"]) if inside(client) else ""


def inside(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


def acts() -> list[str]:
    return [entry.act for entry in AuditEntry.objects.exclude(phase="OUTCOME").order_by("seq")]


def test_a_new_person_comes_in_without_password_role_or_administration(client, harbour_id, engine):
    reply = log_in(client, next="/accounts/profile/")
    assert (reply.status_code, reply["Location"]) == (302, "/accounts/profile/")
    ann = User.objects.get(username="ann")
    assert (ann.has_usable_password(), ann.is_superuser, ann.is_staff, ann.email) == (False, False, False, "")
    assert client.get("/engines/harbour/").status_code == 404
    assert acts()[:2] == ["user.provisioned", "login"]
    assert AuditEntry.objects.get(act="login").parameters == {"method": "single sign-on"}


def test_a_claim_to_be_an_administrator_changes_nothing(client, harbour_id):
    harbour_id.person |= {"is_superuser": True, "is_staff": True, "roles": ["administrator"], "groups": ["admin"]}
    log_in(client)
    assert not User.objects.get(username="ann").is_superuser


def test_the_same_sub_is_the_same_person_whatever_it_is_called_now(client, harbour_id):
    log_in(client)
    harbour_id.person["preferred_username"] = "ann.married"
    other = Client()
    log_in(other)
    assert name_of(other) == "ann"


def test_a_name_that_exists_is_never_taken_over(client, harbour_id):
    User.objects.create_superuser("Ann", password=PASSWORD, email="ann@example.com")
    harbour_id.person |= {"email": "ann@example.com", "email_verified": True}
    reply = log_in(client)
    assert reply.status_code == 403
    assert b"exists here already" in reply.content
    assert not inside(client)
    assert not SocialAccount.objects.exists()


def test_an_account_is_connected_by_who_is_logged_in_to_it(client, harbour_id, settings):
    ann = User.objects.create_user("ann", password=PASSWORD)
    client.force_login(ann, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert log_in(client, process="connect")["Location"] == "/accounts/profile/"
    fresh = Client()
    log_in(fresh)
    assert name_of(fresh) == "ann"
    assert "sso.connect" in acts()


def test_connecting_is_not_for_an_old_login(client, harbour_id, settings):
    ann = User.objects.create_user("ann", password=PASSWORD)
    client.force_login(ann, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    session["started"] = int(time.time()) - 3600
    session.save()
    reply = client.post("/accounts/sso/", {"process": "connect"})
    assert reply.status_code == 302
    assert "/accounts/confirm/" in reply["Location"]


def test_connecting_asks_for_a_login_first(client, harbour_id):
    assert "/accounts/login/" in client.post("/accounts/sso/", {"process": "connect"})["Location"]
    assert harbour_id.asked == []


@pytest.mark.parametrize("groups", [None, "crew", {"crew": True}, [["crew"], 7, None], []])
def test_who_is_not_in_the_required_group_stays_out(client, harbour_id, settings, groups):
    settings.OIDC_REQUIRED_GROUP = "crew"
    harbour_id.person["groups"] = groups
    reply = log_in(client)
    assert reply.status_code == 403
    assert not inside(client)
    assert not User.objects.exists()
    assert AuditEntry.objects.get(act="login.failed").outcome == "DENIED"


def test_teams_follow_the_groups_at_each_login_and_other_teams_do_not(client, harbour_id):
    crew, night = Team.objects.create(name="Crew", sso_group="crew"), Team.objects.create(name="Night", sso_group="n")
    by_hand = Team.objects.create(name="By hand")
    harbour_id.person["groups"] = ["crew", "elsewhere"]
    log_in(client)
    ann = User.objects.get(username="ann")
    assert set(ann.teams.all()) == {crew}
    by_hand.members.add(ann)
    harbour_id.person["groups"] = ["n"]
    log_in(Client())
    assert set(ann.teams.all()) == {night, by_hand}
    assert [act for act in acts() if act.startswith("team.")] == [
        *("team.member-add", "team.member-remove", "team.member-add"),
    ]


def test_the_default_team_is_joined_once_and_only_if_named(client, harbour_id, settings):
    guests = Team.objects.create(name="Guests")
    log_in(client)
    ann = User.objects.get(username="ann")
    assert not ann.teams.exists()
    settings.OIDC_DEFAULT_TEAM = "Guests"
    harbour_id.person |= {"sub": "1002", "preferred_username": "ben"}
    log_in(Client())
    assert [str(user) for user in guests.members.all()] == ["ben"]


def test_a_disabled_person_stays_out(client, harbour_id):
    log_in(client)
    User.objects.filter(username="ann").update(is_active=False)
    fresh = Client()
    assert log_in(fresh).status_code == 403
    assert not inside(fresh)
    assert AuditEntry.objects.get(act="login.failed").actor_name == "ann"


def test_the_same_sub_of_another_provider_is_somebody_else(client, harbour_id):
    log_in(client)
    SocialAccount.objects.update(provider="https://the.former.example")
    assert log_in(Client()).status_code == 403
    assert User.objects.count() == 1


def test_nothing_of_the_person_is_kept_that_is_not_used(client, harbour_id):
    harbour_id.person |= {"email": "ann@example.com", "birthdate": "1990-01-01"}
    log_in(client)
    assert set(SocialAccount.objects.get().extra_data["id_token"]) == {"sub", "preferred_username", "groups"}


def test_nobody_is_sent_round_by_another_process(client, harbour_id):
    assert client.post("/accounts/sso/", {"process": "redirect"}).status_code == 404


def test_the_callback_takes_the_state_of_this_browser_alone_and_once(client, harbour_id):
    address = onward(client)
    there = urlsplit(requests.get(address, allow_redirects=False, timeout=5).headers["Location"])
    stolen = f"{there.path}?{there.query}"
    assert not inside_after(Client(), stolen)
    client.get(stolen)
    assert inside(client)
    assert not inside_after(Client(), stolen)
    assert not inside_after(Client(), "/accounts/sso/callback/?code=x&state=y")
    assert not inside_after(Client(), "/accounts/sso/callback/")
    assert [entry.act for entry in AuditEntry.objects.all()].count("login.failed") == 0


def inside_after(client: Client, path: str) -> bool:
    assert client.get(path).status_code in {401, 403}
    return inside(client)


WRONG: dict[str, Callable[[Provider], object]] = {
    "another attempt's nonce": lambda p: p.claims.update(nonce="another"),
    "no nonce": lambda p: p.claims.update(nonce=None),
    "another audience": lambda p: p.claims.update(aud="somebody else"),
    "an audience among others without azp": lambda p: p.claims.update(aud=[CLIENT_ID, "somebody else"]),
    "another issuer": lambda p: p.claims.update(iss="https://evil.example"),
    "expired": lambda p: p.claims.update(exp=int(time.time()) - 600),
    "no expiry": lambda p: p.claims.update(exp=None),
    "no sub": lambda p: p.person.update(sub=None),
    "a sub longer than any": lambda p: p.person.update(sub="1" * 500),
    "an empty sub": lambda p: p.person.update(sub=""),
    "keys of another shape": lambda p: p.discovery.update(jwks_uri=f"{p.issuer}/.well-known/openid-configuration"),
    "another key": lambda p: setattr(p, "key", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "the client's secret as key": lambda p: (setattr(p, "algorithm", "HS256"), setattr(p, "key", CLIENT_SECRET * 2)),
    "alg none": lambda p: (setattr(p, "algorithm", "none"), setattr(p, "key", None)),
    "userinfo of somebody else": lambda p: p.userinfo.update(sub="9999"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_that_is_not_right_lets_nobody_in(client, harbour_id, what):
    address = onward(client)
    WRONG[what](harbour_id)
    assert back(client, address).status_code == 403
    assert not inside(client)
    assert not User.objects.exists()
    assert AuditEntry.objects.get(act="login.failed").outcome == "DENIED"


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"userinfo_endpoint": "http://evil.example/userinfo"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_that_calls_itself_something_else_is_not_gone_to(client, harbour_id, discovery):
    harbour_id.discovery = discovery
    assert client.post("/accounts/sso/").status_code == 502


def test_a_provider_that_does_not_answer_costs_a_page_and_no_more(client, harbour_id, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"]["server_url"] = "http://127.0.0.1:9"
    reply = client.post("/accounts/sso/")
    assert reply.status_code == 502
    assert b"does not answer" in reply.content


def test_who_says_no_at_the_provider_is_told_so(client, harbour_id):
    harbour_id.refuses = "access_denied"
    reply = log_in(client)
    assert reply.status_code == 403
    assert b"did not let you in" in reply.content


def test_a_name_no_account_can_have_is_refused(client, harbour_id):
    harbour_id.person["preferred_username"] = "<script>alert(1)</script>"
    reply = log_in(client)
    assert reply.status_code == 403
    assert b"<script>alert" not in reply.content


def test_without_settings_there_is_no_way_there_and_no_button(client, db):
    assert client.post("/accounts/sso/").status_code == 404
    assert client.get("/accounts/sso/callback/?code=1").status_code == 404
    assert b"/accounts/sso/" not in client.get("/accounts/login/").content


def test_the_second_factor_is_asked_after_it_too(client, harbour_id):
    log_in(client)
    Authenticator.objects.create(user=User.objects.get(username="ann"), type="totp", data={"secret": "v1:x"})
    fresh = Client()
    assert "second-step" in log_in(fresh)["Location"]
    assert not inside(fresh)
