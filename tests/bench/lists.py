"""P1: the server time of the container list with 500 containers over the raw Engine API call it makes; and P12 of the
list of all containers.
"""

import contextlib
import http.client
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator

from aiohttp import web

from engines.client.connect import call, connect
from tests.bench.report import Line, median, quantile
from tests.bench.watching import simulated
from tests.rig.hosts import Host
from tests.stack import Browser, Stack

_CONTAINERS = 500
_RUNNING = 30
_RUNS = 15
_ENGINES = 200
_HANGING = 20
_EACH = 10
_ADD = """
from engines.models import Engine
urls = ["unix://{silent}"] * {hanging} + ["unix://{path}"] * ({count} - {hanging})
Engine.objects.bulk_create(
    Engine(name=f"Sim {{n}}", slug=f"sim-{{n}}", url=url, api_version="1.41") for n, url in enumerate(urls)
)
"""
_SEEN = 'from engines.models import EngineState\nprint(EngineState.objects.exclude(status="UNKNOWN").count())\n'


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


def measure_fleet(stack: Stack) -> Line:
    """P12 of the list of all containers: many engines, some of which take connections and never answer."""
    with simulated(_listing) as path, _silent() as silent:
        stack.manage(script=_ADD.format(path=path, silent=silent, hanging=_HANGING, count=_ENGINES))
        deadline = time.monotonic() + 90
        while int(stack.manage(script=_SEEN).strip().splitlines()[-1]) < _ENGINES:
            assert time.monotonic() < deadline, "not every engine was looked at"
        browser = stack.browser().login()
        took = []
        for _ in range(_RUNS):
            began = time.monotonic()
            page = browser.page("/containers/")
            took.append((time.monotonic() - began) * 1000)
    assert f"{(_ENGINES - _HANGING) * _EACH} all" in page.text and f"{_HANGING} engines that do not" in page.text
    p95 = quantile(took, 0.95)
    what = f"all containers of {_ENGINES} engines of which {_HANGING} hang: page p95"
    return Line("P12", what, f"p50 {median(took):.0f} ms, {(_ENGINES - _HANGING) * _EACH} containers", p95, 600, "ms")


async def _listing(_: web.Request) -> web.Response:
    rows = [
        {"Id": secrets.token_hex(32), "Names": [f"/box-{n}"], "Image": "busybox:local", "State": "exited", "Created": 1}
        for n in range(_EACH)
    ]
    return web.json_response(rows)


@contextlib.contextmanager
def _silent() -> Iterator[str]:
    """A socket that takes connections and never answers."""
    with tempfile.TemporaryDirectory(prefix="sim-", dir="/tmp") as directory:
        path = f"{directory}/s.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(512)
            yield path
