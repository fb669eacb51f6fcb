"""What an engine made, by its inspect, as a ContainerSpec. Judged by what it says there, never by labels.

Read tolerantly, but never to the safe side: what is not understood is kept in `other`.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engines.client.fields import number, pairs, table, tables, text, texts
from engines.spec.types import ContainerSpec, Device, DeviceRequest, Healthcheck, Join, Mount, Port, Rate, Ulimit

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"(\d{1,15})([kmg]?)b?", re.IGNORECASE)
#: Of a port's number, as engines write it.
_MOST_DIGITS = 5
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_NO_NEW_PRIVILEGES = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
_PROPAGATIONS = {"shared", "slave", "private", "rshared", "rslave", "rprivate"}
#: Flags that change nothing on Linux, or that every mount has.
_USUAL_FLAGS = {"", "rw", "ro", "noexec", "nosuid", "nodev", "nocopy", "consistent", "cached", "delegated"}
#: What stands for "not shared with anybody else".
_PRIVATE = {"default", "private", "shareable"}
#: Some of what every engine hides in /proc and /sys, or lets only be read, unless it is told not to.
_HIDDEN = {"/proc/kcore", "/proc/keys", "/sys/firmware"}
_READ_ONLY = {"/proc/sys", "/proc/sysrq-trigger"}
#: Members of HostConfig that are read below.
_READ_WORDS = (
    "NetworkMode PortBindings PublishAllPorts Links Dns DnsOptions DnsSearch ExtraHosts Binds Mounts Tmpfs VolumesFrom "
    "VolumeDriver StorageOpt ReadonlyRootfs Init ShmSize RestartPolicy AutoRemove GroupAdd Annotations Memory "
    "MemoryReservation MemorySwap MemorySwappiness NanoCpus CpuShares CpuPeriod CpuQuota CpuRealtimePeriod "
    "CpuRealtimeRuntime CpusetCpus CpusetMems PidsLimit Ulimits BlkioWeight BlkioWeightDevice BlkioDeviceReadBps "
    "BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps LogConfig Privileged CapAdd CapDrop SecurityOpt "
    "MaskedPaths ReadonlyPaths Devices DeviceCgroupRules DeviceRequests PidMode IpcMode UTSMode UsernsMode "
    "CgroupnsMode Sysctls Runtime Isolation CgroupParent OomKillDisable OomScoreAdj"
)
READ = frozenset(_READ_WORDS.split())
#: Members without effect on Linux, on the container, or on any engine of today.
_HARMLESS_WORDS = (
    "ConsoleSize ContainerIDFile CpuCount CpuPercent IOMaximumBandwidth IOMaximumIOps KernelMemory KernelMemoryTCP"
)
HARMLESS = frozenset(_HARMLESS_WORDS.split())
_KNOWN = READ | HARMLESS


def from_inspect(reply: Mapping[str, Any]) -> ContainerSpec:
    """From the reply of GET /containers/{id}/json (Engine API: Container/ContainerInspect)."""
    config, host = table(reply.get("Config")), table(reply.get("HostConfig"))
    policy, log = table(host.get("RestartPolicy")), table(host.get("LogConfig"))
    options = texts(host.get("SecurityOpt"))
    privileged = bool(host.get("Privileged"))
    network = _own(host, "NetworkMode") or "bridge"
    ports = tuple(sorted(_ports(table(host.get("PortBindings")))))
    published = {f"{port.private}/{port.protocol}" for port in ports}
    return ContainerSpec(
        image=text(config.get("Image")),
        name=text(reply.get("Name")).removeprefix("/"),
        command=tuple(texts(config.get("Cmd"))),
        entrypoint=tuple(texts(config.get("Entrypoint"))),
        env=tuple(texts(config.get("Env"))),
        labels=_sorted_pairs(config.get("Labels")),
        annotations=_sorted_pairs(host.get("Annotations")),
        working_dir=text(config.get("WorkingDir")),
        user=text(config.get("User")),
        group_add=tuple(texts(host.get("GroupAdd"))),
        hostname=text(config.get("Hostname")),
        domainname=text(config.get("Domainname")),
        tty=config.get("Tty") is True,
        interactive=config.get("OpenStdin") is True,
        init=host.get("Init") is True,
        stop_signal=text(config.get("StopSignal")),
        stop_timeout=_integer(config.get("StopTimeout")),
        healthcheck=healthcheck(table(config.get("Healthcheck"))),
        ports=ports,
        expose=tuple(sorted(table(config.get("ExposedPorts")).keys() - published)),
        publish_all=host.get("PublishAllPorts") is True,
        network=network,
        joins=tuple(sorted(_joins(reply, network))),
        links=tuple(sorted(_links(host))),
        dns=tuple(texts(host.get("Dns"))),
        dns_options=tuple(texts(host.get("DnsOptions"))),
        dns_search=tuple(texts(host.get("DnsSearch"))),
        extra_hosts=tuple(texts(host.get("ExtraHosts"))),
        mounts=_mounts(reply, host),
        volumes_from=tuple(texts(host.get("VolumesFrom"))),
        volume_driver=text(host.get("VolumeDriver")),
        storage_options=_sorted_pairs(host.get("StorageOpt")),
        read_only=host.get("ReadonlyRootfs") is True,
        shm_bytes=number(host.get("ShmSize")),
        restart=text(policy.get("Name")) or "no",
        restart_retries=number(policy.get("MaximumRetryCount")),
        auto_remove=host.get("AutoRemove") is True,
        memory_bytes=number(host.get("Memory")),
        memory_reservation_bytes=number(host.get("MemoryReservation")),
        memory_swap_bytes=_signed(host.get("MemorySwap")),
        memory_swappiness=_swappiness(host.get("MemorySwappiness")),
        nano_cpus=number(host.get("NanoCpus")),
        cpu_shares=number(host.get("CpuShares")),
        cpu_period=number(host.get("CpuPeriod")),
        cpu_quota=number(host.get("CpuQuota")),
        cpu_realtime_period=number(host.get("CpuRealtimePeriod")),
        cpu_realtime_runtime=number(host.get("CpuRealtimeRuntime")),
        cpuset_cpus=text(host.get("CpusetCpus")),
        cpuset_mems=text(host.get("CpusetMems")),
        pids=number(host.get("PidsLimit")),
        ulimits=tuple(sorted(_ulimits(host))),
        blkio_weight=number(host.get("BlkioWeight")),
        blkio_weight_device=_rates(host, "BlkioWeightDevice", "Weight"),
        device_read_bps=_rates(host, "BlkioDeviceReadBps"),
        device_read_iops=_rates(host, "BlkioDeviceReadIOps"),
        device_write_bps=_rates(host, "BlkioDeviceWriteBps"),
        device_write_iops=_rates(host, "BlkioDeviceWriteIOps"),
        log_driver=text(log.get("Type")),
        log_options=_sorted_pairs(log.get("Config")),
        privileged=privileged,
        new_privileges=not _NO_NEW_PRIVILEGES.intersection(options),
        cap_add=_capabilities(host.get("CapAdd")),
        cap_drop=_capabilities(host.get("CapDrop")),
        security_opt=tuple(sorted(_security(options, host))),
        unmasked=not privileged and _unmasked(host),
        devices=tuple(sorted(_devices(host))),
        device_cgroup_rules=tuple(sorted(texts(host.get("DeviceCgroupRules")))),
        device_requests=tuple(sorted(_device_requests(host))),
        pid=_own(host, "PidMode"),
        ipc=_own(host, "IpcMode"),
        uts=_own(host, "UTSMode"),
        userns=_own(host, "UsernsMode"),
        # `host` is the engine's default where cgroups are of version 1, and nothing tells it from one asked for.
        cgroupns=_own(host, "CgroupnsMode").removeprefix("host"),
        sysctls=_sorted_pairs(host.get("Sysctls")),
        runtime=text(host.get("Runtime")),
        isolation=_own(host, "Isolation"),
        cgroup_parent=text(host.get("CgroupParent")),
        oom_kill_disable=bool(host.get("OomKillDisable")),
        oom_score_adj=_signed(host.get("OomScoreAdj")),
        other=tuple(sorted(key for key, value in host.items() if key not in _KNOWN and not empty(value))),
    )


def differences(asked: ContainerSpec, made: ContainerSpec, default_runtime: str = "runc") -> tuple[str, ...]:
    """Names of fields that give rights or reach, and are not in `made` as `asked`.

    Not among them: what an image adds (its environment, its volumes), and limits, which a kernel may lack the means
    for.
    """
    return tuple(
        name for name in _COMPARED if _plain(asked, name, default_runtime) != _plain(made, name, default_runtime)
    )


def _plain(spec: ContainerSpec, name: str, default_runtime: str) -> object:
    if name == "mounts":
        # Sizes are bounds, and the order is the engine's own. Those without a name are the container's own.
        return sorted(replace(each, size_bytes=0) for each in spec.mounts if each.source or each.kind != "volume")
    if name == "links":
        # Asked for by an id, it is written with the name.
        return sorted(link.rpartition(":")[2] for link in spec.links)
    value = getattr(spec, name)
    if name == "runtime":
        return value or default_runtime
    return sorted(value) if isinstance(value, tuple) else value


_COMPARED = (
    *("privileged", "new_privileges", "cap_add", "security_opt", "unmasked", "devices", "mounts", "volumes_from"),
    *("device_cgroup_rules", "device_requests", "volume_driver", "storage_options", "group_add", "annotations"),
    *("network", "ports", "publish_all", "links", "pid", "ipc", "uts", "userns", "sysctls", "runtime", "isolation"),
    *("cgroup_parent", "oom_score_adj", "log_driver", "log_options", "restart", "auto_remove", "other"),
)


def _own(host: Mapping[str, Any], key: str) -> str:
    mode = text(host.get(key))
    return "" if mode in _PRIVATE else mode


def _sorted_pairs(value: object) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs(value).items()))


def healthcheck(check: Mapping[str, Any]) -> Healthcheck:
    """From the Healthcheck of a container's or an image's Config."""
    return Healthcheck(
        test=tuple(texts(check.get("Test"))),
        interval=number(check.get("Interval")),
        timeout=number(check.get("Timeout")),
        start_period=number(check.get("StartPeriod")),
        start_interval=number(check.get("StartInterval")),
        retries=number(check.get("Retries")),
    )


def _ports(bindings: Mapping[str, Any]) -> Iterator[Port]:
    for name, places in bindings.items():
        private, _, protocol = name.partition("/")
        for place in tables(places):
            public, _, public_end = text(place.get("HostPort")).partition("-")
            yield Port(
                private=_decimal(private),
                public=_decimal(public),
                protocol=protocol or "tcp",
                address=text(place.get("HostIp")),
                public_end=_decimal(public_end),
            )


def _decimal(digits: str) -> int:
    return int(digits) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else 0


def _links(host: Mapping[str, Any]) -> Iterator[str]:
    """The engine writes /container:/itself/alias."""
    for link in texts(host.get("Links")):
        other, _, alias = link.partition(":")
        yield f"{other.removeprefix('/')}:{alias.rpartition('/')[2]}"


def _joins(reply: Mapping[str, Any], first: str) -> Iterator[Join]:
    """Of `first`, its NetworkMode, only where it says more than that."""
    # An endpoint's own MAC address may be one that the engine made up; this is the one asked for.
    mac_address = text(table(reply.get("Config")).get("MacAddress"))
    short_id = text(reply.get("Id"))[:12]
    for name, entry in table(table(reply.get("NetworkSettings")).get("Networks")).items():
        settings = table(entry)
        addresses = table(settings.get("IPAMConfig"))
        is_first = first in {name, text(settings.get("NetworkID"))}
        join = Join(
            network=first if is_first else name,
            # Engines before API 1.45 add the container's own short id.
            aliases=tuple(sorted(alias for alias in texts(settings.get("Aliases")) if alias != short_id)),
            ipv4=text(addresses.get("IPv4Address")),
            ipv6=text(addresses.get("IPv6Address")),
            link_local=tuple(sorted(texts(addresses.get("LinkLocalIPs")))),
            mac_address=mac_address if is_first else "",
            driver_options=_sorted_pairs(settings.get("DriverOpts")),
        )
        if not is_first or join != Join(first):
            yield join


def _mounts(reply: Mapping[str, Any], host: Mapping[str, Any]) -> tuple[Mount, ...]:
    """Both what was asked for and what is there: a mount that only one of them names is one.

    What is there only by `volumes_from` is not among them.
    """
    found: dict[str, Mount] = {}
    for _, _, mount in asked_mounts(host):
        found[mount.target if mount.target not in found else f"{mount.target} {len(found)}"] = mount
    for target in table(table(reply.get("Config")).get("Volumes")):
        found.setdefault(clean(target), Mount("volume", "", clean(target)))
    if texts(host.get("VolumesFrom")):
        return tuple(sorted(found.values()))
    for entry in tables(reply.get("Mounts")):
        kind, name = text(entry.get("Type")), text(entry.get("Name"))
        if kind == "volume" and _ANONYMOUS.fullmatch(name):
            # Made for this container.
            continue
        source = name if kind == "volume" else text(entry.get("Source"))
        mount = Mount(kind, source if kind != "tmpfs" else "", clean(text(entry.get("Destination"))))
        same = found.get(mount.target)
        if same is None or (same.kind, same.source) != (mount.kind, mount.source):
            found[f"{mount.target} there"] = mount
    return tuple(sorted(found.values()))


def asked_mounts(host: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mount]]:
    """The mounts of a HostConfig: the member that holds each (Mounts, Binds or Tmpfs), what stands there, the mount.

    What stands in Tmpfs is a path and its flags.
    """
    for entry in tables(host.get("Mounts")):
        yield "Mounts", entry, _asked_mount(entry)
    for line in texts(host.get("Binds")):
        yield "Binds", line, bind_mount(line)
    for target, flags in pairs(host.get("Tmpfs")).items():
        yield "Tmpfs", (target, flags), tmpfs_mount(clean(target), flags.split(","))


def bind_mount(line: str) -> Mount:
    """From one of Binds: source:target, with flags after it."""
    source, _, rest = line.partition(":")
    target, _, flags = rest.partition(":")
    words = flags.split(",")
    return Mount(
        "bind" if source.startswith("/") else "volume",
        source,
        clean(target),
        "ro" in words,
        tuple(sorted(set(words) - _USUAL_FLAGS - _PROPAGATIONS)),
        no_copy="nocopy" in words,
        propagation=_propagation(next((word for word in words if word in _PROPAGATIONS), "")),
    )


def _propagation(word: str) -> str:
    return "" if word == "rprivate" else word


def tmpfs_mount(target: str, flags: list[str], read_only: bool = False, size_bytes: int = 0, mode: int = 0) -> Mount:
    """From one of Tmpfs, whose flags may say what the further arguments do not."""
    more = set(flags) - _USUAL_FLAGS
    for flag in flags:
        name, _, value = flag.partition("=")
        size = _SIZE.fullmatch(value)
        if name == "size" and size:
            size_bytes = int(size[1]) * _UNITS[size[2].lower()]
            more.discard(flag)
        elif name == "mode" and re.fullmatch("[0-7]{1,5}", value):
            mode = int(value, 8)
            more.discard(flag)
    return Mount("tmpfs", "", target, read_only or "ro" in flags, tuple(sorted(more)), size_bytes, mode)


def _asked_mount(entry: Mapping[str, Any]) -> Mount:
    kind, target, read_only = text(entry.get("Type")), clean(text(entry.get("Target"))), entry.get("ReadOnly") is True
    bind, volume = table(entry.get("BindOptions")), table(entry.get("VolumeOptions"))
    driver, tmpfs = table(volume.get("DriverConfig")), table(entry.get("TmpfsOptions"))
    if kind == "tmpfs":
        options = tmpfs.get("Options")
        flags = ["=".join(texts(option)) for option in options] if isinstance(options, list) else []
        return tmpfs_mount(target, flags, read_only, number(tmpfs.get("SizeBytes")), number(tmpfs.get("Mode")))
    return Mount(
        kind,
        text(entry.get("Source")),
        target,
        read_only,
        tuple(sorted(name for name, value in bind.items() if name != "Propagation" and value)),
        no_copy=volume.get("NoCopy") is True,
        subpath=text(volume.get("Subpath")),
        driver=text(driver.get("Name")),
        driver_options=_sorted_pairs(driver.get("Options")),
        labels=_sorted_pairs(volume.get("Labels")),
        propagation=_propagation(text(bind.get("Propagation"))),
    )


def clean(path: str) -> str:
    """A path inside, as this console compares them."""
    return posixpath.normpath(path) if path else ""


def _ulimits(host: Mapping[str, Any]) -> Iterator[Ulimit]:
    for entry in tables(host.get("Ulimits")):
        yield Ulimit(text(entry.get("Name")), _signed(entry.get("Soft")), _signed(entry.get("Hard")))


def _capabilities(names: object) -> tuple[str, ...]:
    return tuple(sorted(name.upper().removeprefix("CAP_") for name in texts(names)))


def _security(options: list[str], host: Mapping[str, Any]) -> Iterator[str]:
    for option in options:
        # The engine adds this by itself to what is privileged or shares the host's processes or memory.
        added = option == "label=disable" and (
            host.get("Privileged") is True or "host" in (host.get("PidMode"), host.get("IpcMode"))
        )
        if not added and not option.startswith("no-new-privileges"):
            yield option


def _unmasked(host: Mapping[str, Any]) -> bool:
    for key, usual in (("MaskedPaths", _HIDDEN), ("ReadonlyPaths", _READ_ONLY)):
        paths = host.get(key)
        if isinstance(paths, list) and not usual <= set(texts(paths)):
            return True
    return False


def _devices(host: Mapping[str, Any]) -> Iterator[Device]:
    for entry in tables(host.get("Devices")):
        yield Device(
            text(entry.get("PathOnHost")), text(entry.get("PathInContainer")), text(entry.get("CgroupPermissions"))
        )


def _device_requests(host: Mapping[str, Any]) -> Iterator[DeviceRequest]:
    for entry in tables(host.get("DeviceRequests")):
        capabilities = entry.get("Capabilities")
        yield DeviceRequest(
            driver=text(entry.get("Driver")),
            count=_signed(entry.get("Count")),
            ids=tuple(texts(entry.get("DeviceIDs"))),
            capabilities=tuple(tuple(texts(each)) for each in capabilities) if isinstance(capabilities, list) else (),
            options=_sorted_pairs(entry.get("Options")),
        )


def _rates(host: Mapping[str, Any], key: str, unit: str = "Rate") -> tuple[Rate, ...]:
    return tuple(sorted(Rate(text(entry.get("Path")), number(entry.get(unit))) for entry in tables(host.get(key))))


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _signed(value: object) -> int:
    return _integer(value) or 0


def _swappiness(value: object) -> int | None:
    """Less than 0 stands for none, as older clients write it."""
    swappiness = _integer(value)
    return None if swappiness is None or swappiness < 0 else swappiness


def empty(value: object) -> bool:
    """Whether a member says nothing, as engines write what was not asked for."""
    return not value or value == "default" or (isinstance(value, list) and not any(value))
