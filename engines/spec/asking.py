"""Asks an engine for the Facts of a container: only about the volumes and networks that it names, so seldom at all."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from engines.client.connect import Client, call
from engines.client.endpoint import parse
from engines.client.errors import EngineReplied
from engines.client.fields import table, tables, text
from engines.client.ids import IdInvalid, require_name
from engines.models import EngineLimits
from engines.spec.facts import Facts
from engines.spec.inspected import from_inspect
from engines.spec.limits import BUILT_IN, dangerous
from engines.spec.types import ContainerSpec

#: More containers of one volume are not looked into; it counts as closed then.
_MOST_USERS = 20
#: Of all volumes of a request together, so that no form makes an engine answer for long.
_MOST_INSPECTS = 50
_NOT_FOUND = 404


def facts(client: Client, spec: ContainerSpec, url: str, *, users: EngineLimits | None = None) -> Facts:
    """What `client`'s engine, registered at `url`, says of what `spec` names. Raises EngineError.

    With `users`, the limits, also whether the volumes are used by containers that only managers may enter.
    """
    volumes = _volumes(client, spec)
    plain = [name for name, is_plain in volumes.items() if is_plain]
    return Facts(
        volumes=volumes,
        closed=dict(_closed(client, plain, users)) if users else {},
        networks=_networks(client, {spec.network, *(join.network for join in spec.joins)}),
        sensitive=(*_near(url), *_root(client, spec)),
        # A request that names even the usual one may mean to leave an engine's own, stronger one.
        default_runtime=own_runtime(client) if users and spec.runtime else default_runtime(client, spec),
    )


def resolved(client: Client, spec: ContainerSpec) -> ContainerSpec:
    """`spec` with ids for the names of containers whose namespaces it shares, as the engine will write them.

    A name that nobody has stays; the engine refuses it. Raises EngineError.
    """
    return replace(
        spec,
        network=_resolved(client, spec.network),
        pid=_resolved(client, spec.pid),
        ipc=_resolved(client, spec.ipc),
    )


def _resolved(client: Client, mode: str) -> str:
    kind, _, name = mode.partition(":")
    if kind != "container" or not _nameable(name):
        return mode
    return f"container:{text(inspect(client, name).get('Id')) or name}"


def default_runtime(client: Client, spec: ContainerSpec) -> str:
    """The engine's own runtime; only asked where `spec` names another one than nearly every engine has."""
    if spec.runtime in {"", "runc"}:
        return "runc"
    return own_runtime(client)


def own_runtime(client: Client) -> str:
    """The runtime of containers that name none. Raises EngineError."""
    return text(_object(client, "/info").get("DefaultRuntime"))


def inspect(client: Client, container: str) -> Mapping[str, Any]:
    """The inspect of a container; `{}` when there is none of this id or name. Raises EngineError."""
    return (_found(client, f"/containers/{container}/json") if _nameable(container) else None) or {}


def _volumes(client: Client, spec: ContainerSpec) -> dict[str, bool]:
    """Of the volumes that `spec` names and that exist: whether they are plain local ones."""
    names = {mount.source for mount in spec.mounts if mount.kind == "volume" and _nameable(mount.source)}
    found = {name: _found(client, f"/volumes/{name}") for name in sorted(names)}
    return {
        name: volume.get("Driver") == "local" and not volume.get("Options")
        for name, volume in found.items()
        if volume is not None
    }


def _closed(client: Client, names: list[str], limits: EngineLimits) -> Iterator[tuple[str, str]]:
    left = _MOST_INSPECTS
    for name in names:
        filters = json.dumps({"volume": [name]})
        users = tables(call(client, "GET", "/containers/json", params={"all": "1", "filters": filters}))
        left -= len(users)
        if len(users) > _MOST_USERS or left < 0:
            yield name, f"more than {_MOST_USERS} containers, one of"
            continue
        for user in users:
            found = from_inspect(inspect(client, text(user.get("Id"))))
            if dangerous(found, limits, Facts(volumes=_volumes(client, found))):
                yield name, found.name
                break


def _networks(client: Client, names: set[str]) -> dict[str, str]:
    drivers: dict[str, str] = {}
    for name in sorted(filter(_nameable, names - BUILT_IN)):
        found = _found(client, f"/networks/{name}")
        # An id's beginning would find it as well; only the name, or the whole id, is one network for ever.
        if found is not None and name in {found.get("Name"), found.get("Id")}:
            drivers[name] = text(found.get("Driver"))
    return drivers


def _near(url: str) -> tuple[str, ...]:
    """Of an engine on this machine: its socket, and where this console keeps its keys."""
    address = parse(url)
    return (address.path, str(settings.DATA_DIR)) if address.scheme == "unix" else ()


def _root(client: Client, spec: ContainerSpec) -> tuple[str, ...]:
    """Where the engine keeps everything; asked only when a path of the host is to be mounted."""
    if not any(mount.kind == "bind" for mount in spec.mounts):
        return ()
    root = text(_object(client, "/info").get("DockerRootDir"))
    return (root,) if root.startswith("/") else ()


def _object(client: Client, path: str) -> Mapping[str, Any]:
    return table(call(client, "GET", path))


def _found(client: Client, path: str) -> Mapping[str, Any] | None:
    try:
        return _object(client, path)
    except EngineReplied as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise


def _nameable(name: str) -> bool:
    try:
        return bool(require_name(name))
    except IdInvalid:
        return False
