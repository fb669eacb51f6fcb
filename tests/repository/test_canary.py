"""A secret of every kind goes through a whole console on real engines; afterwards it is looked for everywhere.

Each flow is a person's: forms are posted, pages are read. Where a secret may be is a short list; all else is a leak.
"""

import base64
import contextlib
import hmac
import html
import os
import re
import secrets
import sqlite3
import stat
import struct
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import redis
import requests

from engines.client.connect import call, connect
from engines.client.endpoint import Endpoint
from tests.rig.hosts import Host
from tests.rig.provider import CLIENT_SECRET, Provider, provider
from tests.stack import USERNAME, Browser, Stack, form_of, running

#: What is known to be there, and why.
ALLOWED = {
    # Nothing typed is lost: the form shows the name again to whoever typed it.
    ("typed name", "the answer to /accounts/login/"),
    # Its owner has not typed it into an app yet.
    ("abandoned TOTP seed", "the viewer's /accounts/factors/app/add/"),
    # Django keeps sessions under their keys; whoever reads the database could use one until it ends.
    ("session cookie", "database"),
    # What a session holds names it as well.
    ("session cookie", "file pilothouse.sqlite3"),
    ("session cookie", "file pilothouse.sqlite3-wal"),
}
_LARGEST_FILE = 256 << 20
_HREF = re.compile(r'(?:href|hx-get)="(/[^"#]*)"')
_SESSIONS = """
from django.contrib.sessions.models import Session
for session in Session.objects.all():
    print(session.get_decoded())
"""
_STORED = """
import re
from django.db import connection
from engines.management import sealed
print(sealed.stored())
"""


class Canaries(dict[str, str]):
    """Name -> the secret's text. Each is random, so that finding it is no accident."""

    def new(self, name: str) -> str:
        self[name] = f"Canary-{name.replace(' ', '-')}-{secrets.token_hex(12)}"
        return self[name]

    def found_in(self, text: bytes) -> set[str]:
        return {name for name, canary in self.items() if any(form in text for form in _forms(canary))}


def _forms(canary: str) -> Iterable[bytes]:
    plain = canary.encode()
    return plain, html.escape(canary).encode(), base64.b64encode(plain).rstrip(b"="), plain.hex().encode()


def _line(pem: str) -> str:
    """One line of a key: in any copy of it, and in nothing else."""
    return pem.strip().splitlines()[2]


class Monitor(threading.Thread):
    """Everything that is said to Redis while this runs."""

    def __init__(self, socket: Path) -> None:
        super().__init__(daemon=True)
        self.redis = redis.Redis(unix_socket_path=str(socket))
        self.heard: list[bytes] = []
        self._mark = f"end-{secrets.token_hex(8)}"

    def run(self) -> None:
        with self.redis.monitor() as monitor:
            for message in monitor.listen():
                self.heard.append(str(message["command"]).encode())
                if self._mark in message["command"]:
                    return

    def text(self) -> bytes:
        """Ends it; all commands, and all keys with their values as they are now."""
        self.redis.echo(self._mark)
        self.join(20)
        assert not self.is_alive()
        stored = [key + b"\n" + (self.redis.dump(key) or b"") for key in self.redis.scan_iter()]
        assert self.heard and stored
        return b"\n".join(self.heard + stored)


class Flows:
    """What people do with secrets."""

    def __init__(self, stack: Stack, canaries: Canaries, hosts: dict[str, Endpoint], harbour_id: Provider) -> None:
        self.stack = stack
        self.harbour_id = harbour_id
        self.canaries = canaries
        self.hosts = hosts
        self.admin = stack.browser()
        self.viewer = stack.browser()
        self.pages: list[tuple[str, bytes]] = []

    def everything(self) -> None:
        self.failed_logins()
        self.admin.login(password=self.canaries["password"])
        self.cookies()
        self.change_password()
        self.engines()
        self.build()
        self.container()
        self.invite()
        self.token()
        self.second_factor()
        self.single_sign_on()

    def failed_logins(self) -> None:
        nobody = self.stack.browser()
        typed = {"login": self.canaries.new("typed name"), "password": self.canaries.new("wrong password")}
        self.keep(nobody.submit("/accounts/login/", typed))
        typed = {"login": USERNAME, "password": self.canaries["wrong password"]}
        self.keep(nobody.submit("/accounts/login/", typed))

    def cookies(self) -> None:
        self.canaries["session cookie"] = self.admin.cookies["pilothouse_sid"]
        self.canaries["CSRF cookie"] = self.admin.cookies["pilothouse_csrf"]

    def change_password(self) -> None:
        new = self.canaries.new("new password")
        weak = {"oldpassword": self.canaries["password"], "password1": new, "password2": "another"}
        self.keep(self.admin.submit("/accounts/password/change/", weak))
        fields = {"oldpassword": self.canaries["password"], "password1": new, "password2": new}
        reply = self.admin.submit("/accounts/password/change/", fields, allow_redirects=False)
        assert reply.status_code == 302, reply.text[-3000:]
        self.cookies()

    def engines(self) -> None:
        for slug, endpoint in self.hosts.items():
            fields = form_of(endpoint, slug.title(), slug)
            if endpoint.tls:
                self.canaries[f"TLS key of {slug}"] = _line(endpoint.tls.key)
            if endpoint.ssh:
                self.canaries[f"SSH key of {slug}"] = _line(endpoint.ssh.key)
            self.keep(self.admin.submit("/engines/add/", {**fields, "name": ""}, form="/engines/add/"))
            reply = self.admin.submit("/engines/add/", fields, form="/engines/add/", allow_redirects=False)
            assert reply.status_code == 302, reply.text[-3000:]

    def build(self) -> None:
        value = self.canaries.new("build argument")
        # Not named in the command: BuildKit writes a step's name with the values of the arguments in it.
        text = "FROM busybox:local\nARG TOKEN\nRUN env | grep -q ^TOKEN=Canary\n"
        for builder in ("buildkit", "classic"):
            fields = {"dockerfile": text, "build_args": f"TOKEN={value}", "builder": builder}
            reply = self.admin.submit("/engines/unix/images/build/", fields, allow_redirects=False)
            assert reply.status_code == 302, reply.text[-3000:]
            self.until_succeeded(reply.headers["Location"])
            again = self.admin.submit(
                f"{reply.headers['Location']}repeat/", form=reply.headers["Location"], allow_redirects=False
            )
            self.until_succeeded(again.headers["Location"])

    def until_succeeded(self, path: str) -> None:
        deadline = time.monotonic() + 60
        while ">succeeded<" not in (page := self.admin.page(path, headers={"HX-Request": "true"}).text):
            assert time.monotonic() < deadline and ">failed<" not in page, page
            time.sleep(0.2)

    def container(self) -> None:
        value = self.canaries.new("environment value")
        fields = {"image": "busybox:local", "name": "canary", "env": f"TOKEN={value}", "command": "sleep 600"}
        fields |= {"restart": "no", "pids": "64", "memory_bytes": "64m"}
        create = "/engines/unix/containers/create/"
        assert value in self.admin.submit(f"{create}preview/", fields, form=create).text
        reply = self.admin.submit(create, fields, allow_redirects=False)
        assert reply.status_code == 302, reply.text[-5000:]

    def invite(self) -> None:
        """A viewer of the engine, who sets a password by a link."""
        page = self.admin.submit("/users/invite/", {"username": "viewer"})
        token = re.search(r"/accounts/set-password/\?token=([\w-]+)", page.text)
        assert token, page.text[-5000:]
        self.canaries["password link"] = token[1]
        password = self.canaries.new("password of the invited")
        address = f"/accounts/set-password/?token={token[1]}"
        for second in ("another", password):
            self.keep(self.viewer.submit(address, {"new_password1": password, "new_password2": second}))
        self.stack.manage(script=_GRANT)
        self.viewer = self.stack.browser().login("viewer", password)

    def token(self) -> None:
        fields = {"name": "deploy", "role": "10", "days": "30", "every_engine": "on"}
        reply = self.admin.submit("/accounts/tokens/add/", fields, form="/accounts/tokens/add/")
        # This answer alone shows it.
        self.canaries["API token"] = re.search(r"pilot_[\w-]{43}", reply.text)[0]
        self.keep(self.admin.page("/accounts/tokens/"))

    def second_factor(self) -> None:
        page = self.admin.page("/accounts/factors/app/add/").text
        self.canaries["TOTP seed"] = re.search(r'value="([A-Z2-7]{32})"', page)[1]
        fields = {"code": one_time_code(self.canaries["TOTP seed"])}
        self.admin.submit("/accounts/factors/app/add/", fields)
        page = (
            self.admin.submit("/accounts/factors/codes/new/", {}).text
            + self.admin.page("/accounts/factors/codes/").text
        )
        for number, code in enumerate(re.findall(r"\b\d{8}\b", page)):
            self.canaries[f"recovery code {number}"] = code
        assert "recovery code 9" in self.canaries, page[-4000:]
        # A seed that is shown and then left, and a recovery code that is used.
        abandoned = self.viewer.page("/accounts/factors/app/add/").text
        self.canaries["abandoned TOTP seed"] = re.search(r'value="([A-Z2-7]{32})"', abandoned)[1]
        other = self.stack.browser()
        other.submit("/accounts/login/", {"login": USERNAME, "password": self.canaries["new password"]})
        reply = other.submit("/accounts/login/second-step/", {"code": self.canaries["recovery code 0"]})
        assert reply.url == f"{self.stack.url}/", reply.url

    def single_sign_on(self) -> None:
        give = self.harbour_id.token

        def given(form: dict[str, str]) -> tuple[int, dict]:
            assert form["client_secret"] == self.canaries["secret of the client"]
            status, reply = give(form | {"client_secret": CLIENT_SECRET})
            self.canaries["code of the provider"] = form["code"]
            self.canaries["code verifier"] = form["code_verifier"]
            self.canaries["identity token"] = reply["id_token"]
            return status, reply

        self.harbour_id.token = given
        browser = self.stack.browser()
        page = browser.submit("/accounts/sso/", form="/accounts/login/").text
        reply = browser.get(html.unescape(re.search(rf'href="({self.harbour_id.issuer}/[^"]+)"', page)[1]), timeout=30)
        assert (reply.status_code, reply.url) == (200, f"{self.stack.url}/"), reply.text
        self.keep(reply)

    def keep(self, reply: requests.Response) -> None:
        """A page on which what was typed may have come back."""
        self.pages.append((f"the answer to {reply.request.path_url}", reply.content))


_GRANT = """
from django.contrib.auth.models import User
from engines.models import Engine, Grant
for engine in Engine.objects.all():
    Grant.objects.create(user=User.objects.get(username="viewer"), engine=engine, role=10)
"""


def one_time_code(seed: str) -> str:
    """RFC 6238, six digits, for now."""
    digest = hmac.digest(base64.b32decode(seed), struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def crawl(browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Every page that links lead to, from the first on; each kind of query once."""
    waiting, seen = ["/"], {"/"}
    while waiting:
        path = waiting.pop()
        reply = browser.page(path)
        yield path, reply.content
        if "text/html" not in reply.headers.get("Content-Type", ""):
            continue
        for link in _HREF.findall(reply.text.replace("&amp;", "&")):
            kind = re.sub(r"=[^&]*", "=", link)
            if kind not in seen and not link.startswith(("/static/", "/engines/ssh/", "/engines/tls/")):
                seen.add(kind)
                waiting.append(link)


def database(stack: Stack) -> bytes:
    with sqlite3.connect(f"file:{stack.data}/pilothouse.sqlite3?mode=ro", uri=True) as connection:
        dump = "\n".join(connection.iterdump())
    return dump.encode()


def files(directory: Path, since: float, leave_out: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Those changed after `since`; what begins with a name of `leave_out` is passed over."""
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(leave_out)]
        for path in (Path(folder) / name for name in names):
            # Other programs write and remove theirs meanwhile.
            with contextlib.suppress(OSError):
                state = path.stat(follow_symlinks=False)
                if stat.S_ISREG(state.st_mode) and state.st_mtime >= since and state.st_size < _LARGEST_FILE:
                    yield str(path.relative_to(directory)), path.read_bytes()


@pytest.fixture
def harbour_id() -> Iterator[Provider]:
    with provider() as started:
        yield started


@pytest.fixture
def hosts(unix_host: Host, tls_host: Host, ssh_host: Host) -> Iterator[dict[str, Endpoint]]:
    yield {"unix": unix_host.endpoint, "tls": tls_host.endpoint, "ssh": ssh_host.endpoint}
    call(connect(unix_host.endpoint), "DELETE", "/containers/canary", params={"force": "1"})


def test_no_secret_is_left_anywhere_but_where_it_belongs(hosts, harbour_id):
    since = time.time()
    canaries = Canaries()
    leaks: set[tuple[str, str]] = set()

    def look(place: str, text: bytes, known: tuple[str, ...] = ()) -> None:
        leaks.update((name, place) for name in canaries.found_in(text) if name not in known)

    environment = harbour_id.settings() | {
        "PILOTHOUSE_ADMIN_PASSWORD": canaries.new("password"),
        "PILOTHOUSE_OIDC_CLIENT_SECRET": canaries.new("secret of the client"),
    }
    with running(**environment) as stack:
        monitor = Monitor(stack.data / "run" / "redis.sock")
        monitor.start()
        flows = Flows(stack, canaries, hosts, harbour_id)
        flows.everything()
        for place, text in flows.pages:
            look(place, text)
        for path, text in crawl(flows.viewer):
            look(f"the viewer's {path}", text)
        # An administrator may read environment values, and run a build again with its arguments.
        for path, text in crawl(flows.admin):
            look(f"the administrator's {path}", text, known=("environment value", "build argument"))
        for export in ("/audit/export.csv", "/audit/export.jsonl"):
            look(export, flows.admin.page(export).content)
        for pid in stack.children(""):
            look("a command line", Path(f"/proc/{pid}/cmdline").read_bytes())
        look("Redis", monitor.text())
        look("database", database(stack))
        look("sessions", stack.manage(script=_SESSIONS).encode())
        number = int(stack.manage(script=_STORED).strip())
        look("log", stack.log.read_bytes())
        for name, text in files(stack.data, 0, ("keys",)):
            look(f"file {name}", text)
    for name, text in files(Path(tempfile.gettempdir()), since, ("rig-",)):
        look(f"/tmp/{name}", text)
    # Everything went through: two keys, four builds, a seed, and that of the recovery codes.
    assert number == 8
    assert leaks - ALLOWED == set()
    assert len(canaries) > 20
