"""A docker SDK client that does only what it is told: no environment, redirects, login files or endless waits."""

import json
import re
from typing import Any

import docker
import requests
from docker.errors import DockerException

from engines.client.endpoint import Address
from engines.client.errors import (
    EngineError,
    EngineIncompatible,
    EngineReplied,
    EngineTimeout,
    EngineUnreachable,
    NotAnEngine,
)

#: API versions this console is written for; the highest one that both sides speak is pinned per engine.
OLDEST_API = "1.41"
NEWEST_API = "1.45"
_REPLY_BYTES = 32 << 20
_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,3})")


class NoLogins(docker.auth.AuthConfig):  # type: ignore[misc]
    """No stored login, and no second look: the SDK reads ~/.docker/config.json again when this says it is empty."""

    @property
    def is_empty(self) -> bool:
        return False


class Client(docker.APIClient):  # type: ignore[misc]
    """The SDK's low-level client, closed to surprises. The API version is always given, so nothing is sent here."""

    def __init__(self, base_url: str, api_version: str, timeout: int) -> None:
        super().__init__(base_url=base_url, version=api_version, timeout=timeout)
        # The constructor has read ~/.docker/config.json: its logins, headers and proxies are not this console's.
        self._auth_configs = NoLogins({})
        self._general_configs: dict[str, Any] = {}
        self._proxy_configs = docker.utils.proxy.ProxyConfig()
        # Proxies, netrc and REQUESTS_CA_BUNDLE, which would replace the CA given for this engine.
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed: it would carry the request, with its secrets, to a place nobody registered."""

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        # The SDK passes None for pull and build, which waits for ever.
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        return kwargs


def connect(address: Address, api_version: str, timeout: int = 10) -> Client:
    """A client of the engine at `address`; sends nothing yet. `timeout` is in seconds, per read.

    Raises EngineError for ways that are not built yet (TLS and SSH).
    """
    if address.scheme != "unix":
        raise EngineError(f"Engines over {address.scheme}:// cannot be reached yet.")
    return Client(f"http+unix://{address.path}", api_version, timeout)


def get_json(client: Client, path: str) -> dict[str, Any]:
    """The JSON object at `path`, such as `/version`, of at most 32 MiB. Raises EngineError, nothing else."""
    try:
        with client.get(client.base_url + path, stream=True, timeout=client.timeout) as response:
            body = _read(response)
    except requests.Timeout as error:
        raise EngineTimeout(f"The engine did not answer within {client.timeout} s.") from error
    except requests.ConnectionError as error:
        raise _unreachable(error) from error
    except (requests.RequestException, DockerException) as error:
        raise NotAnEngine("What answers there does not speak HTTP as a Docker Engine does.") from error
    return _object(response.status_code, body)


def negotiate(version: dict[str, Any]) -> str:
    """The newest API version both sides speak, from the reply to GET /version.

    Raises NotAnEngine and EngineIncompatible.
    """
    newest, oldest = version.get("ApiVersion"), version.get("MinAPIVersion", "1.12")
    theirs, their_oldest = _number(newest), _number(oldest)
    if theirs < _number(OLDEST_API) or their_oldest > _number(NEWEST_API):
        raise EngineIncompatible(
            f"The engine speaks API {oldest} to {newest}; this console speaks {OLDEST_API} to {NEWEST_API}."
        )
    return ".".join(map(str, min(theirs, _number(NEWEST_API))))


def _number(version: object) -> tuple[int, int]:
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        raise NotAnEngine("The engine did not give its API version as a Docker Engine does.")
    return int(match[1]), int(match[2])


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for block in response.iter_content(65536):
        body += block
        if len(body) > _REPLY_BYTES:
            raise NotAnEngine("The reply is larger than any a Docker Engine gives here.")
    return bytes(body)


def _object(status: int, body: bytes) -> dict[str, Any]:
    if 300 <= status < 400:
        raise NotAnEngine("What answers there redirects elsewhere, which no Docker Engine does.")
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEngine("What answers there does not send JSON as a Docker Engine does.") from error
    if not isinstance(reply, dict):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    if status != 200:
        raise EngineReplied(status, str(reply.get("message", "no message")))
    return reply


def _unreachable(error: requests.ConnectionError) -> EngineError:
    text = str(error)
    if "No such file" in text:
        return EngineUnreachable("There is no socket at this path.")
    if "Permission denied" in text:
        return EngineUnreachable("The console's user may not open this socket.")
    if "refused" in text:
        return EngineUnreachable("Nobody listens there: the connection was refused.")
    if "Read timed out" in text:
        return EngineTimeout("The engine stopped in the middle of its answer.")
    return NotAnEngine("The connection was closed without a proper answer.")
