"""An image in a registry, and engines that answer a pull as no real one would on demand."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from engines.client.connect import connect
from engines.client.endpoint import Address, Endpoint
from tests.rig.hosts import Host
from tests.rig.images import BASE, build
from tests.rig.registry import Registry

#: Bytes of the large layer. Random, so that the registry keeps it as large.
LAYER_BYTES = 3_000_000
MISSING = object()
_IMAGE = {"Id": "sha256:aa"}
_DOCKERFILE = f"""FROM {BASE}
RUN head -c {LAYER_BYTES} /dev/urandom >/large
RUN echo {{marker}} >/small
"""


@pytest.fixture
def pushed(tls_host: Host, registry: Registry) -> Iterator[str]:
    """The path and tag, such as `pull/0a1b:1`, of an image of its own that only the registry has."""
    client, path = connect(tls_host.endpoint, timeout=60), f"pull/{uuid.uuid4().hex}"
    name = f"{registry.host}/{path}"
    build(client, f"{name}:1", _DOCKERFILE.format(marker=path))
    assert "error" not in client.push(name, "1", auth_config={})
    client.remove_image(f"{name}:1")
    yield f"{path}:1"


@pytest.fixture
def pretender(run_dir: Path) -> Iterator[Callable[..., Endpoint]]:
    """Makes an engine that answers POST with these messages, and GET with `reply`, or 404 when that is MISSING.

    `declared` is the length it promises for the messages, unless 0.
    """
    servers: list[ThreadingUnixStreamServer] = []

    def make(*messages: object, reply: object = _IMAGE, declared: int = 0) -> Endpoint:
        path = run_dir / f"{uuid.uuid4().hex[:8]}.sock"
        body = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
        server = ThreadingUnixStreamServer(str(path), _handler(body, reply, declared))
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return Endpoint("pretender", Address("unix", path=str(path)), "1.41", run_dir)

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(body: bytes, reply: object, declared: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if reply is MISSING:
                self._reply(404, b'{"message": "No such image"}')
            else:
                self._reply(200, json.dumps(reply).encode())

        def do_POST(self) -> None:
            self._reply(200, body, declared)

        def _reply(self, status: int, content: bytes, length: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
