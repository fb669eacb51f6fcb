"""The rules for those below manager: an allowlist over every field of a ContainerSpec. Pure, and microseconds.

A rule gives what the container *does* that is beyond the limits, to be read after "it": `has no memory limit`.
"""

import ipaddress
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

from engines.models import EngineLimits
from engines.spec.facts import Facts
from engines.spec.types import ContainerSpec, Mount, Port

Rule = Callable[[ContainerSpec, EngineLimits, Facts], Iterable[str]]

_MEBIBYTE = 1 << 20
_MOST_SHM_BYTES = 256 * _MEBIBYTE
_MOST_RETRIES = 10
#: An engine that is shut down waits for the most patient of its containers.
_MOST_STOP_SECONDS = 600
#: Each probe is a program that the engine starts inside.
_LEAST_INTERVAL = 1_000_000_000
#: What every container has of the time of CPUs, and of the reads and writes of disks, where they are scarce.
_USUAL_SHARES = 1024
_USUAL_WEIGHT = 500
#: One that the engine chooses, on every address.
_ANY_PORT = Port(1, address="")
#: Networks that every engine has.
BUILT_IN = frozenset({"bridge", "none", "host"})
_OWN_PROPAGATION = {"", "private", "rprivate"}
#: Options of a tmpfs that say whose it is and how large.
_HARMLESS_TMPFS = {"uid", "gid", "size", "nr_inodes", "nr_blocks"}
_MOST_ULIMIT = 1 << 20
_ULIMITS = {"nofile", "nproc", "core"}
_MOST_LOG_BYTES = 100 * _MEBIBYTE
_MOST_LOG_FILES = 10
_LOG_OPTIONS = {"max-size", "max-file", "compress"}
_SIZE = re.compile(r"([1-9][0-9]{0,8})([kmg]?)")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
#: What every container has unless it is dropped.
_USUAL_CAPABILITIES_WORDS = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT"
)
_USUAL_CAPABILITIES = frozenset(_USUAL_CAPABILITIES_WORDS.split())
#: Whoever reaches one of these has the whole host, whatever paths are allowed.
_SENSITIVE = (
    *("/run/docker.sock", "/var/run/docker.sock", "/run/containerd", "/var/run/containerd", "/run/podman"),
    *("/var/lib/docker", "/var/lib/containerd", "/proc", "/sys", "/dev"),
)


@dataclass(frozen=True)
class Refusal:
    """`field` is the spec's; `does` is read after "it"."""

    field: str
    does: str

    def __str__(self) -> str:
        return f"Only managers of this engine may ask for this: it {self.does}."


def refusals(spec: ContainerSpec, limits: EngineLimits, facts: Facts) -> tuple[Refusal, ...]:
    """What of `spec` is beyond `limits`, in the order of its fields; empty when those below manager may have it."""
    found: list[Refusal] = []
    for each in fields(spec):
        rule = _RULES.get(each.name)
        if rule:
            found += [Refusal(each.name, does) for does in rule(spec, limits, facts)]
        elif each.name not in _FREE and getattr(spec, each.name) != each.default:
            found.append(Refusal(each.name, "uses what this console has no rule for"))
    return tuple(found)


def dangerous(spec: ContainerSpec, limits: EngineLimits, facts: Facts) -> tuple[str, ...]:
    """What lets a container reach beyond itself, into its host or another container, more than `limits` allow.

    Only managers enter such a one: whoever is inside has what it has.
    """
    return tuple(does for rule in _REACHING.values() for does in rule(spec, limits, facts))


def sensitive(path: str, more: tuple[str, ...] = ()) -> bool:
    """Whether `path` of the host, as normalised, holds one of those that give the whole host, or lies in one."""
    return any(within(path, each) or within(each, path) for each in (*_SENSITIVE, *more))


def within(path: str, directory: str) -> bool:
    """Component by component: /srv/database is not within /srv/data."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _privileged(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if spec.privileged and not limits.privileged:
        yield "runs privileged: root inside is root of the host"


def _cap_add(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    for name in spec.cap_add:
        if name == "ALL" or name not in _USUAL_CAPABILITIES.union(limits.capabilities):
            yield f"has the capability {name}"


def _security_opt(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    for option in spec.security_opt:
        yield f"runs with its own confinement, or none: {option[:100]}"


def _unmasked(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.unmasked:
        yield "sees the parts of /proc and /sys that are hidden from containers"


def _devices(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if not limits.devices:
        yield from (f"uses the device {each.host}" for each in spec.devices)


def _volumes_from(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    yield from (f"uses the volumes of {each}" for each in spec.volumes_from)


def _shares(field: str, what: str) -> Rule:
    def rule(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
        mode = getattr(spec, field)
        if mode == "host" and not limits.host_namespaces:
            yield f"shares the host's {what}"
        elif mode.startswith("container:"):
            yield f"shares another container's {what}"
        elif mode not in {"", "host", "none"} and field != "network":
            yield f"has an unknown mode of {what}: {mode[:60]}"

    return rule


def _device_cgroup_rules(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if not limits.devices:
        yield from (f"may use the devices {rule[:60]}" for rule in spec.device_cgroup_rules)


def _device_requests(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if not limits.devices:
        for each in spec.device_requests:
            names = [each.driver, *each.ids, *(name for all_of in each.capabilities for name in all_of)]
            yield f"uses devices of the host: {', '.join(filter(None, names))[:100] or 'any'}"


def _volume_driver(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.volume_driver not in {"", "local"}:
        yield f"makes its volumes by the driver {spec.volume_driver[:60]}"


def _links(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    yield from (f"sees the environment of {link.partition(':')[0][:100]}, by a link" for link in spec.links)


def _annotations(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    yield from (f"tells the runtime {name[:100]}" for name, _value in spec.annotations)


def _isolation(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.isolation:
        yield f"has an isolation of its own: {spec.isolation[:60]}"


def _sysctls(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    yield from (f"sets the kernel parameter {name[:100]}" for name, _value in spec.sysctls)


def _runtime(spec: ContainerSpec, _: EngineLimits, facts: Facts) -> Iterator[str]:
    if spec.runtime not in {"", facts.default_runtime}:
        yield f"runs under another runtime: {spec.runtime[:60]}"


def _cgroup_parent(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.cgroup_parent:
        yield f"runs under another cgroup: {spec.cgroup_parent[:100]}"


def _other(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    yield from (f"uses {name[:60]}" for name in spec.other)


def _mounts(spec: ContainerSpec, limits: EngineLimits, facts: Facts) -> Iterator[str]:
    for mount in spec.mounts:
        does = _mount(mount, limits, facts)
        if does:
            yield does


def _mount(mount: Mount, limits: EngineLimits, facts: Facts) -> str:
    match mount.kind:
        case "volume":
            return _volume(mount, facts)
        case "bind":
            return _bind(mount, limits, facts)
        case "tmpfs":
            wider = [option for option in mount.options if option.partition("=")[0] not in _HARMLESS_TMPFS]
            return f"mounts {mount.target[:200]} with {', '.join(wider)[:100]}" if wider else ""
    return f"mounts {mount.source or mount.target} by the type {mount.kind[:20]}"


def _volume(mount: Mount, facts: Facts) -> str:
    name = mount.source[:100]
    if mount.options:
        return f"mounts the volume {name} with {', '.join(mount.options)[:100]}"
    # An engine makes a volume as the mount says, and such a one may be a path of the host.
    if mount.driver_options or mount.driver not in {"", "local"}:
        return f"mounts a volume at {mount.target[:200]} with a driver or options of its own"
    if not mount.source:
        return ""
    if mount.source not in facts.volumes:
        return f"mounts the volume {name}, which does not exist yet"
    if not facts.volumes[mount.source]:
        return f"mounts the volume {name}, which has a driver or options of its own and may be a path of the host"
    if mount.source in facts.closed:
        return f"mounts the volume {name} of {facts.closed[mount.source]}, which reaches beyond itself"
    return ""


def _bind(mount: Mount, limits: EngineLimits, facts: Facts) -> str:
    path = mount.source
    if mount.options:
        return f"mounts {path[:200]} of the host with {', '.join(mount.options)[:100]}"
    if mount.propagation not in _OWN_PROPAGATION:
        return f"mounts {path[:200]} of the host, and shares what is mounted there later: {mount.propagation[:20]}"
    if not path.startswith("/") or path.startswith("//") or posixpath.normpath(path) != path:
        return f"mounts {path[:200]} of the host, which is no plain absolute path"
    if sensitive(path, facts.sensitive):
        return f"mounts {path[:200]} of the host, which gives the whole host"
    # Just these, none below: whoever writes into one could put a link there that leads anywhere, and mount that.
    if path not in limits.host_paths:
        return f"mounts {path[:200]} of the host"
    return ""


def _new_privileges(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if spec.new_privileges and not limits.new_privileges:
        yield "may gain privileges by set-user-id programs"


def _network(spec: ContainerSpec, limits: EngineLimits, facts: Facts) -> Iterator[str]:
    yield from _shares("network", "network")(spec, limits, facts)
    if not spec.network.startswith("container:"):
        yield from _joining(spec.network, facts)


def _joins(spec: ContainerSpec, limits: EngineLimits, facts: Facts) -> Iterator[str]:
    for join in spec.joins:
        # The first one is judged as `network`.
        if join.network != spec.network:
            yield from _joining(join.network, facts)
            if join.network == "host" and not limits.host_namespaces:
                yield "shares the host's network"
        if join.driver_options:
            yield f"gives options to the driver of the network {join.network[:100]}"


def _joining(name: str, facts: Facts) -> Iterator[str]:
    if name in BUILT_IN:
        return
    if name not in facts.networks:
        yield f"joins the network {name[:100]}, which does not exist"
    elif facts.networks[name] != "bridge":
        yield f"joins the network {name[:100]} of the driver {facts.networks[name][:40]}"


def _extra_hosts(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if any(entry.endswith("host-gateway") for entry in spec.extra_hosts):
        yield "gives a name to the host itself"


def _ports(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    yield from _published(spec.ports, limits)


def _publish_all(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if spec.publish_all and any(_published([_ANY_PORT], limits)):
        yield "publishes all ports that the image names, on every address and wherever the engine likes"


def _published(ports: Iterable[Port], limits: EngineLimits) -> Iterator[str]:
    lowest, highest = limits.port_lowest, limits.port_highest
    for port in ports:
        if not limits.publish_everywhere and not _loopback(port.address):
            yield f"publishes port {port.private} on {port.address or 'every address'}, beyond the host itself"
        if port.public == 0 and (lowest, highest) != (1, 65535):
            yield f"publishes port {port.private} wherever the engine likes, not between {lowest} and {highest}"
        elif port.public and not lowest <= port.public <= max(port.public, port.public_end) <= highest:
            yield f"publishes port {port.public} of the host, not between {lowest} and {highest}"


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _storage_options(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    yield from (f"sets the storage option {name[:60]}" for name, _value in spec.storage_options)


def _stop_timeout(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.stop_timeout is not None and not 0 <= spec.stop_timeout <= _MOST_STOP_SECONDS:
        yield f"may take more than {_MOST_STOP_SECONDS} seconds to stop"


def _healthcheck(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    check = spec.healthcheck
    if any(0 < interval < _LEAST_INTERVAL for interval in (check.interval, check.start_interval)):
        yield "is probed more often than once a second"


def _shm_bytes(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.shm_bytes > _MOST_SHM_BYTES:
        yield f"has more than {_MOST_SHM_BYTES // _MEBIBYTE} MiB of shared memory"


def _restart(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    endless = spec.restart == "on-failure" and not 1 <= spec.restart_retries <= _MOST_RETRIES
    if endless or spec.restart not in {"no", "on-failure", "unless-stopped"}:
        yield f"restarts more often than {_MOST_RETRIES} times, without a way to end it"


def _memory_bytes(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    most = limits.memory_most_bytes
    if not spec.memory_bytes:
        if limits.memory_required or most:
            yield "has no memory limit"
    elif most and spec.memory_bytes > most:
        yield f"may use more than {most // _MEBIBYTE} MiB of memory"


def _memory_swap_bytes(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    # An engine gives as much swap as memory to one of which nothing is said. With more, or without end, a container
    # that leaks fills the host's swap, and slows down all others, instead of being ended at its memory limit.
    if not 0 <= spec.memory_swap_bytes <= 2 * spec.memory_bytes:
        yield "may use more swap than memory"


def _cpu_shares(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.cpu_shares > _USUAL_SHARES:
        yield f"gets more of the CPUs than others where they are scarce: more than {_USUAL_SHARES} shares"


def _blkio_weight(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.blkio_weight > _USUAL_WEIGHT:
        yield f"gets more of the disks than others where they are busy: a weight of more than {_USUAL_WEIGHT}"


def _realtime(field: str) -> Rule:
    def rule(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
        if getattr(spec, field):
            yield "may run in real time, before all other programs of the host"

    return rule


def _rates(field: str, most: int = 0) -> Rule:
    """`most` for weights, which give more than others have."""

    def rule(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
        for each in getattr(spec, field):
            # The engine's answer would tell whether there is any other path.
            if not within(posixpath.normpath(each.path), "/dev"):
                yield f"sets a limit on {each.path[:200]} of the host, which is no device"
            elif most and each.rate > most:
                yield f"gets more of {each.path[:200]} than others: a weight of more than {most}"

    return rule


def _pids(spec: ContainerSpec, limits: EngineLimits, _: Facts) -> Iterator[str]:
    if not spec.pids:
        if limits.pids_required or limits.pids_most:
            yield "has no process limit"
    elif limits.pids_most and spec.pids > limits.pids_most:
        yield f"may have more than {limits.pids_most} processes"


def _ulimits(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    for each in spec.ulimits:
        if each.name not in _ULIMITS:
            yield f"sets the limit {each.name[:40]}"
        elif not 0 <= each.soft <= each.hard <= _MOST_ULIMIT:
            yield f"sets {each.name} beyond {_MOST_ULIMIT}, or its soft limit above the hard one"


def _log_driver(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.log_driver not in {"json-file", "local"}:
        yield f"sends its log elsewhere, by the driver {spec.log_driver[:40] or 'of the engine'}"


def _log_options(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    options = dict(spec.log_options)
    for name in sorted(options.keys() - _LOG_OPTIONS):
        yield f"sets the log option {name[:60]}"
    size, number = _SIZE.fullmatch(options.get("max-size", "")), options.get("max-file", "")
    bounded = size is not None and int(size[1]) * _UNITS[size[2]] <= _MOST_LOG_BYTES
    if not bounded or not number.isdecimal() or not 1 <= int(number[:6]) <= _MOST_LOG_FILES:
        yield f"may write a log beyond {_MOST_LOG_FILES} files of {_MOST_LOG_BYTES // _MEBIBYTE} MiB"


def _oom_kill_disable(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.oom_kill_disable:
        yield "is not ended when memory runs out"


def _oom_score_adj(spec: ContainerSpec, _: EngineLimits, __: Facts) -> Iterator[str]:
    if spec.oom_score_adj < 0:
        yield "is ended later than the host's own programs when memory runs out"


#: What reaches the host or another container.
_REACHING: dict[str, Rule] = {
    "privileged": _privileged,
    "cap_add": _cap_add,
    "mounts": _mounts,
    "volumes_from": _volumes_from,
    "network": _shares("network", "network"),
    "pid": _shares("pid", "processes"),
    "ipc": _shares("ipc", "shared memory"),
    "uts": _shares("uts", "host name"),
    "userns": _shares("userns", "users"),
    "cgroupns": _shares("cgroupns", "cgroups"),
    "security_opt": _security_opt,
    "unmasked": _unmasked,
    "devices": _devices,
    "device_cgroup_rules": _device_cgroup_rules,
    "device_requests": _device_requests,
    "volume_driver": _volume_driver,
    "links": _links,
    "annotations": _annotations,
    "isolation": _isolation,
    "sysctls": _sysctls,
    "runtime": _runtime,
    "cgroup_parent": _cgroup_parent,
    "other": _other,
}
_RULES: dict[str, Rule] = _REACHING | {
    "network": _network,
    "new_privileges": _new_privileges,
    "extra_hosts": _extra_hosts,
    "ports": _ports,
    "publish_all": _publish_all,
    "joins": _joins,
    "storage_options": _storage_options,
    "stop_timeout": _stop_timeout,
    "healthcheck": _healthcheck,
    "shm_bytes": _shm_bytes,
    "restart": _restart,
    "memory_bytes": _memory_bytes,
    "memory_swap_bytes": _memory_swap_bytes,
    "cpu_shares": _cpu_shares,
    "cpu_realtime_period": _realtime("cpu_realtime_period"),
    "cpu_realtime_runtime": _realtime("cpu_realtime_runtime"),
    "blkio_weight": _blkio_weight,
    "blkio_weight_device": _rates("blkio_weight_device", _USUAL_WEIGHT),
    "device_read_bps": _rates("device_read_bps"),
    "device_read_iops": _rates("device_read_iops"),
    "device_write_bps": _rates("device_write_bps"),
    "device_write_iops": _rates("device_write_iops"),
    "pids": _pids,
    "ulimits": _ulimits,
    "log_driver": _log_driver,
    "log_options": _log_options,
    "oom_kill_disable": _oom_kill_disable,
    "oom_score_adj": _oom_score_adj,
}
#: Fields that need no rule: they shape only what runs inside, or take rights away.
_FREE_WORDS = (
    "image name platform command entrypoint env labels working_dir user group_add hostname domainname tty interactive "
    "init stop_signal expose dns dns_options dns_search read_only restart_retries auto_remove "
    "memory_reservation_bytes memory_swappiness nano_cpus cpu_period cpu_quota cpuset_cpus cpuset_mems cap_drop"
)
_FREE = frozenset(_FREE_WORDS.split())
