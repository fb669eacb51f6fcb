"""A container made anew with what was changed, where all else stays as its engine has it, known to this console or not.

Of what the spec covers, the spec decides. Of what stayed the same, the engine's own writing is sent again, since a spec
says less than it in places: who may share its memory, a list of hidden paths, a mount's further options.
"""

from collections.abc import Mapping
from typing import Any

from engines.client.fields import table, text
from engines.spec.body import body, later_joins, mounts
from engines.spec.inspected import HARMLESS, READ, asked_mounts, clean, empty, from_inspect
from engines.spec.types import ContainerSpec, Mount

_MOUNT_MEMBERS = frozenset({"Mounts", "Binds", "Tmpfs"})
#: Modes that a spec says nothing of, since an engine's own cannot be told from one asked for.
_MODES = ("CgroupnsMode", "IpcMode")
#: Of Config, what the spec covers, and what is the image's.
_CONFIG_WORDS = (
    "Image Cmd Entrypoint Env Labels WorkingDir User Hostname Domainname Tty OpenStdin ExposedPorts StopSignal "
    "StopTimeout Healthcheck MacAddress Volumes OnBuild Shell ArgsEscaped"
)
_CONFIG = frozenset(_CONFIG_WORDS.split())
#: Of Config, what was said by who started it from a terminal, and means nothing afterwards.
_CLIENTS = frozenset({"AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"})
#: Of EndpointSettings, what people may ask for and the spec does not cover. Most others are what came out.
_ENDPOINT = ("Links", "GwPriority")


def recreated(spec: ContainerSpec, inspect: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    """The body that creates `spec` in the place of the container of `inspect`.

    Members of its HostConfig that this console does not know are kept where `spec.other`, by which it was judged,
    names them. Networks that an engine of `api_version` takes only afterwards are in `later`.
    """
    config, old = table(inspect.get("Config")), from_inspect(inspect)
    before, asked = body(old, api_version), body(spec, api_version)
    host, joined = asked.pop("HostConfig"), asked.pop("NetworkingConfig", {})
    volumes, host_mounts = _mounts(spec, inspect)
    endpoints = dict(joined.get("EndpointsConfig", {}))
    for network in {spec.network, *(join.network for join in spec.joins)} - later_joins(spec, api_version).keys():
        more = _endpoint(inspect, network)
        if more:
            endpoints[network] = endpoints.get(network, {}) | more
    return (
        asked
        | {name: value for name, value in config.items() if name not in _CONFIG and not empty(value)}
        | {"HostConfig": _host(spec, inspect, before["HostConfig"], host) | host_mounts}
        | ({"Volumes": volumes} if volumes else {})
        | ({"NetworkingConfig": {"EndpointsConfig": endpoints}} if endpoints else {})
    )


def later(spec: ContainerSpec, inspect: Mapping[str, Any], api_version: str) -> dict[str, dict[str, Any]]:
    """Like `body.later_joins`, with what is kept of the old endpoints."""
    joins = later_joins(spec, api_version)
    return {network: settings | _endpoint(inspect, network) for network, settings in joins.items()}


def kept(inspect: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the members that `recreated` keeps although no field stands for them."""
    config, host = table(inspect.get("Config")), table(inspect.get("HostConfig"))
    networks = table(table(inspect.get("NetworkSettings")).get("Networks"))
    return (
        *sorted(name for name, value in config.items() if name not in _CONFIG | _CLIENTS and not empty(value)),
        *sorted(
            f"HostConfig.{name}" for name, value in host.items() if name not in READ | HARMLESS and not empty(value)
        ),
        *(f"{member} of the network {network}" for network in networks for member in _endpoint(inspect, network)),
    )


def _host(
    spec: ContainerSpec, inspect: Mapping[str, Any], before: Mapping[str, Any], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """The HostConfig without mounts. `before` is that of the old container as a spec says it."""
    host = table(inspect.get("HostConfig"))
    made = {
        name: host[name] if name in host and before.get(name) == value else value
        for name, value in asked.items()
        if name not in _MOUNT_MEMBERS
    }
    modes = [name for name in _MODES if name not in before and name not in asked]
    unknown = [name for name in host if name in HARMLESS or (name in spec.other and name not in READ)]
    return made | {name: host[name] for name in (*modes, *unknown) if not empty(host.get(name))}


def _mounts(spec: ContainerSpec, inspect: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Volumes of the Config, and the mounts of the HostConfig: those of before in the form they had."""
    host = table(inspect.get("HostConfig"))
    had = {mount: (member, entry) for member, entry, mount in asked_mounts(host)}
    own = {Mount("volume", "", clean(target)): target for target in table(table(inspect.get("Config")).get("Volumes"))}
    volumes: dict[str, Any] = {own[mount]: {} for mount in spec.mounts if mount in own.keys() - had.keys()}
    made = mounts(mount for mount in spec.mounts if mount not in had and mount not in own)
    for mount in spec.mounts:
        member, entry = had.get(mount, ("", None))
        if member == "Tmpfs":
            made["Tmpfs"] = made.get("Tmpfs", {}) | dict([entry])
        elif member:
            made[member] = [*made.get(member, []), entry]
    return volumes, made


def _endpoint(inspect: Mapping[str, Any], network: str) -> dict[str, Any]:
    """What is kept of the endpoint in `network`, a name or id."""
    networks = table(table(inspect.get("NetworkSettings")).get("Networks"))
    for name, settings in networks.items():
        if network in {name, text(table(settings).get("NetworkID"))}:
            return {member: settings[member] for member in _ENDPOINT if not empty(table(settings).get(member))}
    return {}
