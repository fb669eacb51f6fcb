"""What can go wrong between the console and an engine, each as one sentence for a person, with what to check."""

import errno
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import requests
import urllib3
from docker.errors import APIError, DockerException

from engines.client.ids import IdInvalid


class EngineError(Exception):
    """The engine could not be used; the message is one sentence without secrets.

    `code` is stable and names the fault to programs; `advice` is what a person may check, or empty.
    """

    code = "engine"
    advice = "Check the engine's address, and that the engine is running."

    def __init__(self, sentence: str, *, code: str | None = None, advice: str | None = None) -> None:
        super().__init__(sentence)
        self.code = self.code if code is None else code
        self.advice = self.advice if advice is None else advice


class EngineUnreachable(EngineError):
    """Nobody listens there, or the way there is closed."""

    code = "unreachable"


class EngineTimeout(EngineError):
    """Something accepted the connection and did not answer in time, or nothing did."""

    code = "timeout"
    advice = "Check that the engine is not overloaded or hanging, and that no firewall drops packets on the way."


class EngineTlsError(EngineError):
    """The two sides do not agree on TLS, or one does not accept the other's certificate."""

    code = "tls"
    advice = "Check the engine's TLS flags and the key material stored here."


class EngineSshError(EngineError):
    """The way through SSH could not be opened."""

    code = "ssh"
    advice = "Check that `ssh` works with this user, host and key."


class NotAnEngine(EngineError):
    """Something answered, but not as a Docker Engine does."""

    code = "not-engine"
    advice = "Check the address: another service may listen there."


class EngineIncompatible(EngineError):
    """The engine's API range and ours do not meet."""

    code = "incompatible"
    advice = "Update the engine, or this console."


class EngineReplied(EngineError):
    """The engine answered with an error. `status` is the HTTP status, `reason` the engine's own words."""

    code = "replied"
    advice = ""

    def __init__(self, status: int, message: str) -> None:
        self.reason = message[:500]
        super().__init__(f"The engine answered {status}: {self.reason}")
        self.status = status


#: code -> class, sentence, advice. The codes are stable: pages and tests rely on them.
FAULTS: dict[str, tuple[type[EngineError], str, str]] = {
    "refused": (
        EngineUnreachable,
        "Nobody listens there: the connection was refused.",
        "Check host and port, and that the engine is running.",
    ),
    "name-unknown": (
        EngineUnreachable,
        "The host's name could not be resolved.",
        "Check the spelling, and the name server of the console's machine.",
    ),
    "no-route": (
        EngineUnreachable,
        "There is no way to this host from here.",
        "Check the network between the console and the host.",
    ),
    "no-socket": (
        EngineUnreachable,
        "There is no socket at this path.",
        "Check the path, and that the engine is running.",
    ),
    "permission-denied": (
        EngineUnreachable,
        "The console's user may not open this socket.",
        "Add the console's user to the socket's group, usually docker.",
    ),
    "cut": (
        NotAnEngine,
        "The connection was closed without a proper answer.",
        "Check the address, and that the engine did not stop just now.",
    ),
    "not-http": (
        NotAnEngine,
        "What answers there does not speak HTTP as a Docker Engine does.",
        NotAnEngine.advice,
    ),
    "tls-name": (
        EngineTlsError,
        "The engine's certificate is for another name.",
        "Use a name or address the certificate holds, or have it issued with this one as subject alternative name.",
    ),
    "tls-expired": (
        EngineTlsError,
        "The engine's certificate has expired.",
        "Renew the engine's certificate, and check the clocks of both machines.",
    ),
    "tls-not-yet-valid": (
        EngineTlsError,
        "The engine's certificate is not valid yet.",
        "Check the clocks of both machines.",
    ),
    "tls-unknown-ca": (
        EngineTlsError,
        "The engine's certificate was not issued by the CA given here.",
        "Give the CA certificate (ca.pem) that issued the engine's certificate.",
    ),
    "tls-client-certificate": (
        EngineTlsError,
        "The engine did not accept the console's certificate, or got none.",
        "Give a client certificate and key issued by the CA the engine trusts (--tlscacert), and not expired.",
    ),
    "tls-to-plain": (
        EngineTlsError,
        "TLS was spoken to a port that does not speak TLS.",
        "Use the engine's TLS port (usually 2376), or remove the key material to speak without TLS.",
    ),
    "tls-required": (
        EngineTlsError,
        "This port speaks TLS only.",
        "Give the CA certificate, and the client certificate and key if the engine asks for them.",
    ),
    "tls-material": (
        EngineTlsError,
        "The TLS key material stored for this engine cannot be used.",
        "Paste the CA certificate, the client certificate and its key again.",
    ),
    "ssh-key-missing": (
        EngineSshError,
        "No SSH key is stored for this engine.",
        "Paste a private key that the host accepts for this user.",
    ),
    "ssh-key-rejected": (
        EngineSshError,
        "The host did not accept this SSH key for this user.",
        "Add the public key to the user's authorized_keys on the host, and check the user name.",
    ),
    "ssh-key-unreadable": (
        EngineSshError,
        "The SSH key stored for this engine cannot be read.",
        "Paste a private key in OpenSSH or PEM format that has no passphrase.",
    ),
    "ssh-host-key-unknown": (
        EngineSshError,
        "The host's SSH key has not been confirmed yet.",
        "Compare the fingerprint with the host's own, and confirm it.",
    ),
    "ssh-host-key-changed": (
        EngineSshError,
        "The host shows another SSH key than the one confirmed for it.",
        "If the host was installed anew, confirm its new key; if not, somebody may be in between.",
    ),
    "ssh-socket": (
        EngineSshError,
        "The SSH login works, but the engine's socket on the host does not answer.",
        "Check that the engine runs there, that this user may open /var/run/docker.sock (group docker),"
        " and that sshd allows stream-local forwarding.",
    ),
    "ssh-closed": (
        EngineSshError,
        "The host closed the connection before SSH was agreed.",
        "Check that an SSH server listens at this port.",
    ),
    "ssh-missing": (
        EngineSshError,
        "The console's machine has no ssh program.",
        "Install OpenSSH's client where the console runs.",
    ),
}

_CUT = (
    requests.ConnectionError,
    urllib3.exceptions.ProtocolError,
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientPayloadError,
    OSError,
)
_TIMEOUTS = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
_TLS_VERIFY_CODES = {9: "tls-not-yet-valid", 10: "tls-expired", 62: "tls-name", 64: "tls-name"}
# OpenSSL's names of the alerts a server sends about the client's certificate.
_CLIENT_CERTIFICATE_ALERTS = ("CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED", "ALERT_HANDSHAKE_FAILURE")
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF", "PACKET_LENGTH_TOO_LONG")


def fault(code: str) -> EngineError:
    """The error of FAULTS named `code`."""
    kind, sentence, advice = FAULTS[code]
    return kind(sentence, code=code, advice=advice)


def no_answer(timeout: float) -> EngineTimeout:
    """The engine was silent for `timeout` seconds."""
    return EngineTimeout(f"The engine did not answer within {timeout:g} s.")


@contextmanager
def translated(timeout: float) -> Iterator[None]:
    """What the SDK, requests and urllib3 raise inside becomes EngineError. `timeout` in seconds, for the sentence.

    Faults of our own code (TypeError and the like) pass.
    """
    try:
        yield
    except EngineError:
        raise
    except APIError as error:
        raise EngineReplied(_status(error), str(error.explanation or "no message")) from error
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise describe(error, timeout) from error
    except json.JSONDecodeError as error:
        raise fault("not-http") from error
    except IdInvalid as error:
        raise EngineError(str(error), code="id-invalid", advice="") from error
    except OSError as error:
        raise describe(error, timeout) from error


def describe(error: BaseException, timeout: float) -> EngineError:
    """The EngineError that tells what `error`, of requests, urllib3, aiohttp or the system, is about."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, EngineError):
            return link
    for link in chain:
        if code := _code(link):
            return fault(code)
    if any(isinstance(link, _TIMEOUTS) for link in chain):
        return no_answer(timeout)
    if any(isinstance(link, _CUT) for link in chain):
        return fault("cut")
    return fault("not-http")


def _chain(error: BaseException) -> Iterator[BaseException]:
    # requests and urllib3 keep what happened in args and `reason`, others in __cause__ or __context__.
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _code(link: BaseException) -> str:
    # aiohttp raises a kind of its own without the code, and keeps the real one as its cause.
    if isinstance(link, ssl.SSLCertVerificationError):
        return _TLS_VERIFY_CODES.get(link.verify_code, "tls-unknown-ca") if hasattr(link, "verify_code") else ""
    if isinstance(link, ssl.SSLError):
        return _tls_code(str(link.reason or link))
    if isinstance(link, socket.gaierror | urllib3.exceptions.NameResolutionError):
        return "name-unknown"
    if isinstance(link, FileNotFoundError):
        return "no-socket"
    if isinstance(link, PermissionError):
        return "permission-denied"
    if isinstance(link, ConnectionRefusedError):
        return "refused"
    if isinstance(link, OSError) and link.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return "no-route"
    return ""


def _tls_code(reason: str) -> str:
    if any(word in reason for word in _NOT_TLS):
        return "tls-to-plain"
    if any(word in reason for word in _CLIENT_CERTIFICATE_ALERTS):
        return "tls-client-certificate"
    return ""


def _status(error: APIError) -> int:
    return error.response.status_code if error.response is not None else 500
