"""Reaching an engine: a real one, and servers that are none."""

import base64
import contextlib
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from engines.client import errors
from engines.client.connect import NEWEST_API, OLDEST_API, call, connect, get_json, negotiate
from engines.client.endpoint import Address, Endpoint
from tests.rig.cell import Cell, missing
from tests.rig.engine import RigEngine
from tests.rig.ports import free_port


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
            with connection, contextlib.suppress(OSError):
                self.received += _request(connection)
                connection.sendall(self._reply)


def _request(connection: socket.socket) -> bytes:
    """One whole request, which has a Content-Length or no body."""
    received = b""
    while block := connection.recv(65536):
        received += block
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: ([0-9]+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return received


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


def test_a_call_gives_lists_and_objects_and_nothing(serve):
    def reply(body: bytes, status: str = "200 OK") -> object:
        return call(connect(at(serve(http(body, status)).address)), "GET", "/x")

    assert reply(b"[1]") == [1]
    assert reply(b'{"a": null}') == {"a": None}
    assert reply(b"") is None
    assert reply(b"", "204 No Content") is None
    assert reply(b"", "304 Not Modified") is None


def test_a_call_sends_its_version_parameters_and_body(serve):
    server = serve(http(b"{}"))
    client = connect(at(server.address, "1.43"))
    call(client, "POST", "/containers/create", params={"name": "a b", "t": ["1", "2"]}, body={"Image": "é"})
    head, _, body = server.received.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1.43/containers/create?name=a+b&t=1&t=2 HTTP/1.1")
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"Image": "é"}


def test_without_an_agreed_version_a_call_leaves_it_to_the_engine(serve):
    server = serve(http(b"{}"))
    call(connect(at(server.address, "")), "GET", "/info")
    assert server.received.startswith(b"GET /info HTTP/1.1")


@pytest.mark.parametrize("path", ["/a/../b", "/a//b", "/a?x=1", "/a#b", "/a b", "/a/", "/../a", "/a\r\nX: y"])
def test_a_path_that_leads_elsewhere_is_never_sent(serve, path):
    server = serve(http(b"{}"))
    with pytest.raises(errors.EngineError):
        call(connect(at(server.address)), "GET", path)
    assert server.received == b""


def test_a_reply_that_is_too_large_is_cut_off(serve):
    with pytest.raises(errors.NotAnEngine, match="larger"):
        call(connect(at(serve(http(b"[" + b"1," * (17 << 20) + b"1]")).address)), "GET", "/x")


def test_secret_build_arguments_are_not_recorded(serve):
    client = connect(at(serve(http(b"{}")).address))
    call(client, "POST", "/build", params={"t": "a:1", "buildargs": '{"TOKEN": "canary"}', "q": 1})
    (made,) = client.requests
    assert made.path == "/v1.41/build?t=a%3A1&buildargs=…&q=1"


def test_a_request_without_an_answer_is_recorded_too(tmp_path):
    client = connect(at(Address("unix", path=str(tmp_path / "none.sock"))))
    with pytest.raises(errors.EngineUnreachable):
        call(client, "GET", "/info")
    assert [(made.path, made.status) for made in client.requests] == [("/v1.41/info", 0)]


def test_what_the_sdk_raises_becomes_ours(serve, unix_engine):
    client = connect(unix_engine)
    with pytest.raises(errors.EngineReplied, match="No such container") as refusal, errors.translated(client.timeout):
        client.inspect_container("missing")
    assert (refusal.value.status, refusal.value.code) == (404, "replied")
    with pytest.raises(errors.NotAnEngine), errors.translated(1):
        connect(at(serve(http(b"<html>")).address)).info()
    with pytest.raises(TypeError), errors.translated(1):
        len(5)


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (aiohttp.ServerDisconnectedError(), "cut"),
        (aiohttp.ClientPayloadError("short"), "cut"),
        (aiohttp.http_exceptions.BadStatusLine("SSH-2.0"), "not-http"),
        (ConnectionResetError(104, "reset"), "cut"),
        (ConnectionRefusedError(111, "refused"), "refused"),
        (OSError(113, "No route to host"), "no-route"),
        (OSError(101, "Network is unreachable"), "no-route"),
        (TimeoutError(), "timeout"),
        (PermissionError(13, "denied"), "permission-denied"),
        (socket.gaierror(-2, "unknown"), "name-unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_causes_are_told_apart_however_they_are_wrapped(cause, code):
    assert errors.describe(cause, 3).code == code
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = cause
    if code not in {"not-http"}:
        assert errors.describe(wrapped, 3).code == code


def test_every_fault_has_a_sentence_and_advice():
    for code, (kind, sentence, advice) in errors.FAULTS.items():
        made = errors.fault(code)
        assert (type(made), made.code, str(made), made.advice) == (kind, code, sentence, advice)
        assert sentence.endswith(".") and advice.endswith(".")


def test_no_proxy_of_the_environment_is_used(plain_engine, tls_engine, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for engine in (plain_engine, tls_engine):
        assert get_json(connect(engine), "/version")["Os"] == "linux"


def test_an_ipv6_address_is_put_in_brackets():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        address = Address("tcp", host="::1", port=listener.getsockname()[1])

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                _request(connection)
                connection.sendall(http(b'{"Os": "six"}'))

        threading.Thread(target=answer, daemon=True).start()
        assert ask(address) == {"Os": "six"}


def test_over_tcp_nobody_and_no_such_name_are_told_apart():
    with pytest.raises(errors.EngineUnreachable) as refusal:
        ask(Address("tcp", host="127.0.0.1", port=free_port()))
    assert refusal.value.code == "refused"
    with pytest.raises(errors.EngineUnreachable) as refusal:
        ask(Address("tcp", host="nowhere.invalid", port=2375))
    assert refusal.value.code == "name-unknown"


def test_a_reply_that_only_drips_is_given_up(tmp_path):
    path = tmp_path / "drip.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        over = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                _request(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while not over.wait(0.2):
                    connection.sendall(b"1\r\n[\r\n")

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(errors.EngineTimeout):
            ask(Address("unix", path=str(path)), timeout=1)
        over.set()


def test_an_id_that_leads_elsewhere_is_told_and_never_sent(tmp_path):
    client = connect(at(Address("unix", path=str(tmp_path / "none.sock"))))
    with pytest.raises(errors.EngineError, match="another path"), errors.translated(1):
        client.inspect_volume("../networks/bridge")
    assert client.requests == []
