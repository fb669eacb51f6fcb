"""A page never waits longer for an engine than a person would."""

import socket
import time
from threading import Thread

from engines.models import Engine, EngineState


def test_the_page_of_a_hung_engine_comes_in_time_with_the_sentence(admin, fresh_host, register):
    engine = register(fresh_host.endpoint)
    EngineState.objects.create(engine=engine, status="UP", version="1.2.3", running=7)
    fresh_host.engine.suspend()
    try:
        began = time.monotonic()
        response = admin.get("/engines/real/")
        took = time.monotonic() - began
    finally:
        fresh_host.engine.resume()
    page = response.content.decode()
    assert response.status_code == 200
    assert took < 8
    assert "The engine did not answer within" in page
    assert "not overloaded or hanging" in page
    # What was last known is still there.
    assert ">7<" in page


def test_the_part_that_refreshes_asks_nothing_of_the_engine(admin, fresh_host, register):
    EngineState.objects.create(engine=register(fresh_host.endpoint), status="UP", version="1.2.3")
    fresh_host.engine.suspend()
    try:
        began = time.monotonic()
        part = admin.get("/engines/real/", headers={"HX-Request": "true"}).content.decode()
        assert time.monotonic() - began < 1
    finally:
        fresh_host.engine.resume()
    assert "running" in part and "<html" not in part


def test_an_engine_that_sends_a_byte_now_and_then_does_not_hold_the_page(admin, db):
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=drip, args=(server,), daemon=True).start()
        Engine.objects.create(name="Drip", slug="drip", url=f"tcp://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        page = admin.get("/engines/drip/").content.decode()
        assert time.monotonic() - began < 8
    assert "The engine did not answer within 6 s." in page


def drip(server: socket.socket) -> None:
    """Answer one request with one byte of a body each 0.2 s, until the other side goes away."""
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            try:
                connection.sendall(b" ")
            except OSError:
                return
            time.sleep(0.2)
