"""The web process as it runs: real handshakes and requests over TCP."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PILOTHOUSE_DATA": str(tmp_path_factory.mktemp("data")),
        "REDIS_URL": "memory://",
        "PORT": str(port),
        "PILOTHOUSE_UPLOAD_BYTES": "3000000",
        "DJANGO_SETTINGS_MODULE": "console.settings",
    }
    subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environment, check=True, timeout=60)
    process = subprocess.Popen([sys.executable, "-m", "console.web"], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield port
    process.terminate()
    process.wait(10)


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


def upgrade(port: int, origin: str) -> int:
    return ask(
        port,
        "GET",
        "/ws/fleet/",
        Connection="Upgrade",
        Upgrade="websocket",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
        Origin=origin,
    ).status


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"])
def test_an_evil_origin_is_refused_at_the_handshake(port, origin):
    assert upgrade(port, origin) == 403


def test_health_answers_and_does_not_name_the_server(port):
    response = ask(port, "GET", "/healthz")
    assert (response.status, response.read()) == (200, b"ok\n")
    assert response.getheader("Server") is None
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Referrer-Policy") == "same-origin"
    assert response.getheader("Cross-Origin-Opener-Policy") == "same-origin"


def test_a_forged_host_is_refused(port):
    assert ask(port, "GET", "/healthz", Host="evil.example").status == 400


def announce(port: int, size: int, cookie: str = "") -> http.client.HTTPResponse:
    """The answer to a request of `size` bytes of which none is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/accounts/login/")
    for name, value in (("Content-Length", str(size)), ("Cookie", cookie)):
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def test_a_request_larger_than_the_limit_gets_413(port):
    assert announce(port, 3_000_001).status == 413


@pytest.mark.parametrize("cookie", ["", "pilothouse_sid=abcdefghijklmnopqrstuvwxyz012345"])
def test_nobody_who_is_not_logged_in_makes_the_console_keep_a_large_body(port, cookie):
    reply = announce(port, 2_500_000, cookie)
    assert reply.status == 413
    assert b"2,097,152 bytes" in reply.read()
