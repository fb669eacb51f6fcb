"""The Engine API's streams (build, pull, events), asynchronous: to cancel the task is to close the connection.

The docker SDK has no way to give up a stream that is silent, and one thread per stream; hence aiohttp here.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import aiohttp

from engines.client.endpoint import Endpoint
from engines.client.errors import EngineError, EngineReplied, NotAnEngine, describe, fault
from engines.client.record import Request, sent, shown_path
from engines.client.route import Route, route

#: The longest message seen from a real engine is a BuildKit trace of 267 kB.
MESSAGE_BYTES = 2 << 20
_REPLY_BYTES = 32 << 20
_CONNECT_SECONDS = 10
_SSH_THREADS = ThreadPoolExecutor(32, thread_name_prefix="ssh-way")

#: Query parameters; a list of pairs where a name is repeated.
Params = Mapping[str, str] | list[tuple[str, str]]
Body = Any


class AsyncEngine:
    """A way to one engine for streams, as an async context manager. `requests` holds what was asked, in order."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._way: Route | None = None
        # Without a version the engine takes its newest.
        self._prefix = f"/v{endpoint.api_version}" if endpoint.api_version else ""
        self.requests: list[Request] = []

    async def __aenter__(self) -> "AsyncEngine":
        # In a thread: the way may be an SSH forward that has to come up first. Those wait among themselves, so that
        # hosts that do not answer hold up no other engine.
        threads = _SSH_THREADS if self._endpoint.address.scheme == "ssh" else None
        self._way = way = await asyncio.get_running_loop().run_in_executor(threads, route, self._endpoint)
        connector = _connector(way)
        self._sessions = {
            chunked: aiohttp.ClientSession(
                connector=connector,
                version=aiohttp.HttpVersion11 if chunked else aiohttp.HttpVersion10,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Archives would come compressed otherwise.
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
                read_bufsize=1 << 20,
            )
            for chunked in (True, False)
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The connector goes with the first of them.
        for session in self._sessions.values():
            await session.close()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        silence: float | None = None,
        chunked: bool = True,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A reply with its body still to be read. `seconds` limits the whole exchange, `silence` each wait for more of
        it; None waits for ever. An engine sends each line of a log as a chunk of its own, which costs more than all
        else; not `chunked` the body has none, but where it was cut it seems to end.

        `path` comes without version. Raises EngineError, also for errors while the body is read inside the block.
        """
        if self._way is None:
            raise RuntimeError("AsyncEngine is used outside its context")
        versioned = self._prefix + path
        began = time.monotonic()
        status = 0
        try:
            async with self._sessions[chunked].request(
                method,
                self._way.base_url + versioned,
                params=params,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS, sock_read=silence),
            ) as response:
                status = response.status
                await _raise_for(response)
                yield response
        except EngineError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            patience = seconds or silence or _CONNECT_SECONDS
            # Before an answer began, the way itself knows best what a cut means: SSH hides who closed.
            raise (describe(error, patience) if status else self._way.told(error, patience)) from error
        finally:
            shown = shown_path(versioned + _query(params))
            made = Request(method, shown, status, round((time.monotonic() - began) * 1000))
            self.requests.append(made)
            sent(made)

    async def json(
        self, method: str, path: str, *, params: Params | None = None, body: object = None, seconds: float = 10
    ) -> dict[str, Any] | list[Any]:
        """The JSON reply of a call that answers at once, of at most 32 MiB; `body` is sent as JSON.

        Raises EngineError.
        """
        async with self._asked(method, path, params, body, seconds) as response:
            return parse_json(await read(response))

    async def post(self, path: str, *, params: Params | None = None, body: object = None, seconds: float = 10) -> None:
        """A call whose reply holds nothing of interest; `body` is sent as JSON. Raises EngineError."""
        async with self._asked("POST", path, params, body, seconds) as response:
            await read(response)

    def _asked(
        self, method: str, path: str, params: Params | None, body: object, seconds: float
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        sent = "" if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} if sent else None
        return self.request(method, path, params=params, body=sent or None, headers=headers, seconds=seconds)

    async def ping(self, seconds: float = 10) -> Mapping[str, str]:
        """The headers of GET /_ping. Raises EngineError."""
        async with self.request("GET", "/_ping", seconds=seconds) as response:
            await read(response)
            return response.headers

    async def vigil(self, every: float = 10, misses: int = 3) -> None:
        """Return never while the engine answers pings; raise EngineError after `misses` failures in a row.

        A stream may rightly be silent for hours: only this tells a quiet engine from a dead one.
        """
        missed = 0
        while True:
            await asyncio.sleep(every)
            try:
                await self.ping(seconds=every)
                missed = 0
            except EngineError:
                missed += 1
                if missed >= misses:
                    raise


async def messages(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of a stream, one per line. Raises NotAnEngine for anything else."""
    rest = b""
    async for block in response.content.iter_any():
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if len(rest) > MESSAGE_BYTES:
            raise NotAnEngine("The engine sent a message longer than any a Docker Engine sends.")
        for line in lines:
            if line.strip():
                yield _message(line)
    if rest.strip():
        yield _message(rest)


def parse_json(body: bytes) -> dict[str, Any] | list[Any]:
    """The JSON object or list in `body`. Raises NotAnEngine."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEngine("What answers there does not send JSON as a Docker Engine does.") from error
    if not isinstance(reply, dict | list):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    return reply


async def read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, of at most 32 MiB. Raises NotAnEngine."""
    body = bytearray()
    async for block in response.content.iter_any():
        body += block
        if len(body) > _REPLY_BYTES:
            raise NotAnEngine("The reply is larger than any a Docker Engine gives here.")
    return bytes(body)


def _message(line: bytes) -> dict[str, Any]:
    if len(line) > MESSAGE_BYTES:
        raise NotAnEngine("The engine sent a message longer than any a Docker Engine sends.")
    message = parse_json(line)
    if not isinstance(message, dict):
        raise NotAnEngine("The engine sent other JSON than a Docker Engine does.")
    return message


async def _raise_for(response: aiohttp.ClientResponse) -> None:
    if 300 <= response.status < 400 and response.status != 304:
        raise NotAnEngine("What answers there redirects elsewhere, which no Docker Engine does.")
    if response.status < 400:
        return
    body = await read(response)
    if body.startswith(b"Client sent an HTTP request to an HTTPS server"):
        raise fault("tls-required")
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = {"message": body[:200].decode(errors="replace")}
    message = reply.get("message") if isinstance(reply, dict) else None
    raise EngineReplied(response.status, str(message or "no message"))


def _connector(way: Route) -> aiohttp.BaseConnector:
    # No limit: an engine may have many watchers at once. No keep-alive games: a fresh connection tells the truth.
    if way.unix_socket is not None:
        return aiohttp.UnixConnector(str(way.unix_socket), limit=0)
    return aiohttp.TCPConnector(ssl=way.ssl if way.ssl is not None else True, limit=0)


def _query(params: Params | None) -> str:
    if not params:
        return ""
    pairs = params.items() if isinstance(params, Mapping) else params
    # Encoded, or an & in a value would end what `shown_path` hides.
    return "?" + urlencode(list(pairs), safe="/:")
