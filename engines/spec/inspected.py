"""What an engine made, by its inspect, as a ContainerSpec. Judged by what it says there, never by labels.

Read tolerantly, but never to the safe side: what is not understood is kept in `other`.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engines.client.fields import number, pairs, table, tables, text, texts
from engines.spec.types import ContainerSpec, Device, Mount, Port, Ulimit

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_NO_NEW_PRIVILEGES = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
_WIDER_TMPFS = {"exec", "suid", "dev"}
#: What stands for "not shared with anybody else".
_PRIVATE = {"default", "private", "shareable"}
_OWN_PROPAGATION = {"", "private", "rprivate"}
#: Some of what every engine hides in /proc and /sys, or lets only be read, unless it is told not to.
_HIDDEN = {"/proc/kcore", "/proc/keys", "/sys/firmware"}
_READ_ONLY = {"/proc/sys", "/proc/sysrq-trigger"}
#: Members of HostConfig that are read below.
_READ_WORDS = (
    "NetworkMode PortBindings Dns ExtraHosts Binds Mounts Tmpfs VolumesFrom ReadonlyRootfs Init ShmSize RestartPolicy "
    "Memory NanoCpus PidsLimit Ulimits LogConfig Privileged CapAdd CapDrop SecurityOpt MaskedPaths ReadonlyPaths "
    "Devices PidMode IpcMode UTSMode UsernsMode CgroupnsMode Sysctls Runtime CgroupParent OomKillDisable "
    "OomScoreAdj"
)
_READ = frozenset(_READ_WORDS.split())
#: Members that only shape or narrow the container itself.
_HARMLESS_WORDS = (
    "AutoRemove BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeight "
    "BlkioWeightDevice ConsoleSize CpuCount CpuPercent CpuPeriod CpuQuota CpuShares CpusetCpus CpusetMems DnsOptions "
    "DnsSearch GroupAdd IOMaximumBandwidth IOMaximumIOps KernelMemory KernelMemoryTCP MemoryReservation MemorySwap "
    "MemorySwappiness"
)
_HARMLESS = frozenset(_HARMLESS_WORDS.split())


def from_inspect(reply: Mapping[str, Any]) -> ContainerSpec:
    """From the reply of GET /containers/{id}/json (Engine API: Container/ContainerInspect)."""
    config, host = table(reply.get("Config")), table(reply.get("HostConfig"))
    policy, log = table(host.get("RestartPolicy")), table(host.get("LogConfig"))
    options = texts(host.get("SecurityOpt"))
    privileged = bool(host.get("Privileged"))
    return ContainerSpec(
        image=text(config.get("Image")),
        name=text(reply.get("Name")).removeprefix("/"),
        command=tuple(texts(config.get("Cmd"))),
        entrypoint=tuple(texts(config.get("Entrypoint"))),
        env=tuple(texts(config.get("Env"))),
        labels=tuple(sorted(pairs(config.get("Labels")).items())),
        working_dir=text(config.get("WorkingDir")),
        user=text(config.get("User")),
        hostname=text(config.get("Hostname")),
        tty=config.get("Tty") is True,
        init=host.get("Init") is True,
        ports=tuple(sorted(_ports(table(host.get("PortBindings"))))),
        network=_own(host, "NetworkMode") or "bridge",
        dns=tuple(texts(host.get("Dns"))),
        extra_hosts=tuple(texts(host.get("ExtraHosts"))),
        mounts=_mounts(reply, host),
        volumes_from=tuple(texts(host.get("VolumesFrom"))),
        read_only=host.get("ReadonlyRootfs") is True,
        shm_bytes=number(host.get("ShmSize")),
        restart=text(policy.get("Name")) or "no",
        restart_retries=number(policy.get("MaximumRetryCount")),
        memory_bytes=number(host.get("Memory")),
        nano_cpus=number(host.get("NanoCpus")),
        pids=number(host.get("PidsLimit")),
        ulimits=tuple(sorted(_ulimits(host))),
        log_driver=text(log.get("Type")),
        log_options=tuple(sorted(pairs(log.get("Config")).items())),
        privileged=privileged,
        new_privileges=not _NO_NEW_PRIVILEGES.intersection(options),
        cap_add=_capabilities(host.get("CapAdd")),
        cap_drop=_capabilities(host.get("CapDrop")),
        security_opt=tuple(sorted(_security(options, host))),
        unmasked=not privileged and _unmasked(host),
        devices=tuple(sorted(_devices(host))),
        pid=_own(host, "PidMode"),
        ipc=_own(host, "IpcMode"),
        uts=_own(host, "UTSMode"),
        userns=_own(host, "UsernsMode"),
        # `host` is the engine's default where cgroups are of version 1, and nothing tells it from one asked for.
        cgroupns=_own(host, "CgroupnsMode").removeprefix("host"),
        sysctls=tuple(sorted(pairs(host.get("Sysctls")).items())),
        runtime=text(host.get("Runtime")),
        cgroup_parent=text(host.get("CgroupParent")),
        oom_kill_disable=bool(host.get("OomKillDisable")),
        oom_score_adj=_signed(host.get("OomScoreAdj")),
        other=tuple(sorted(key for key, value in host.items() if key not in _READ | _HARMLESS and not _empty(value))),
    )


def differences(asked: ContainerSpec, made: ContainerSpec, default_runtime: str = "runc") -> tuple[str, ...]:
    """Names of fields that give rights or reach, and are not in `made` as `asked`.

    Not among them: what an image adds (its environment), and limits, which a kernel may lack the means for.
    """
    return tuple(
        name for name in _COMPARED if _plain(asked, name, default_runtime) != _plain(made, name, default_runtime)
    )


def _plain(spec: ContainerSpec, name: str, default_runtime: str) -> object:
    if name == "mounts":
        # Sizes are bounds, and the order is the engine's own.
        return sorted((each.kind, each.source, each.target, each.read_only, each.options) for each in spec.mounts)
    value = getattr(spec, name)
    if name == "runtime":
        return value or default_runtime
    return sorted(value) if isinstance(value, tuple) else value


_COMPARED = (
    *("privileged", "new_privileges", "cap_add", "security_opt", "unmasked", "devices", "mounts", "volumes_from"),
    *("network", "ports", "pid", "ipc", "uts", "userns", "sysctls", "runtime", "cgroup_parent", "oom_score_adj"),
    *("log_driver", "log_options", "restart", "other"),
)


def _own(host: Mapping[str, Any], key: str) -> str:
    mode = text(host.get(key))
    return "" if mode in _PRIVATE else mode


def _ports(bindings: Mapping[str, Any]) -> Iterator[Port]:
    for name, places in bindings.items():
        private, _, protocol = name.partition("/")
        for place in tables(places):
            public = text(place.get("HostPort"))
            yield Port(
                private=int(private) if private.isdecimal() else 0,
                public=int(public) if public.isdecimal() else 0,
                protocol=protocol or "tcp",
                address=text(place.get("HostIp")),
            )


def _mounts(reply: Mapping[str, Any], host: Mapping[str, Any]) -> tuple[Mount, ...]:
    """Both what was asked for and what is there: a mount that only one of them names is one."""
    found: dict[str, Mount] = {}
    for entry in tables(host.get("Mounts")):
        _keep(found, _asked_mount(entry))
    for bind in texts(host.get("Binds")):
        source, _, rest = bind.partition(":")
        target, _, flags = rest.partition(":")
        words = flags.split(",")
        kind = "bind" if source.startswith("/") else "volume"
        wider = tuple(word for word in words if word.removeprefix("r") in {"shared", "slave"})
        _keep(found, Mount(kind, source, _clean(target), "ro" in words, wider))
    for target, flags in pairs(host.get("Tmpfs")).items():
        wider = tuple(sorted(_WIDER_TMPFS.intersection(flags.split(","))))
        _keep(found, Mount("tmpfs", "", _clean(target), "ro" in flags.split(","), wider))
    for entry in tables(reply.get("Mounts")):
        kind, name = text(entry.get("Type")), text(entry.get("Name"))
        if kind == "volume" and _ANONYMOUS.fullmatch(name):
            # Made for this container, by the image's VOLUME.
            continue
        source = name if kind == "volume" else text(entry.get("Source"))
        mount = Mount(kind, source if kind != "tmpfs" else "", _clean(text(entry.get("Destination"))))
        same = found.get(mount.target)
        if same is None or (same.kind, same.source) != (mount.kind, mount.source):
            found[f"{mount.target} there"] = mount
    return tuple(sorted(found.values()))


def _keep(found: dict[str, Mount], mount: Mount) -> None:
    found[mount.target if mount.target not in found else f"{mount.target} {len(found)}"] = mount


def _asked_mount(entry: Mapping[str, Any]) -> Mount:
    kind = text(entry.get("Type"))
    propagation = text(table(entry.get("BindOptions")).get("Propagation"))
    wider = [] if propagation in _OWN_PROPAGATION else [propagation]
    if table(table(entry.get("VolumeOptions")).get("DriverConfig")):
        wider.append("a driver of its own")
    return Mount(
        kind,
        "" if kind == "tmpfs" else text(entry.get("Source")),
        _clean(text(entry.get("Target"))),
        entry.get("ReadOnly") is True,
        tuple(wider),
        number(table(entry.get("TmpfsOptions")).get("SizeBytes")),
    )


def _clean(path: str) -> str:
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


def _signed(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _empty(value: object) -> bool:
    """Whether it says nothing, as engines write what was not asked for."""
    return not value or value == "default" or (isinstance(value, list) and not any(value))
