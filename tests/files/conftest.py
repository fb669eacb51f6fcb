"""Containers with files in them, one that holds no program but its own, and downloads as a server gives them."""

import asyncio
import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import AsyncClient, Client

from engines.client.connect import call, connect
from engines.client.endpoint import Endpoint
from engines.client.errors import EngineReplied
from tests.rig.hosts import Host

BARE = "bare:local"


@pytest.fixture
def inside(unix_host: Host) -> Callable[..., str]:
    """Runs a line of shell in a container; what it printed."""

    def run(container: str, line: str) -> str:
        argv = ["docker", "-H", f"unix://{unix_host.engine.socket}", "exec", container, "sh", "-c", line]
        return subprocess.run(argv, check=True, capture_output=True, text=True, errors="replace").stdout

    return run


@pytest.fixture(scope="session")
def box(unix_host: Host) -> Iterator[str]:
    """A container that runs, shared by all tests: what they need in it they make in a `place` of their own."""
    docker = ["docker", "-H", f"unix://{unix_host.engine.socket}"]
    run = [*docker, "run", "-d", "--name", f"box-{uuid4().hex}", "busybox:local", "sleep", "1000000"]
    made = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
    yield made
    subprocess.run([*docker, "rm", "-f", made], check=True, capture_output=True)


@pytest.fixture
def place(box: str, inside: Callable[..., str]) -> str:
    """The path of an empty folder in the box that no other test uses."""
    path = f"/{uuid4().hex}"
    inside(box, f"mkdir {path}")
    return path


@pytest.fixture
def bare(unix_engine: Endpoint, make) -> Callable[..., str]:
    """Makes a container whose image holds one program under the name `sleep`, and some files, but no other program."""
    client = connect(unix_engine, timeout=60)
    busybox = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content, mode in (
            ("sleep", busybox, 0o755),
            ("srv/a.txt", b"hello\n", 0o640),
            ("srv/sub/b", b"b", 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid = len(content), mode, 1000
            tar.addfile(entry, io.BytesIO(content))
    if not client.images(name=BARE):
        client.import_image_from_data(data.getvalue(), repository="bare", tag="local")

    def run(name: str) -> str:
        return make(name, Image=BARE, Cmd=["/sleep", "1000000"])

    return run


@pytest.fixture
def stop(unix_engine: Endpoint) -> Callable[[str], None]:
    def now(container: str) -> None:
        with suppress(EngineReplied):
            call(connect(unix_engine), "POST", f"/containers/{container}/kill")
        call(connect(unix_engine), "POST", f"/containers/{container}/wait")

    return now


Fetched = tuple[int, dict[str, str], bytes]


def fetch(client: Client, address: str) -> Fetched:
    """Status, headers and body of what the person of `client` downloads."""
    browser = AsyncClient()
    browser.cookies = client.cookies

    async def read() -> Fetched:
        reply = await browser.get(address)
        body = b"".join([part async for part in reply.streaming_content]) if reply.streaming else reply.content
        return reply.status_code, dict(reply.items()), body

    return asyncio.run(read())
