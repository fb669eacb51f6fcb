"""What stands in an address as an id leads no engine to another path: it is refused before the engine is asked."""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages

from engines.models import Engine
from tests.repository.routes import GUARDED, enter

pytestmark = pytest.mark.django_db

HOSTILE = [
    "../networks/bridge",
    "..",
    ".",
    "%2e%2e",
    "%2e%2e%2fnetworks%2fbridge",
    "a/../../networks/bridge",
    "a?force=1",
    "a#b",
    "a\0b",
    "a b",
    "a\nb",
    "-rm",
    "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}",
    "a" * 10_240,
]
#: Every route that takes a text as the id of something in an engine.
NAMING = sorted(pattern for pattern in GUARDED if "<str:" in pattern or "<path:" in pattern)


class Spied(ThreadingUnixStreamServer):
    """An engine that knows nothing, and whom it was asked for."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.asked: list[str] = []
        super().__init__(str(path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        body = b'{"message": "no such thing"}'
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def spied(run_dir: Path) -> Iterator[Spied]:
    path = run_dir / f"{uuid.uuid4().hex[:8]}.sock"
    with Spied(path) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def watched(spied: Spied) -> Spied:
    Engine.objects.create(name="Spied", slug="spied", url=f"unix://{spied.server_address}", api_version="1.41")
    return spied


def url_of(pattern: str, text: str) -> str:
    start = pattern.index("<str:") if "<str:" in pattern else pattern.index("<path:")
    filled = pattern[:start] + quote(text, safe="") + pattern[pattern.index(">", start) + 1 :]
    assert "<" not in filled.replace("<slug:slug>", ""), f"{pattern}: one text per address, or teach this test"
    return "/" + filled.replace("<slug:slug>", "spied")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:24])
@pytest.mark.parametrize("pattern", NAMING)
def test_an_id_that_cannot_be_one_is_refused_before_the_engine_is_asked(watched, pattern, text):
    client = enter(User.objects.create_superuser("captain"))
    for ask in (client.get, client.post):
        answer = ask(url_of(pattern, text))
        if answer.status_code == 302:
            # A verb says it where it was pressed.
            assert [message.level_tag for message in get_messages(answer.wsgi_request)] == ["error"]
        else:
            assert answer.status_code in {400, 404, 405}
    assert watched.asked == []


# Each is done in a thread of its own, which sees committed rows only.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["stop", "remove"])
def test_nor_is_one_of_many_asked_for(watched, verb):
    client = enter(User.objects.create_superuser("captain"))
    client.post("/engines/spied/containers/bulk/", {"verb": verb, "id": HOSTILE})
    assert {asked.split("?")[0] for asked in watched.asked} == {"GET /v1.41/containers/json"}
