"""TLS to an engine: what is right passes, and every way of being wrong has its own sentence."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from engines.client.connect import call, connect, get_json
from engines.client.endpoint import Address, Endpoint, MaterialInvalid, TlsMaterial
from engines.client.errors import EngineError, EngineTlsError
from engines.client.tls import check_material, client_context
from tests.rig.certs import Authority, Issued


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Issued], Address]]:
    """A TLS server on 127.0.0.1 that answers every request with `{}`."""
    listeners: list[socket.socket] = []

    def start(issued: Issued) -> Address:
        pem = tmp_path / "server.pem"
        pem.write_text(issued.cert + issued.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=_answer, args=(listener, context), daemon=True).start()
        return Address("tcp", host="127.0.0.1", port=listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def _answer(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        except OSError:
            connection.close()


def ask(address: Address, tls: TlsMaterial | None) -> object:
    endpoint = Endpoint("e", address, "1.41", Path("/nonexistent"), tls=tls)
    return get_json(connect(endpoint, timeout=5), "/version")


def code_of(address: Address, tls: TlsMaterial | None) -> str:
    with pytest.raises(EngineError) as refusal:
        ask(address, tls)
    assert str(refusal.value).endswith(".")
    assert refusal.value.advice
    return refusal.value.code


@pytest.mark.parametrize("bundle", [None, "/etc/ssl/certs/ca-certificates.crt"])
def test_an_engine_is_reached_whatever_ca_bundle_the_environment_names(tls_engine, monkeypatch, bundle):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, bundle) if bundle else monkeypatch.delenv(name, raising=False)
    client = connect(tls_engine)
    assert call(client, "GET", "/containers/json", params={"all": 1}) == []
    assert client.version()["Os"] == "linux"


def test_a_ca_bundle_of_the_environment_cannot_vouch_for_an_engine(serve, authority, monkeypatch, tmp_path):
    (tmp_path / "ca.pem").write_text(authority.pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    assert code_of(serve(authority.issue("127.0.0.1")), TlsMaterial(ca=Authority().pem)) == "tls-unknown-ca"


def test_no_other_ca_is_ever_added_to_the_given_one(serve, authority):
    endpoint = Endpoint("e", serve(authority.issue("127.0.0.1")), "1.41", Path("/x"), tls=TlsMaterial(ca=authority.pem))
    client = connect(endpoint)
    assert get_json(client, "/version") == {}
    assert len(client.get_adapter("https://")._context.get_ca_certs()) == 1


def test_without_a_ca_the_system_s_are_asked(serve, authority):
    assert client_context(TlsMaterial()).get_ca_certs()
    assert code_of(serve(authority.issue("127.0.0.1")), TlsMaterial()) == "tls-unknown-ca"


def test_a_server_s_certificate_must_be_for_its_name_and_in_time(serve, authority):
    trusting = TlsMaterial(ca=authority.pem)
    day = timedelta(days=1)
    assert ask(serve(authority.issue("127.0.0.1")), trusting) == {}
    assert code_of(serve(authority.issue("10.0.0.1", "engine.example")), trusting) == "tls-name"
    assert code_of(serve(authority.issue("127.0.0.1", not_after=datetime.now(UTC) - day)), trusting) == "tls-expired"


def test_a_real_engine_refuses_every_wrong_client(tls_host):
    address, right = tls_host.endpoint.address, tls_host.endpoint.tls
    stranger = Authority().issue("console@example.org")
    expired = tls_host.authority.issue("console@example.org", not_after=datetime.now(UTC) - timedelta(days=1))
    assert code_of(address, TlsMaterial(ca=right.ca)) == "tls-client-certificate"
    assert code_of(address, replace(right, cert=stranger.cert, key=stranger.key)) == "tls-client-certificate"
    assert code_of(address, replace(right, cert=expired.cert, key=expired.key)) == "tls-client-certificate"
    assert code_of(address, replace(right, ca=Authority().pem)) == "tls-unknown-ca"
    assert ask(address, right)["Os"] == "linux"


def test_tls_and_plain_mixed_up_are_told_apart(tls_host, plain_engine):
    assert code_of(tls_host.endpoint.address, None) == "tls-required"
    assert code_of(plain_engine.address, tls_host.endpoint.tls) == "tls-to-plain"
    assert call(connect(plain_engine), "GET", "/containers/json") == []


def test_nothing_of_the_key_touches_the_disk(authority, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    client_context(authority.client_material())
    assert os.listdir(tmp_path) == []


def test_material_that_openssl_cannot_read_is_one_sentence(authority):
    for wrong in (TlsMaterial(ca="nonsense"), replace(authority.client_material(), key="nonsense")):
        with pytest.raises(EngineTlsError, match="cannot be used"):
            client_context(wrong)


def _encrypted_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode()


def test_a_form_takes_what_is_right(authority):
    check_material(TlsMaterial())
    check_material(TlsMaterial(ca=authority.pem))
    check_material(authority.client_material())
    right = authority.client_material()
    check_material(TlsMaterial(*(text.replace("\n", "\r\n") for text in (right.ca, right.cert, right.key))))


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"ca": "hello"}, "tls_ca", "not a certificate"),
        ({"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "tls_ca", "not a certificate"),
        ({"ca": "x" * 70000}, "tls_ca", "64 KiB"),
        ({"ca": trustme.CA().private_key_pem.bytes().decode()}, "tls_ca", "private key"),
        ({"key": ""}, "tls_key", "as well"),
        ({"cert": ""}, "tls_cert", "as well"),
        ({"cert": "hello"}, "tls_cert", "not a certificate"),
        ({"key": "hello"}, "tls_key", "not a private key"),
        ({"key": _encrypted_key()}, "tls_key", "passphrase"),
        ({"key": Authority().issue("x").key}, "tls_key", "does not belong"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_form_is_told_what_is_wrong_and_where(authority, wrong, field, sentence):
    with pytest.raises(MaterialInvalid, match=sentence) as refusal:
        check_material(replace(authority.client_material(), **wrong))
    assert refusal.value.field == field


def test_a_form_is_told_of_expired_certificates(authority):
    right = authority.client_material()
    past = authority.issue("x", not_after=datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(MaterialInvalid, match="expired on") as refusal:
        check_material(replace(right, cert=past.cert, key=past.key))
    assert refusal.value.field == "tls_cert"
    with pytest.raises(MaterialInvalid, match="not valid before"):
        check_material(right, now=datetime(1999, 1, 1, tzinfo=UTC))
