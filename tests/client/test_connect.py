"""Reaching an engine: a real one, and servers that are none."""

import base64
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engines.client import errors
from engines.client.connect import NEWEST_API, OLDEST_API, call, connect, get_json, negotiate
from engines.client.endpoint import Address, Endpoint
from tests.rig.cell import Cell, missing
from tests.rig.engine import RigEngine


@pytest.fixture(scope="module")
def real_engine() -> Iterator[RigEngine]:
    if missing():
        pytest.skip(f"private engines need {', '.join(missing())}")
    with Cell("connect") as cell:
        engine = RigEngine(cell)
        engine.start()
        yield engine


class Server:
    """Serves the same bytes to every connection on a unix socket, then closes it; keeps what it was sent."""

    def __init__(self, path: Path, reply: bytes) -> None:
        self.address = Address("unix", path=str(path))
        self.received = b""
        self._reply = reply
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        threading.Thread(target=self._loop, daemon=True).start()

    def _loop(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.received += connection.recv(65536)
                connection.sendall(self._reply)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[bytes], Server]]:
    servers: list[Server] = []

    def start(reply: bytes) -> Server:
        servers.append(Server(tmp_path / f"{len(servers)}.sock", reply))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.close()


@pytest.fixture
def login_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A docker CLI configuration with a login, a header and a proxy, all of which hold `canary`."""
    config = {
        "auths": {"r.example": {"auth": base64.b64encode(b"bob:canary").decode()}},
        "HttpHeaders": {"X-Meta": "canary"},
        "proxies": {"default": {"httpProxy": "http://canary.example"}},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")


def http(body: bytes, status: str = "200 OK", header: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}Connection: close\r\n\r\n".encode() + body


def at(address: Address, api_version: str = OLDEST_API) -> Endpoint:
    return Endpoint("e", address, api_version, run_dir=Path("/nonexistent"))


def ask(address: Address, timeout: int = 5):
    return get_json(connect(at(address), timeout), "/version")


def test_a_real_engine_gives_its_version_and_an_api_is_agreed(real_engine, login_file):
    address = Address("unix", path=str(real_engine.socket))
    version = ask(address)
    assert version["Os"] == "linux"
    client = connect(at(address, negotiate(version)))
    assert client.containers(all=True) == []
    assert call(client, "GET", "/containers/json", params={"all": 1}) == []
    assert [(made.method, made.path, made.status) for made in client.requests] == [
        ("GET", "/v1.41/containers/json?limit=-1&all=1&size=0&trunc_cmd=0", 200),
        ("GET", "/v1.41/containers/json?all=1", 200),
    ]


@pytest.mark.parametrize("act", ["build", "pull", "create_container"])
def test_nothing_of_the_console_s_own_docker_configuration_reaches_an_engine(serve, login_file, act):
    server = serve(http(b"{}"))
    client = connect(at(server.address))
    if act == "build":
        list(client.build(fileobj=io.BytesIO(b"FROM scratch")))
    elif act == "pull":
        client.pull("r.example/image", tag="1", stream=True)
    else:
        client.create_container("image", use_config_proxy=True)
    assert b"POST /v1.41/" in server.received
    for line in server.received.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name in {b"X-Registry-Auth", b"X-Registry-Config"}:
            assert b"canary" not in base64.urlsafe_b64decode(value)
            assert b"auth" not in base64.urlsafe_b64decode(value)
    assert b"canary" not in server.received
    assert base64.b64encode(b"bob:canary") not in server.received


def test_a_suspended_engine_is_a_timeout_and_answers_again_when_resumed(real_engine):
    address = Address("unix", path=str(real_engine.socket))
    real_engine.suspend()
    try:
        with pytest.raises(errors.EngineTimeout, match="within 1 s"):
            ask(address, timeout=1)
    finally:
        real_engine.resume()
    assert ask(address)["Version"]


def test_an_engine_s_own_error_is_told_in_its_words(real_engine):
    client = connect(at(Address("unix", path=str(real_engine.socket))))
    with pytest.raises(errors.EngineReplied, match="No such container") as refusal:
        get_json(client, "/containers/missing/json")
    assert refusal.value.status == 404


def test_no_socket_and_a_dead_socket_are_told_apart(tmp_path):
    with pytest.raises(errors.EngineUnreachable, match="no socket"):
        ask(Address("unix", path=str(tmp_path / "none.sock")))
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    with pytest.raises(errors.EngineUnreachable, match="refused"):
        ask(Address("unix", path=str(path)))


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        http(b"<html>hello</html>"),
        http(b"[1, 2, null]"),
        http(b'{"ApiVersion": "1.4'),
        http(b"[" * 100_000),
        http(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:9/\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    ],
)
def test_what_is_no_engine_is_told_so_and_no_redirect_is_followed(serve, reply):
    with pytest.raises(errors.NotAnEngine):
        ask(serve(reply).address)


def test_a_long_error_message_is_cut(serve):
    body = json.dumps({"message": "x" * 10_000}).encode()
    with pytest.raises(errors.EngineReplied) as refusal:
        ask(serve(http(body, "500 Oops")).address)
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(
    ("theirs", "agreed"),
    [
        ({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}, "1.41"),
        ({"ApiVersion": "1.54", "MinAPIVersion": "1.44"}, NEWEST_API),
        ({"ApiVersion": "1.43"}, "1.43"),
    ],
)
def test_the_newest_version_both_speak_is_taken(theirs, agreed):
    assert negotiate(theirs) == agreed


@pytest.mark.parametrize("theirs", [{"ApiVersion": "1.24"}, {"ApiVersion": "2.0", "MinAPIVersion": "1.99"}])
def test_ranges_that_do_not_meet_are_told(theirs):
    with pytest.raises(errors.EngineIncompatible, match="this console speaks"):
        negotiate(theirs)


@pytest.mark.parametrize("version", [None, "", "abc", "1", "1.", 1.41, "1.4\u0664", "1.-4", "1." + "9" * 99])
def test_a_version_that_is_none_is_refused(version):
    with pytest.raises(errors.NotAnEngine):
        negotiate({"ApiVersion": version})
