"""What stands before every request and every socket: exact origins, and a limit on what is sent."""

import asyncio

import pytest

from console.doors import ExactOrigins, LimitedBody

ORIGIN = "https://console.example"


def handshake(*origins: bytes) -> list[dict]:
    """What a socket with these Origin headers is answered: `accept` from the application, or the door's close."""
    sent: list[dict] = []

    async def application(scope, receive, send) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> dict:
        return {"type": "websocket.connect"}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "websocket", "headers": [(b"origin", origin) for origin in origins]}
    asyncio.run(ExactOrigins(application, [ORIGIN])(scope, receive, send))
    return sent


@pytest.mark.parametrize("origin", [b"https://console.example", b"HTTPS://Console.Example"])
def test_the_console_s_own_pages_may_open_sockets(origin):
    assert handshake(origin) == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    "origins",
    [
        (),
        (b"",),
        (b"null",),
        (b"https://evil.example",),
        (b"http://console.example",),
        (b"https://console.example:8443",),
        (b"https://console.example.evil.example",),
        (b"https://console.example@evil.example",),
        (b"https://user@console.example",),
        (b"https://sub.console.example",),
        (b"https://console.example/",),
        (b"https://console.example:99999999",),
        (b"https://console.example", b"https://evil.example"),
        (b"https://evil.example", b"https://console.example"),
        (b"\xff\xfe",),
    ],
)
def test_no_other_page_may(origins):
    assert [message["type"] for message in handshake(*origins)] == ["websocket.close"]


def post(
    pieces: list[bytes], *, announced: int | None = None, most: int = 10, strangers: int = 10, known: bool = False
) -> tuple[int, bytes]:
    """Status, and the body that the application read, of a request in `pieces`."""
    waiting = list(pieces)
    sent: list[dict] = []
    read = bytearray()

    async def application(scope, receive, send) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            read.extend(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: dict) -> None:
        sent.append(message)

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]

    async def is_known(scope) -> bool:
        return known

    asyncio.run(
        LimitedBody(application, most, strangers, is_known)({"type": "http", "headers": headers}, receive, send)
    )
    return sent[0]["status"], bytes(read)


def test_a_body_of_just_the_limit_passes():
    assert post([b"12345", b"67890"], announced=10) == (200, b"1234567890")


def test_a_body_that_announces_more_is_refused_unread():
    assert post([b"12345678901"], announced=11) == (413, b"")


def test_a_body_that_grows_beyond_the_limit_unannounced_is_cut():
    assert post([b"12345", b"67890", b"1"]) == (413, b"1234567890")


def test_strangers_may_send_little_only():
    assert post([b"12345", b"67890"], announced=10, strangers=5) == (413, b"")
    assert post([b"12345", b"67890"], strangers=5) == (413, b"12345")


def test_who_is_known_may_send_up_to_the_limit():
    assert post([b"12345", b"67890"], announced=10, strangers=5, known=True) == (200, b"1234567890")
    assert post([b"12345", b"67890"], strangers=5, known=True) == (200, b"1234567890")
    assert post([b"12345", b"67890", b"1"], strangers=5, known=True) == (413, b"1234567890")
