"""P2: a container's log to a socket of a browser over `docker logs`; P7: what viewers that never read cost."""

import base64
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import connect as dial

from engines.client.connect import call, connect
from tests.bench.report import Line, median
from tests.rig.hosts import Host
from tests.stack import Browser, Stack

_LINES = 2_000_000
_RUNS = 3
_VIEWERS = 10
_FLOOD_SECONDS = 25
_WRITE = f"""awk 'BEGIN {{ s = "a line of a log such as servers write, with a number at its beginning"
    for (i = 0; i < {_LINES}; i++) print i, s }}'
    exec sleep 1000000"""
_FLOOD = "yes a line of a log such as servers write, again and again and again and again, without a pause"


def measure(stack: Stack, browser: Browser, host: Host, slug: str) -> Iterator[Line]:
    """Interleaved runs against the same engine and container. Without curl or a docker CLI nothing of P2."""
    yield from _throughput(stack, browser, host, slug)
    yield from _stalled(stack, browser, host, slug)


def _throughput(stack: Stack, browser: Browser, host: Host, slug: str) -> Iterator[Line]:
    cli, curl = shutil.which("docker", path="/usr/bin:/usr/local/bin"), shutil.which("curl")
    if cli is None or curl is None:
        return
    with _container(host, "bench-log", _WRITE) as container:
        # Until all of it is written.
        _read(stack, browser, slug, container)
        ours, theirs, limit = [], [], []
        body = f"http://d/v{host.endpoint.api_version}/containers/{container}/logs?stdout=1&stderr=1&timestamps=1"
        for _ in range(_RUNS):
            limit.append(_seconds(f"{curl} -s --unix-socket {host.engine.socket} '{body}' | cat >/dev/null", host))
            theirs.append(_seconds(f"{cli} logs {container} | cat >/dev/null", host))
            ours.append(_read(stack, browser, slug, container))
    for name, peer, target in (("docker logs", theirs, 1.0), ("curl", limit, 0.0)):
        figure = f"{_LINES / median(ours):,.0f} lines/s, {name} {_LINES / median(peer):,.0f}"
        what = f"log, {_LINES:,} lines to a browser: speed over {name}"
        yield Line("P2", what, figure, median(peer) / median(ours), target, least=True)


def _stalled(stack: Stack, browser: Browser, host: Host, slug: str) -> Iterator[Line]:
    [web] = stack.children("console.web")
    with _container(host, "bench-flood", _FLOOD, {"max-size": "64m"}) as container:
        path = f"/ws/engines/{slug}/containers/{container}/logs/?follow=1&tail=0"
        # What the first viewer alone loads is not the price of each.
        _opened(stack, browser, path).close()
        before, most = _rss(web), 0.0
        began = time.monotonic()
        viewers = [_opened(stack, browser, path) for _ in range(_VIEWERS)]
        while time.monotonic() - began < _FLOOD_SECONDS:
            most = max(most, _rss(web))
            time.sleep(0.1)
        codes = [_code(viewer) for viewer in viewers]
    each = (most - before) / _VIEWERS
    figure = f"{_VIEWERS} viewers, {before:.0f} MB before, {most:.0f} MB at most"
    yield Line("P7", "viewer that never reads a flooding log: memory each", figure, each, 8, "MB")
    yield Line("P7", "of them closed with 1013", f"{codes}"[:44], codes.count(1013) / _VIEWERS, 1, least=True)


@contextlib.contextmanager
def _container(host: Host, name: str, script: str, kept: dict[str, str] | None = None) -> Iterator[str]:
    client = connect(host.endpoint, timeout=60)
    config = {"LogConfig": {"Type": "json-file", "Config": kept or {}}}
    body = {"Image": "busybox:local", "Cmd": ["sh", "-c", script], "HostConfig": config}
    made = call(client, "POST", "/containers/create", params={"name": name}, body=body)
    identity = made["Id"] if isinstance(made, dict) else ""
    try:
        call(client, "POST", f"/containers/{identity}/start")
        yield identity
    finally:
        call(client, "DELETE", f"/containers/{identity}", params={"force": "1"})


def _seconds(command: str, host: Host) -> float:
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{host.engine.socket}"}
    began = time.monotonic()
    subprocess.run(["sh", "-c", command], env=environment, check=True, timeout=300)
    return time.monotonic() - began


def _cookie(browser: Browser) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in browser.cookies)


def _read(stack: Stack, browser: Browser, slug: str, container: str) -> float:
    """Seconds until all of it was read; a line too few or too many is no measurement."""
    url = f"{stack.url.replace('http', 'ws')}/ws/engines/{slug}/containers/{container}/logs/?follow=1"
    lines = 0
    began = time.monotonic()
    headers = {"Cookie": _cookie(browser)}
    with dial(url, origin=stack.url, additional_headers=headers, max_size=None, compression=None) as socket_:
        for message in socket_:
            lines += _lines(message) if isinstance(message, bytes) else 0
            if lines >= _LINES:
                break
    spent = time.monotonic() - began
    assert lines == _LINES, f"{lines} lines"
    return spent


def _lines(message: bytes) -> int:
    count = at = 0
    while at < len(message):
        (length,) = struct.unpack_from(">L", message, at + 4)
        count += message.count(b"\n", at + 8, at + 8 + length)
        at += 8 + length
    return count


def _opened(stack: Stack, browser: Browser, path: str) -> socket.socket:
    """A socket that is open, and from which nobody reads."""
    viewer = socket.create_connection(("127.0.0.1", stack.port))
    key = base64.b64encode(os.urandom(16)).decode()
    viewer.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{stack.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Origin: {stack.url}\r\nCookie: {_cookie(browser)}\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert viewer.recv(12) == b"HTTP/1.1 101"
    return viewer


def _code(viewer: socket.socket) -> int:
    """The code it was closed with; reads what was sent to it at last."""
    viewer.settimeout(20)
    last = b""
    with contextlib.suppress(OSError), viewer:
        # A close message is the last there is: 0x88, its length, and the code.
        while last[:2] != b"\x88\x02" and (block := viewer.recv(1 << 20)):
            last = (last + block)[-4:]
    return int(struct.unpack(">H", last[2:])[0]) if last[:2] == b"\x88\x02" else 0


def _rss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
