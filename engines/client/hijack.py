"""Connections of the Engine API that become a plain stream both ways: exec and attach.

The engine answers the request with 101 and from then on passes on bytes. aiohttp and the SDK give no such stream over
every way with backpressure in both directions; asyncio's own do.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from engines.client.endpoint import Address, Endpoint
from engines.client.errors import EngineError, EngineReplied, NotAnEngine, fault
from engines.client.record import Request, sent, shown_path
from engines.client.route import Route, route

_HANDSHAKE_SECONDS = 20
_HEAD_BYTES = 64 << 10
_READ_BYTES = 32 << 10


class Hijacked:
    """One such stream, as an async context manager. Its handshake has a time limit, the stream itself has none."""

    def __init__(
        self, endpoint: Endpoint, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> None:
        """`path` comes without version, its ids checked; `body` is sent as JSON."""
        self._endpoint = endpoint
        prefix = f"/v{endpoint.api_version}" if endpoint.api_version else ""
        self._path = prefix + path + ("?" + urlencode(params) if params else "")
        self._body = b"" if body is None else json.dumps(body).encode()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> "Hijacked":
        """Connects. Raises EngineError, EngineReplied when the engine refuses."""
        way = await asyncio.to_thread(route, self._endpoint)
        began, status = time.monotonic(), 0
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                self._reader, self._writer = await _connected(way, self._endpoint.address)
                try:
                    status = await self._agreed()
                except BaseException as error:
                    self._writer.transport.abort()
                    status = error.status if isinstance(error, EngineReplied) else 0
                    raise
        except EngineError:
            raise
        except asyncio.IncompleteReadError as error:
            # Closed without an answer, which through SSH tells something else than elsewhere.
            raise way.told(ConnectionResetError(), _HANDSHAKE_SECONDS) from error
        except OSError as error:
            raise way.told(error, _HANDSHAKE_SECONDS) from error
        finally:
            sent(Request("POST", shown_path(self._path), status, round((time.monotonic() - began) * 1000)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it now; leaving the block does so as well. What is still to be written has nobody who waits for it."""
        self._writer.transport.abort()

    async def read(self) -> bytes:
        """What comes next, up to 32 KiB; empty at the end, also when the engine went away. Nothing is read ahead for
        whoever does not read, but a buffer's worth.
        """
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        """Returns once the engine takes it, or nearly. Raises EngineError when it went away."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise fault("cut") from error

    async def _agreed(self) -> int:
        """The status with which the engine passed on the stream. Raises EngineReplied, NotAnEngine."""
        head = [f"POST {self._path} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: tcp"]
        head += ["Content-Type: application/json", f"Content-Length: {len(self._body)}", "", ""]
        self._writer.write("\r\n".join(head).encode() + self._body)
        await self._writer.drain()
        try:
            answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.LimitOverrunError as error:
            raise NotAnEngine("What answers there does not speak HTTP as a Docker Engine does.") from error
        words = answer.split("\r\n", 1)[0].split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
            raise fault("not-http")
        status = int(words[1])
        if status >= 400:
            raise EngineReplied(status, await self._message(answer))
        # Engines answer 200 where the upgrade was lost on the way, by a proxy, and pass on the stream all the same.
        if status not in {101, 200}:
            raise NotAnEngine("What answers there does not pass on a stream as a Docker Engine does.")
        return status

    async def _message(self, head: str) -> str:
        """The engine's words in the body of a refusal."""
        lengths = [line[15:].strip() for line in head.lower().split("\r\n") if line.startswith("content-length:")]
        # What fails late, as an attach does, ends with the connection instead of a length.
        left = min(int(lengths[0]), _HEAD_BYTES) if lengths and lengths[0].isdigit() else _HEAD_BYTES
        body = b""
        while len(body) < left and (block := await self._reader.read(left - len(body))):
            body += block
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError):
            return body[:200].decode(errors="replace").strip() or "no message"
        return str(reply.get("message")) if isinstance(reply, dict) else "no message"


async def _connected(way: Route, address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if way.unix_socket is not None:
        return await asyncio.open_unix_connection(str(way.unix_socket), limit=_HEAD_BYTES)
    return await asyncio.open_connection(address.host, address.port, ssl=way.ssl, limit=_HEAD_BYTES)
