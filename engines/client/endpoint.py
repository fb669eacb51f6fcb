"""How an engine is reached, as structured fields: an address is parsed strictly and rebuilt, never passed on."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Scheme = Literal["unix", "tcp", "ssh"]

# Linux: sun_path holds 108 bytes with its final NUL.
_SOCKET_PATH_BYTES = 107
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_PORT = re.compile(r"[0-9]{1,5}")
_SSH_PORT = "22"


class AddressInvalid(ValueError):
    """The address cannot be used; the message is one sentence for the form field."""


class MaterialInvalid(ValueError):
    """Key material cannot be used. `field` is the form field (`tls_ca`, `ssh_key` …), the message one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True)
class Address:
    """`unix` uses `path`; `tcp` uses `host` and `port`; `ssh` uses `user` as well."""

    scheme: Scheme
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""

    def __str__(self) -> str:
        """The one canonical spelling of this address."""
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{self.user + '@' if self.user else ''}{host}:{self.port}"


@dataclass(frozen=True)
class TlsMaterial:
    """PEM texts. `ca` verifies the engine; `cert` and `key` prove the console to it, and may be empty."""

    ca: str = ""
    cert: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class SshMaterial:
    """`key` is a private key in OpenSSH or PEM format; `host_key` holds `<type> <base64>` lines, empty until pinned."""

    key: str = field(default="", repr=False)
    host_key: str = ""


@dataclass(frozen=True)
class Endpoint:
    """All that is needed to reach one engine. `key` names it in files, `run_dir` holds its sockets and key files."""

    key: str
    address: Address
    api_version: str
    run_dir: Path
    tls: TlsMaterial | None = None
    ssh: SshMaterial | None = None


def parse(url: str) -> Address:
    """The address in `unix:///path`, `tcp://host:port` or `ssh://user@host[:port]`. Raises AddressInvalid."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise AddressInvalid("The address may hold printable ASCII characters only, and no spaces.")
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise AddressInvalid("Start the address with unix://, tcp:// or ssh://.")
    if scheme == "unix":
        return Address("unix", path=_socket_path(rest))
    if scheme == "tcp":
        host, port = _host_and_port(rest, default_port=None)
        return Address("tcp", host=host, port=port)
    if scheme == "ssh":
        return _ssh(rest)
    raise AddressInvalid(f"{scheme}:// is not supported; use unix://, tcp:// or ssh://.")


def _socket_path(path: str) -> str:
    if not path.startswith("/"):
        raise AddressInvalid("Give the socket as an absolute path, such as unix:///var/run/docker.sock.")
    if any(part in {"", ".", ".."} for part in path.split("/")[1:]):
        raise AddressInvalid("The socket's path may not hold empty parts, . or .. .")
    if len(path) > _SOCKET_PATH_BYTES:
        raise AddressInvalid(f"The socket's path is longer than the {_SOCKET_PATH_BYTES} bytes Linux allows.")
    return path


def _ssh(rest: str) -> Address:
    user, separator, target = rest.partition("@")
    if not separator:
        raise AddressInvalid("Name the user: ssh://user@host.")
    # A leading dash would be an option to ssh.
    if not _USER.fullmatch(user):
        raise AddressInvalid("The user name may hold a-z, 0-9, dot, dash and underscore, and no password.")
    host, port = _host_and_port(target, default_port=_SSH_PORT)
    return Address("ssh", host=host, port=port, user=user)


def _host_and_port(text: str, default_port: str | None) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        return _ipv6(bracketed[1]), _port(bracketed[2], default_port)
    host, separator, port = text.partition(":")
    return _host(host), _port(port if separator else None, default_port)


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise AddressInvalid("The address in brackets is not an IPv6 address.") from None


def _host(text: str) -> str:
    if not _HOST.fullmatch(text) or ".." in text:
        raise AddressInvalid("Give a host name or IP address, without path, password or options.")
    # 2130706433, 0x7f.1 and 127.1 are other spellings of 127.0.0.1 to a resolver: refuse what only looks like a name.
    if re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", text.rsplit(".", 1)[-1]):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise AddressInvalid("Write an IPv4 address as four decimal numbers.") from None
    return text.lower()


def _port(text: str | None, default: str | None) -> int:
    value = default if text is None else text
    if value is None:
        raise AddressInvalid("Give the port: 2376 is usual with TLS, 2375 without.")
    if not _PORT.fullmatch(value) or not 1 <= int(value) <= 65535:
        raise AddressInvalid("The port is a number from 1 to 65535.")
    return int(value)
