"""A docker SDK client that does only what it is told: no environment, redirects, login files or endless waits."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import docker
import requests

from engines.client.endpoint import Endpoint
from engines.client.errors import (
    EngineIncompatible,
    EngineReplied,
    NotAnEngine,
    fault,
    no_answer,
    translated,
)
from engines.client.ids import require_segments
from engines.client.record import Request, sent, shown_path
from engines.client.route import Route, route
from engines.client.tls import TlsAdapter

#: API versions this console is written for; the highest one that both sides speak is pinned per engine.
OLDEST_API = "1.41"
NEWEST_API = "1.45"
_REPLY_BYTES = 32 << 20
# A whole reply may take so many times the patience that each read gets.
_READS = 3
_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,3})")


class NoLogins(docker.auth.AuthConfig):  # type: ignore[misc]
    """No stored login, and no second look: the SDK reads ~/.docker/config.json again when this says it is empty."""

    @property
    def is_empty(self) -> bool:
        return False


class Client(docker.APIClient):  # type: ignore[misc]
    """The SDK's low-level client, closed to surprises. The API version is always given, so nothing is sent here.

    `requests` lists what it sent. Raises EngineError where requests would raise of its own.
    """

    def __init__(self, way: Route, api_version: str, timeout: int) -> None:
        base_url = f"http+unix://{way.unix_socket}" if way.unix_socket else way.base_url
        super().__init__(base_url=base_url, version=api_version or OLDEST_API, timeout=timeout)
        self.requests: list[Request] = []
        self.prefix = f"{self.base_url}/v{api_version}" if api_version else str(self.base_url)
        self._way = way
        if way.ssl:
            self.mount("https://", TlsAdapter(way.ssl))
        # The constructor has read ~/.docker/config.json: its logins, headers and proxies are not this console's.
        self._auth_configs = NoLogins({})
        self._general_configs: dict[str, Any] = {}
        self._proxy_configs = docker.utils.proxy.ProxyConfig()
        # Proxies, netrc and REQUESTS_CA_BUNDLE, which would replace the CA given for this engine.
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed: it would carry the request, with its secrets, to a place nobody registered."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send and record. Raises EngineError when no reply comes."""
        began, status = time.monotonic(), 0
        try:
            reply: requests.Response = super().send(request, **kwargs)
            status = reply.status_code
        except requests.RequestException as error:
            timeout = kwargs.get("timeout")
            seconds = timeout if isinstance(timeout, int | float) else self.timeout
            raise self._way.told(error, seconds) from error
        finally:
            ms = round((time.monotonic() - began) * 1000)
            made = Request(request.method or "", shown_path(request.path_url), status, ms)
            self.requests.append(made)
            sent(made)
        return reply

    def _url(self, pathfmt: str, *args: str, **kwargs: Any) -> str:
        for arg in args:
            require_segments(arg)
        return str(super()._url(pathfmt, *args, **kwargs))

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        # The SDK passes None for pull and build, which waits for ever.
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        return kwargs


def connect(endpoint: Endpoint, timeout: int = 10) -> Client:
    """A client of the engine at `endpoint`, which speaks `endpoint.api_version` and never asks for it.

    `timeout` is in seconds, per read. Sends nothing yet, but opens the way through SSH; raises EngineError.
    """
    return Client(route(endpoint), endpoint.api_version, timeout)


def call(
    client: Client,
    method: str,
    path: str,
    *,
    params: Mapping[str, str | int | Sequence[str]] | None = None,
    body: object = None,
    timeout: float | None = None,
) -> object:
    """The JSON that `method` gives at `path`, such as `/containers/json`, of at most 32 MiB; None when it is empty.

    The client's API version is put before `path`; without one the engine takes its newest. `body` is sent as JSON.
    `timeout` in seconds, per read, instead of the client's; the whole reply may take three times as long.
    Raises EngineError, nothing else.
    """
    return _call(client, method, client.prefix + _checked(path), params=params, body=body, timeout=timeout)


def get_json(client: Client, path: str) -> dict[str, Any]:
    """The JSON object at `path`, such as `/version`, without an API version before it. Raises EngineError."""
    reply = _call(client, "GET", client.base_url + _checked(path))
    if not isinstance(reply, dict):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    return reply


def _call(
    client: Client,
    method: str,
    url: str,
    *,
    params: Mapping[str, str | int | Sequence[str]] | None = None,
    body: object = None,
    timeout: float | None = None,
) -> object:
    patience = client.timeout if timeout is None else timeout
    data = None if body is None else json.dumps(body)
    headers = None if body is None else {"Content-Type": "application/json"}
    with translated(patience):
        reply = client.request(
            method, url, params=params, data=data, headers=headers, stream=True, timeout=patience, allow_redirects=False
        )
        with reply:
            content = _read(reply, _READS * patience)
    return _parsed(reply.status_code, content)


def _checked(path: str) -> str:
    with translated(0):
        require_segments(path.removeprefix("/"))
    return path


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


def _read(response: requests.Response, seconds: float) -> bytes:
    body, deadline = bytearray(), time.monotonic() + seconds
    for block in response.iter_content(65536):
        body += block
        if len(body) > _REPLY_BYTES:
            raise NotAnEngine("The reply is larger than any a Docker Engine gives here.")
        # A byte each second would satisfy every read's timeout.
        if time.monotonic() > deadline:
            raise no_answer(seconds)
    return bytes(body)


def _parsed(status: int, body: bytes) -> object:
    if status in {204, 304}:
        return None
    if 300 <= status < 400:
        raise NotAnEngine("What answers there redirects elsewhere, which no Docker Engine does.")
    if status < 300 and not body:
        return None
    if status == 400 and body.startswith(b"Client sent an HTTP request to an HTTPS server"):
        raise fault("tls-required")
    try:
        reply: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEngine("What answers there does not send JSON as a Docker Engine does.") from error
    if status >= 300:
        message = reply.get("message") if isinstance(reply, dict) else None
        raise EngineReplied(status, message if isinstance(message, str) else "no message")
    return reply
