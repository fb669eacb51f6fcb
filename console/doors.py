"""What every request and every socket passes before any code of a page runs."""

from collections.abc import Iterable
from typing import Any

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPDisconnectEvent,
    Scope,
    WebSocketScope,
)


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

    Django spools a request's body to disk before any view or login check, so the limit must stand before it.
    """

    def __init__(self, application: ASGI3Application, most: int) -> None:
        self._application = application
        self._most = most

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._most:
            await _refuse(send, self._most)
            return
        left, cut = self._most, False

        async def counted() -> ASGIReceiveEvent:
            nonlocal left, cut
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message["body"])
                if left < 0:
                    cut = True
                    # To the application the client is gone: it drops what it spooled.
                    return HTTPDisconnectEvent(type="http.disconnect")
            return message

        await self._application(scope, counted, send)
        if cut:
            await _refuse(send, self._most)


async def _refuse(send: ASGISendCallable, most: int) -> None:
    body = f"The request is larger than this console accepts ({most:,} bytes).\n".encode()
    headers: Any = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
