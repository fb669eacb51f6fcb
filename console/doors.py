"""What every request and every socket passes before any code of a page runs."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPDisconnectEvent,
    HTTPScope,
    Scope,
    WebSocketScope,
)

Known = Callable[[HTTPScope], Awaitable[bool]]


class ExactOrigins:
    """Refuses a socket unless it carries exactly one Origin header, equal to one of `origins`: 403 at the handshake.

    Browsers send cookies with sockets of any site, so this is what keeps other sites out.
    """

    def __init__(self, application: ASGI3Application, origins: Iterable[str]) -> None:
        self._application = application
        self._origins = frozenset(origin.lower().encode("latin1") for origin in origins)

    async def __call__(self, scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        sent = [value.lower() for name, value in scope["headers"] if name == b"origin"]
        if len(sent) == 1 and sent[0] in self._origins:
            await self._application(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": None})


class LimitedBody:
    """Answers 413 to a request that announces more than `most` bytes, and cuts one that sends more.

    Django spools a request's body to disk before any view or login check, so the limit must stand before it. More than
    `strangers` bytes are taken only of whom `known` knows.
    """

    def __init__(self, application: ASGI3Application, most: int, strangers: int, known: Known) -> None:
        self._application = application
        self._most = most
        self._strangers = min(strangers, most)
        self._known = known

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        size = int(announced) if announced.isdigit() else 0
        limit = self._strangers
        if size > limit and await self._known(scope):
            limit = self._most
        if size > limit:
            await _refuse(send, limit)
            return
        read, cut = 0, False

        async def counted() -> ASGIReceiveEvent:
            nonlocal read, cut, limit
            message = await receive()
            if message["type"] == "http.request":
                read += len(message["body"])
                if limit < read <= self._most and await self._known(scope):
                    limit = self._most
                if read > limit:
                    cut = True
                    # To the application the client is gone: it drops what it spooled.
                    return HTTPDisconnectEvent(type="http.disconnect")
            return message

        await self._application(scope, counted, send)
        if cut:
            await _refuse(send, limit)


async def _refuse(send: ASGISendCallable, most: int) -> None:
    body = f"The request is larger than this console accepts here ({most:,} bytes).\n".encode()
    headers: Any = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
