"""A container as a Compose file with one service, by the keys of the Compose specification."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from engines.spec.body import first_join
from engines.spec.docker_run import RECURSIVE, alone, cpus, is_cdi, port_text, tmpfs_flags
from engines.spec.types import DOCKER_RUN, ContainerSpec, DeviceRequest, Healthcheck, Join, Mount, Rate
from engines.spec.units import size_text, time_text

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
#: What YAML 1.1, which many tools still read, takes for something else than a text.
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_UNUSABLE = re.compile(r"[^a-zA-Z0-9._-]+")
_SELINUX = {"z", "Z"}


def compose(spec: ContainerSpec, service: str = "") -> str:
    """YAML. Networks and volumes that have a name are there already: `external`."""
    name = service or spec.name or spec.image.rpartition("/")[2].partition(":")[0]
    file = {
        "services": {_UNUSABLE.sub("-", name).strip("-") or "app": _service(spec)},
        "networks": {network: {"external": True} for network in _networks(spec)},
        "volumes": dict(map(_volume, _named(spec))),
    }
    return "\n".join(_lines(_said(file), "")) + "\n"


def unsaid(spec: ContainerSpec) -> tuple[str, ...]:
    """What of `spec` a Compose file has no key for; sentences."""
    return tuple(_unsaid(spec))


def _unsaid(spec: ContainerSpec) -> Iterator[str]:
    if spec.auto_remove:
        yield "It is removed when it ends."
    if spec.publish_all:
        yield "All ports that the image names are published."
    if spec.volume_driver:
        yield f"Its volumes are made by the driver {spec.volume_driver}."
    if spec.cpuset_mems:
        yield f"It uses the memory nodes {spec.cpuset_mems}."
    if alone(spec):
        yield from (
            f"It joins {join.network} as well: docker network connect does that afterwards."
            for join in spec.joins
            if join.network != spec.network
        )
    for mount in spec.mounts:
        if mount.kind != "tmpfs":
            for option in set(mount.options) - RECURSIVE.keys() - _SELINUX - {"CreateMountpoint"}:
                yield f"The mount at {mount.target} has the option {option}."
    yield from (f"{name}, which this console does not know." for name in spec.other)


def _service(spec: ContainerSpec) -> dict[str, Any]:
    asked = {
        "image": spec.image,
        "container_name": spec.name,
        "platform": spec.platform,
        "entrypoint": list(spec.entrypoint),
        "command": list(spec.command),
        "environment": list(spec.env),
        "labels": dict(spec.labels),
        "annotations": dict(spec.annotations),
        "working_dir": spec.working_dir,
        "user": spec.user,
        "group_add": list(spec.group_add),
        "hostname": spec.hostname,
        "domainname": spec.domainname,
        "stdin_open": spec.interactive,
        "tty": spec.tty,
        "init": spec.init,
        "stop_signal": spec.stop_signal,
        "stop_grace_period": "" if spec.stop_timeout is None else f"{spec.stop_timeout}s",
        "healthcheck": _healthcheck(spec.healthcheck),
        "restart": _restart(spec),
        "ports": [port_text(port) for port in spec.ports],
        "expose": list(spec.expose),
        **_network(spec),
        "external_links": list(spec.links),
        "dns": list(spec.dns),
        "dns_opt": list(spec.dns_options),
        "dns_search": list(spec.dns_search),
        "extra_hosts": list(spec.extra_hosts),
        "volumes": [_mount(mount) for mount in spec.mounts if mount.kind != "tmpfs"],
        "tmpfs": [_tmpfs(mount) for mount in spec.mounts if mount.kind == "tmpfs"],
        "volumes_from": [f"container:{name}" for name in spec.volumes_from],
        "storage_opt": dict(spec.storage_options),
        "read_only": spec.read_only,
        "shm_size": _size(spec.shm_bytes),
        **_limits(spec),
        "logging": _logging(spec),
        "privileged": spec.privileged,
        "cap_add": list(spec.cap_add),
        "cap_drop": list(spec.cap_drop),
        "security_opt": [
            *([] if spec.new_privileges else ["no-new-privileges:true"]),
            *(["systempaths=unconfined"] if spec.unmasked else []),
            *spec.security_opt,
        ],
        "devices": [
            *(f"{each.host}:{each.inside}:{each.rights}" for each in spec.devices),
            *(name for request in spec.device_requests if is_cdi(request) for name in request.ids),
        ],
        "device_cgroup_rules": list(spec.device_cgroup_rules),
        "deploy": _deploy([_reserved(request) for request in spec.device_requests if not is_cdi(request)]),
        "pid": spec.pid,
        "ipc": spec.ipc,
        "uts": spec.uts,
        "userns_mode": spec.userns,
        "cgroup": spec.cgroupns,
        "sysctls": dict(spec.sysctls),
        "runtime": spec.runtime,
        "isolation": spec.isolation,
        "cgroup_parent": spec.cgroup_parent,
    }
    return _said(asked)


def _limits(spec: ContainerSpec) -> dict[str, Any]:
    blkio = {
        "weight": spec.blkio_weight,
        "weight_device": [{"path": each.path, "weight": each.rate} for each in spec.blkio_weight_device],
        "device_read_bps": _rates(spec.device_read_bps),
        "device_read_iops": _rates(spec.device_read_iops),
        "device_write_bps": _rates(spec.device_write_bps),
        "device_write_iops": _rates(spec.device_write_iops),
    }
    return {
        "mem_limit": _size(spec.memory_bytes),
        "mem_reservation": _size(spec.memory_reservation_bytes),
        "memswap_limit": "-1" if spec.memory_swap_bytes < 0 else _size(spec.memory_swap_bytes),
        "mem_swappiness": "" if spec.memory_swappiness is None else str(spec.memory_swappiness),
        "cpus": cpus(spec.nano_cpus) if spec.nano_cpus else "",
        "cpu_shares": spec.cpu_shares,
        "cpu_period": spec.cpu_period,
        "cpu_quota": spec.cpu_quota,
        "cpu_rt_period": spec.cpu_realtime_period,
        "cpu_rt_runtime": spec.cpu_realtime_runtime,
        "cpuset": spec.cpuset_cpus,
        "pids_limit": spec.pids,
        "ulimits": {each.name: {"soft": each.soft, "hard": each.hard} for each in spec.ulimits},
        "blkio_config": _said(blkio),
        "oom_kill_disable": spec.oom_kill_disable,
        "oom_score_adj": spec.oom_score_adj,
    }


def _said(members: dict[str, Any]) -> dict[str, Any]:
    """What is empty or 0 stands for the image's or the engine's own everywhere here."""
    return {key: value for key, value in members.items() if value}


def _size(size: int) -> str:
    return size_text(size) if size else ""


def _rates(rates: Iterable[Rate]) -> list[dict[str, Any]]:
    return [{"path": each.path, "rate": each.rate} for each in rates]


def _healthcheck(check: Healthcheck) -> dict[str, Any]:
    if check.test[:1] == ("NONE",):
        return {"disable": True}
    times = {
        "interval": check.interval,
        "timeout": check.timeout,
        "start_period": check.start_period,
        "start_interval": check.start_interval,
    }
    said = {"test": list(check.test), **{name: time_text(time) for name, time in times.items() if time}}
    return _said({**said, "retries": check.retries})


def _restart(spec: ContainerSpec) -> str:
    if spec.restart == "on-failure" and spec.restart_retries:
        return f"on-failure:{spec.restart_retries}"
    return spec.restart if spec.restart != DOCKER_RUN.restart else ""


def _networks(spec: ContainerSpec) -> list[str]:
    """Those that are no engine's own, of which Compose joins several at once."""
    return [] if alone(spec) else [spec.network, *(each.network for each in spec.joins if each.network != spec.network)]


def _network(spec: ContainerSpec) -> dict[str, Any]:
    if alone(spec):
        return {"network_mode": spec.network, "mac_address": first_join(spec).mac_address}
    joins = {join.network: _join(join) for join in (first_join(spec), *spec.joins)}
    return {"networks": joins if any(joins.values()) else list(joins)}


def _join(join: Join) -> dict[str, Any]:
    return _said(
        {
            "aliases": list(join.aliases),
            "ipv4_address": join.ipv4,
            "ipv6_address": join.ipv6,
            "link_local_ips": list(join.link_local),
            "mac_address": join.mac_address,
            "driver_opts": dict(join.driver_options),
        }
    )


def _named(spec: ContainerSpec) -> list[Mount]:
    return [mount for mount in spec.mounts if mount.kind == "volume" and mount.source]


def _volume(mount: Mount) -> tuple[str, dict[str, Any]]:
    made = _said({"driver": mount.driver, "driver_opts": dict(mount.driver_options), "labels": dict(mount.labels)})
    # Without its name said, Compose would put that of the project before it.
    return mount.source, {"name": mount.source, **made} if made else {"external": True}


def _mount(mount: Mount) -> dict[str, Any]:
    asked: dict[str, Any] = {"type": mount.kind, "source": mount.source, "target": mount.target}
    asked |= {"read_only": mount.read_only}
    if mount.kind == "volume":
        asked |= {"volume": _said({"nocopy": mount.no_copy, "subpath": mount.subpath})}
    if mount.kind == "bind":
        recursive = next((RECURSIVE[option] for option in mount.options if option in RECURSIVE), "")
        selinux = next((option for option in mount.options if option in _SELINUX), "")
        bind = {"propagation": mount.propagation, "recursive": recursive, "selinux": selinux}
        # Compose makes a directory of the host unless it is told not to.
        asked |= {"bind": {**_said(bind), "create_host_path": "CreateMountpoint" in mount.options}}
    return _said(asked)


def _tmpfs(mount: Mount) -> str:
    flags = tmpfs_flags(mount)
    return f"{mount.target}:{flags}" if flags else mount.target


def _logging(spec: ContainerSpec) -> dict[str, Any]:
    if (spec.log_driver, spec.log_options) == (DOCKER_RUN.log_driver, DOCKER_RUN.log_options):
        return {}
    return _said({"driver": spec.log_driver, "options": dict(spec.log_options)})


def _deploy(devices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resources": {"reservations": {"devices": devices}}} if devices else {}


def _reserved(request: DeviceRequest) -> dict[str, Any]:
    return _said(
        {
            "driver": request.driver,
            "count": "all" if request.count < 0 else request.count,
            "device_ids": list(request.ids),
            "capabilities": sorted({name for each in request.capabilities for name in each}),
            "options": dict(request.options),
        }
    )


def _lines(value: dict[str, Any] | Sequence[Any], margin: str) -> Iterator[str]:
    """A mapping or a sequence as lines that begin with `margin`."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _member(f"{margin}{_scalar(key)}:", member, f"{margin}  ")
        return
    for member in value:
        if isinstance(member, dict) and member:
            first, *further = _lines(member, f"{margin}  ")
            yield f"{margin}- {first.lstrip()}"
            yield from further
        else:
            yield f"{margin}- {_scalar(_literal(member))}"


def _member(head: str, value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from _lines(value, margin)
    else:
        yield f"{head} {_scalar(_literal(value))}"


def _literal(value: Any) -> Any:
    """Compose puts variables in the place of $NAME, in values alone."""
    return value.replace("$", "$$") if isinstance(value, str) else value


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    code = ord(character)
    return character if character.isprintable() else f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
