"""A container in words that work elsewhere: the docker command, the Engine API's requests, a Compose file. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from engines.creation.forms import RESERVED
from engines.spec import docker_run
from engines.spec.body import body, later_joins, query
from engines.spec.compose import compose
from engines.spec.compose import unsaid as compose_unsaid
from engines.spec.types import ContainerSpec


@dataclass(frozen=True)
class Text:
    """One way to say it. `notes` is what it cannot say; `key` is part of ids in the page."""

    key: str
    label: str
    text: str
    notes: tuple[str, ...] = ()


def texts(spec: ContainerSpec, api_version: str, *, start: bool = True) -> tuple[Text, ...]:
    """`spec` for an engine of `api_version`. The console's own labels are part of its own request alone."""
    plain = replace(spec, labels=tuple(pair for pair in spec.labels if not pair[0].startswith(RESERVED)))
    return (
        Text("run", "docker run", docker_run.text(plain, start=start), docker_run.unsaid(plain)),
        Text("api", "Engine API", "\n\n".join(_shown(each) for each in _requests(spec, api_version, start))),
        Text("curl", "curl", "\n\n".join(_curl(each) for each in _requests(plain, api_version, start))),
        Text("compose", "Compose", compose(plain), compose_unsaid(plain)),
    )


@dataclass(frozen=True)
class _Request:
    path: str
    body: object = None


def _requests(spec: ContainerSpec, api_version: str, start: bool) -> Iterator[_Request]:
    """All of them, in their order. Those after the first name the container, or its id where it has no name."""
    asked, base = urlencode(query(spec)), f"/v{api_version}" if api_version else ""
    yield _Request(f"{base}/containers/create" + (f"?{asked}" if asked else ""), body(spec, api_version))
    made = spec.name or "<Id of the reply>"
    for network, endpoint in later_joins(spec, api_version).items():
        yield _Request(f"{base}/networks/{network}/connect", {"Container": made, "EndpointConfig": endpoint})
    if start:
        yield _Request(f"{base}/containers/{made}/start")


def _shown(request: _Request) -> str:
    sent = "" if request.body is None else "\n" + json.dumps(request.body, indent=2, ensure_ascii=False)
    return f"POST {request.path}{sent}"


def _curl(request: _Request) -> str:
    address = docker_run.quoted(f"http://localhost{request.path}")
    command = f"curl --fail-with-body --unix-socket /var/run/docker.sock -X POST {address}"
    if request.body is None:
        return command
    sent = docker_run.quoted(json.dumps(request.body))
    return f"{command} \\\n  -H 'Content-Type: application/json' \\\n  -d {sent}"
