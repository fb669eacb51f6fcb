"""How much a browser may send over a socket of the running console."""

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.stack import running


@pytest.mark.parametrize(("size", "code"), [(64 * 1024, 1008), (64 * 1024 + 1, 1009)])
def test_a_message_larger_than_64_kib_is_not_read(stack, size, code):
    browser = stack.browser().login()
    cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies)
    address = stack.url.replace("http", "ws") + "/ws/fleet/"
    with connect(address, origin=stack.url, additional_headers={"Cookie": cookie}) as socket:
        socket.send("x" * size)
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == code


@pytest.fixture(scope="module")
def stack():
    with running() as console:
        yield console
