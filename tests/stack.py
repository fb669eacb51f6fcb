"""The whole console as a user starts it (`manage.py up`), on data and a port of its own."""

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import requests

from engines.client.endpoint import Endpoint

ROOT = Path(__file__).resolve().parent.parent
USERNAME = "admin"
PASSWORD = "correct-horse-battery"
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser(requests.Session):
    """A logged-in client of plain HTTP: forms are posted as a page without scripts posts them."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.trust_env = False

    def page(self, path: str, **kwargs) -> requests.Response:
        """GET a page of the console."""
        return self.get(self.base + path, timeout=30, **kwargs)

    def submit(self, path: str, data: dict | None = None, *, form: str | None = None, **kwargs) -> requests.Response:
        """POST to `path` with the CSRF token of the page `form` (the same path unless given)."""
        page = self.page(path if form is None else form)
        match = _CSRF.search(page.text)
        assert match, f"no form on {page.url}: {page.status_code}"
        # The edition of an engine that an edit is of, as the form carries it.
        seen = re.search(r'name="seen" value="(\w+)"', page.text)
        fields = {**({"seen": seen[1]} if seen else {}), **(data or {}), "csrfmiddlewaretoken": match[1]}
        headers = {"Origin": self.base, "Referer": page.url}
        return self.post(self.base + path, data=fields, headers=headers, timeout=60, **kwargs)

    def login(self, username: str = USERNAME, password: str = PASSWORD) -> "Browser":
        reply = self.submit("/accounts/login/", {"login": username, "password": password})
        assert "/accounts/login/" not in reply.url, "the login was refused"
        return self


class Stack:
    """A running console. `log` is what it printed."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data / "up.log"
        self.environment = {
            **os.environ,
            "PILOTHOUSE_DATA": str(data),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "console.settings",
            "REDIS_URL": "",
            "PILOTHOUSE_ADMIN_USERNAME": USERNAME,
            "PILOTHOUSE_ADMIN_PASSWORD": PASSWORD,
            **environment,
        }
        self.process: subprocess.Popen | None = None

    def start(self, seconds: float = 60) -> float:
        """Start it; the seconds until the first page. Raises TimeoutError with what it printed."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        while time.monotonic() < began + seconds:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/accounts/login/", timeout=2).status_code == 200:
                    return time.monotonic() - began
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise TimeoutError(self.log.read_text()[-3000:])

    def ready(self, seconds: float = 30) -> None:
        """Wait until database, Redis, worker and watcher all answer."""
        deadline = time.monotonic() + seconds
        while requests.get(f"{self.url}/readyz", timeout=5).status_code != 200:
            if time.monotonic() > deadline:
                raise TimeoutError(requests.get(f"{self.url}/readyz", timeout=5).text + self.log.read_text()[-3000:])
            time.sleep(0.1)

    def stop(self) -> int:
        """End it as Ctrl-C does; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return -1 if self.process is None else self.process.returncode
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def manage(self, *arguments: str, script: str = "", seconds: float = 60) -> str:
        """Run `manage.py` on the same data; what it printed. `script` is given to `shell`."""
        argv = [sys.executable, "manage.py", *(arguments or ("shell", "--verbosity", "0"))]
        done = subprocess.run(
            argv, cwd=ROOT, env=self.environment, input=script, text=True, capture_output=True, timeout=seconds
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def register(self, endpoint: Endpoint, name: str, slug: str) -> None:
        """Add an engine as a row, for tests that are not about its form."""
        self.manage(script=_REGISTER.format(fields=json.dumps(row_of(endpoint, name, slug))))

    def browser(self) -> Browser:
        """A client that is not logged in yet."""
        return Browser(self.url)

    def children(self, word: str) -> list[int]:
        """Pids of this console's processes whose command line holds `word`."""
        found = []
        marker = f"PILOTHOUSE_DATA={self.data}".encode()
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (path / "cmdline").read_bytes()
                # Redis writes its title over its environment, and names its socket there.
                ours = marker in (path / "environ").read_bytes() or f"{self.data}/run/".encode() in command
                if ours and word.encode() in command:
                    found.append(int(path.name))
        return found


@cache
def gathered() -> str:
    """The static files, gathered and compressed once for all consoles of this process."""
    directory = tempfile.mkdtemp(prefix="pilothouse-static-")
    atexit.register(shutil.rmtree, directory)
    environment = {**os.environ, "PILOTHOUSE_DATA": f"{directory}/data", "PILOTHOUSE_STATIC": f"{directory}/static"}
    environment["DJANGO_SETTINGS_MODULE"] = "console.settings"
    argv = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(argv, cwd=ROOT, env=environment, check=True, timeout=120)
    return f"{directory}/static"


@contextlib.contextmanager
def running(**environment: str) -> Iterator[Stack]:
    """A console that is up and ready; ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="pilothouse-") as directory:
        stack = Stack(Path(directory), **{"PILOTHOUSE_STATIC": gathered(), **environment})
        try:
            stack.start()
            stack.ready()
            yield stack
        finally:
            stack.stop()


_REGISTER = """
from engines.models import Engine
fields = {fields}
engine = Engine(**fields)
engine.save()
"""


def row_of(endpoint: Endpoint, name: str, slug: str) -> dict[str, str]:
    """The values of an engine's row, keys included."""
    row = {"name": name, "slug": slug, "url": str(endpoint.address), "api_version": endpoint.api_version}
    if endpoint.tls:
        row |= {"tls_ca": endpoint.tls.ca, "tls_cert": endpoint.tls.cert, "tls_key": endpoint.tls.key}
    if endpoint.ssh:
        row |= {"ssh_key": endpoint.ssh.key, "ssh_host_key": endpoint.ssh.host_key}
    return row


def form_of(endpoint: Endpoint, name: str, slug: str) -> dict[str, str]:
    """The fields with which a person registers this engine."""
    fields = {"name": name, "slug": slug, "url": str(endpoint.address), "plain_ok": "on"}
    if endpoint.tls:
        fields |= {"tls_ca": endpoint.tls.ca, "tls_cert": endpoint.tls.cert, "tls_key": endpoint.tls.key}
    if endpoint.ssh:
        fields |= {"ssh_key": endpoint.ssh.key}
    return fields


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
