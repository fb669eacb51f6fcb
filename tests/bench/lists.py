"""P1: the server time of the container list with 500 containers over the raw Engine API call it makes."""

import http.client
import socket
import time

from engines.client.connect import call, connect
from tests.bench.report import Line, median
from tests.rig.hosts import Host
from tests.stack import Browser

_CONTAINERS = 500
_RUNNING = 30
_RUNS = 15


def measure(browser: Browser, host: Host, slug: str) -> Line:
    """Interleaved runs against the same engine."""
    _fill(host)
    ours, raw = [], []
    path = f"/engines/{slug}/containers/"
    browser.page(path)
    for _ in range(_RUNS):
        raw.append(_raw(host))
        began = time.monotonic()
        page = browser.page(path)
        ours.append(time.monotonic() - began)
    assert page.text.count("bench-") >= _CONTAINERS, "not every container is on the page"
    ratio = median(ours) / median(raw)
    figure = f"page {median(ours) * 1000:.0f} ms, raw call {median(raw) * 1000:.0f} ms"
    return Line("P1", f"container list, {_CONTAINERS} containers: page over the raw call", figure, ratio, 1.5)


def _fill(host: Host) -> None:
    client = connect(host.endpoint, timeout=60)
    for number in range(_CONTAINERS):
        body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
        made = call(client, "POST", "/containers/create", params={"name": f"bench-{number}"}, body=body)
        if number < _RUNNING and isinstance(made, dict):
            call(client, "POST", f"/containers/{made['Id']}/start")


def _raw(host: Host) -> float:
    began = time.monotonic()
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(host.engine.socket))
    connection.request("GET", f"/v{host.endpoint.api_version}/containers/json?all=1")
    connection.getresponse().read()
    connection.close()
    return time.monotonic() - began
