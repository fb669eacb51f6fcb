"""Every header and cookie of every kind of answer, pinned, as the web process sends it without and behind TLS."""

import http.client
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.stack import PASSWORD, ROOT, USERNAME, Stack

HOST = "console.example"
EVERY = {
    "content-security-policy": "default-src 'none'; script-src 'self' 'sha256-…'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types pilothouse pilothouse-matcher",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
BEHIND_TLS = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
HTML = {"content-type": "text/html; charset=utf-8", "vary": "Cookie"}
#: What a person who is logged in sees stays in no cache.
PRIVATE = HTML | {"cache-control": "private, no-store"}
PINNED: dict[str, tuple[int, dict[str, str]]] = {
    "login page": (200, HTML | {"cache-control": "max-age=0, no-cache, no-store, must-revalidate, private"}),
    "page": (200, PRIVATE | {"vary": "HX-Request, Cookie"}),
    "part of a page": (200, PRIVATE | {"vary": "HX-Request, Cookie"}),
    "download": (
        200,
        PRIVATE
        | {
            "content-type": "text/plain; charset=utf-8",
            "content-disposition": 'attachment; filename="image.build-….log.txt"',
        },
    ),
    "static file": (
        200,
        {
            "content-type": 'text/css; charset="utf-8"',
            "cache-control": "max-age=315360000, public, immutable",
            "vary": "Accept-Encoding",
        },
    ),
    "missing page": (404, PRIVATE),
    "refused page": (403, PRIVATE),
    "broken page": (500, PRIVATE),
    "missing page, to nobody": (404, HTML),
    "forged host": (400, {"content-type": "text/html; charset=utf-8"}),
    "redirect to the login": (302, HTML | {"location": "/accounts/login/?next=/"}),
    "health": (200, {"content-type": "text/plain", "vary": "Cookie"}),
}
#: Of no interest here, or different each time.
LEFT_OUT = {"date", "expires", "content-length", "transfer-encoding", "etag", "last-modified", "set-cookie"}
_FILL = """
from django.contrib.auth.models import User
from engines.models import Engine, Grant, LogChunk, Operation
engine = Engine.objects.create(name="Harbour", slug="harbour", url="unix:///run/harbour.sock")
viewer = User.objects.create_user("viewer", password="{password}")
Grant.objects.create(user=viewer, engine=engine, role=10)
operation = Operation.objects.create(engine=engine, engine_name="Harbour", kind="image.build", status="SUCCEEDED")
LogChunk.objects.create(operation=operation, seq=1, text="hello\\n")
print(operation.pk)
"""


class Web:
    """The web process alone, with a viewer of one engine, and what they have open."""

    def __init__(self, data: Path, *, tls: bool) -> None:
        behind = {"PILOTHOUSE_TLS": "1", "PILOTHOUSE_HOSTS": HOST} if tls else {}
        settings = {"REDIS_URL": "memory://", "DJANGO_SETTINGS_MODULE": "tests.console.broken"}
        self.tls = tls
        self._stack = Stack(data, **settings, **behind)
        self._stack.manage("prepare")
        self.operation = self._stack.manage(script=_FILL.format(password=PASSWORD)).strip()
        self.log = data / "web.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "console.web"], cwd=ROOT, env=self._stack.environment, stdout=log, stderr=log
            )
        self.session = requests.Session()
        self.session.trust_env = False
        self.origin = f"https://{HOST}" if tls else self._stack.url
        deadline = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < deadline and self._process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def ask(self, method: str, path: str, cookies: dict[str, str] | None = None, **kwargs) -> requests.Response:
        """As a browser asks, through the TLS proxy when there is one."""
        proxy = {"Host": HOST, "X-Forwarded-Proto": "https"} if self.tls else {}
        headers = {**proxy, "Origin": self.origin, "Referer": f"{self.origin}/", **kwargs.pop("headers", {})}
        return requests.request(
            method,
            self._stack.url + path,
            headers=headers,
            cookies=cookies,
            allow_redirects=False,
            timeout=20,
            **kwargs,
        )

    def login(self, name: str) -> tuple[requests.Response, dict[str, str]]:
        """The answer to the login, and the cookies that a browser has afterwards."""
        page = self.ask("GET", "/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        fields = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": token}
        reply = self.ask("POST", "/accounts/login/", cookies=dict(page.cookies), data=fields)
        return reply, dict(page.cookies) | dict(reply.cookies)

    def upgrade(self, origin: str, cookies: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._stack.port, timeout=10)
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "Origin": origin,
        }
        connection.request("GET", "/ws/fleet/", headers=headers)
        return connection.getresponse()

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/healthz").status_code == 200
        except requests.ConnectionError:
            return False


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "TLS"])
def web(request) -> Iterator[Web]:
    with tempfile.TemporaryDirectory(prefix="pilothouse-") as directory:
        web = Web(Path(directory), tls=request.param)
        yield web
        web.stop()


@pytest.fixture(scope="module")
def answers(web) -> dict[str, requests.Response]:
    """One answer of each kind."""
    login = web.ask("GET", "/accounts/login/")
    static = re.search(r'/static/css/[^"]+', login.text)[0]
    _, mine = web.login("viewer")
    return {
        "login page": login,
        "page": web.ask("GET", "/operations/", mine),
        "part of a page": web.ask("GET", "/operations/", mine, headers={"HX-Request": "true"}),
        "download": web.ask("GET", f"/operations/{web.operation}/log.txt", mine),
        "static file": web.ask("GET", static, headers={"Accept-Encoding": "identity"}),
        "missing page": web.ask("GET", "/nowhere/", mine),
        "refused page": web.ask("GET", "/engines/add/", mine),
        "broken page": web.ask("GET", "/broken/", mine),
        "missing page, to nobody": web.ask("GET", "/nowhere/"),
        "forged host": web.ask("GET", "/accounts/login/", headers={"Host": "evil.example"}),
        "redirect to the login": web.ask("GET", "/"),
        "health": web.ask("GET", "/healthz"),
    }


def headers(answer: requests.Response) -> dict[str, str]:
    """Those of interest, in lower case, without what is random."""
    found = {name.lower(): value for name, value in answer.headers.items()}
    return {
        name: re.sub(r"(?<=sha256-)[^']+|(?<=build-)[0-9a-f]{8}", "…", value)
        for name, value in found.items()
        if name not in LEFT_OUT
    }


@pytest.mark.parametrize("kind", sorted(PINNED))
def test_an_answer_has_just_these_headers(web, answers, kind):
    status, own = PINNED[kind]
    assert (answers[kind].status_code, headers(answers[kind])) == (
        status,
        EVERY | own | (BEHIND_TLS if web.tls else {}),
    )


def test_no_answer_but_those_with_a_form_or_a_login_sets_a_cookie(answers):
    assert {kind for kind, answer in answers.items() if "set-cookie" in answer.headers} <= {"login page", "page"}


def test_cookies_are_of_this_host_alone_and_out_of_reach_of_scripts(web):
    reply, _ = web.login("viewer")
    assert reply.status_code == 302
    found = {cookie.name: cookie for cookie in reply.cookies}
    prefix = "__Host-" if web.tls else "pilothouse_"
    assert {f"{prefix}sid", f"{prefix}csrf"} == set(found)
    for cookie in found.values():
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "Lax"
        assert (cookie.path, cookie.domain_specified, cookie.secure) == ("/", False, web.tls)


def test_a_login_gives_a_new_session_and_a_new_token(web):
    before = web.login("viewer")[1]
    page = web.ask("GET", "/accounts/password/change/", before)
    after = web.login("viewer")[1]
    assert page.status_code in {200, 302}
    assert all(before[name] != after[name] for name in before)


def test_a_planted_session_is_not_taken_over_by_a_login(web):
    name = "__Host-sid" if web.tls else "pilothouse_sid"
    page = web.ask("GET", "/accounts/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    planted = {name: "a" * 32, **dict(page.cookies)}
    fields = {"login": "viewer", "password": PASSWORD, "csrfmiddlewaretoken": token}
    reply = web.ask("POST", "/accounts/login/", cookies=planted, data=fields)
    assert reply.cookies[name] != planted[name]
    assert web.ask("GET", "/operations/", {name: planted[name]}).status_code == 302


def test_behind_tls_a_plain_request_is_sent_to_https_and_gets_nothing_else(web):
    _, mine = web.login("viewer")
    answer = web.ask("GET", "/operations/", mine, headers={"X-Forwarded-Proto": "http"})
    if not web.tls:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST}/operations/")
    assert answer.text == ""
    assert EVERY.items() <= headers(answer).items()


def test_a_forged_host_appears_in_no_answer(web):
    for path in ("/", "/accounts/login/", "/accounts/password/change/", "/healthz", "/setup/?token=x"):
        answer = web.ask("GET", path, headers={"Host": "evil.example"})
        assert answer.status_code == 400
        assert "evil.example" not in answer.text + str(answer.headers)
    assert "evil.example" not in web.log.read_text()
    answer = web.ask("GET", "/", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in answer.text + str(answer.headers)


def test_a_broken_page_tells_nothing_of_what_broke(web, answers):
    assert "canary" not in answers["broken page"].text
    assert "Traceback" not in answers["broken page"].text
    # The log has the line that failed, and no value of a variable.
    assert "RuntimeError: 20" in web.log.read_text()


def test_a_socket_opens_for_the_console_s_own_pages_alone(web):
    _, mine = web.login("viewer")
    scheme, host = web.origin.split("://")
    other = "http" if scheme == "https" else "https"
    assert web.upgrade(web.origin, mine).status == 101
    for origin in (
        *(
            "https://evil.example",
            "null",
            f"{other}://{host}",
            f"{scheme}://{host}:1",
            f"{scheme}://{host}.evil.example",
        ),
        *(f"{scheme}://{host}@evil.example", f"{scheme}://{host}/"),
    ):
        refusal = web.upgrade(origin, mine)
        assert refusal.status == 403
        assert {name.lower() for name, _ in refusal.getheaders()} == {
            *("date", "connection", "content-length", "content-type"),
        }


def test_the_first_administrator_can_log_in(web):
    assert web.login(USERNAME)[0].status_code == 302
