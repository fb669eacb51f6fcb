"""What is sent to POST /containers/create (Engine API: Container/ContainerCreate).

Every key is written here: nothing typed becomes one, since engines fold their case and the last of twins wins.
"""

from collections.abc import Iterable
from typing import Any

from engines.spec.types import ContainerSpec, Healthcheck, Join, Mount, Port, Rate

#: The first API version whose engines take more than one network, and an endpoint's MAC address, at create. Versions
#: are compared as texts: this console speaks those from 1.41 to 1.45.
_JOINS_AT_CREATE = "1.44"
#: Options of a mount that are members of BindOptions; all others have only the older forms, Binds and Tmpfs.
BIND_OPTIONS = frozenset({"NonRecursive", "CreateMountpoint", "ReadOnlyNonRecursive", "ReadOnlyForceRecursive"})


def query(spec: ContainerSpec) -> dict[str, str]:
    """The query parameters beside `body`."""
    asked = {"name": spec.name, "platform": spec.platform}
    return {name: value for name, value in asked.items() if value}


def body(spec: ContainerSpec, api_version: str) -> dict[str, Any]:
    """What is sent for `spec`. Of `other` nothing is: it is not known what it means.

    Networks that an engine of `api_version` takes only afterwards are in `later_joins`.
    """
    config = {
        "Image": spec.image,
        "Cmd": list(spec.command),
        "Entrypoint": list(spec.entrypoint),
        "Env": list(spec.env),
        "Labels": dict(spec.labels),
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "Hostname": spec.hostname,
        "Domainname": spec.domainname,
        "Tty": spec.tty,
        "OpenStdin": spec.interactive,
        "ExposedPorts": {name: {} for name in (*map(_port, spec.ports), *spec.expose)},
        "StopSignal": spec.stop_signal,
        "Healthcheck": _healthcheck(spec.healthcheck),
        "MacAddress": "" if api_version >= _JOINS_AT_CREATE else first_join(spec).mac_address,
        "HostConfig": _host(spec),
        "NetworkingConfig": _networking(spec, api_version),
    }
    # Empty stands for the image's own.
    sent = {key: value for key, value in config.items() if value}
    return sent | ({} if spec.stop_timeout is None else {"StopTimeout": spec.stop_timeout})


def later_joins(spec: ContainerSpec, api_version: str) -> dict[str, dict[str, Any]]:
    """Networks to be connected between create and start, with the EndpointConfig of POST /networks/{name}/connect."""
    if api_version >= _JOINS_AT_CREATE:
        return {}
    return {join.network: endpoint(join, api_version) for join in spec.joins if join.network != spec.network}


def endpoint(join: Join, api_version: str) -> dict[str, Any]:
    """Its EndpointSettings."""
    addresses = {"IPv4Address": join.ipv4, "IPv6Address": join.ipv6, "LinkLocalIPs": list(join.link_local)}
    settings = {
        "IPAMConfig": _said(addresses),
        "Aliases": list(join.aliases),
        "DriverOpts": dict(join.driver_options),
        "MacAddress": join.mac_address if api_version >= _JOINS_AT_CREATE else "",
    }
    return _said(settings)


def _said(members: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value}


def first_join(spec: ContainerSpec) -> Join:
    """How it takes part in the network it has from the beginning."""
    return next((join for join in spec.joins if join.network == spec.network), Join(spec.network))


def _networking(spec: ContainerSpec, api_version: str) -> dict[str, Any]:
    joins = (first_join(spec), *(join for join in spec.joins if join.network != spec.network))
    at_once = joins if api_version >= _JOINS_AT_CREATE else joins[:1]
    settings = {join.network: endpoint(join, api_version) for join in at_once}
    # The network alone is said by NetworkMode.
    return {"EndpointsConfig": settings} if len(settings) > 1 or any(settings.values()) else {}


def _healthcheck(check: Healthcheck) -> dict[str, Any]:
    return _said(
        {
            "Test": list(check.test),
            "Interval": check.interval,
            "Timeout": check.timeout,
            "StartPeriod": check.start_period,
            "StartInterval": check.start_interval,
            "Retries": check.retries,
        }
    )


def _host(spec: ContainerSpec) -> dict[str, Any]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in spec.ports:
        bindings.setdefault(_port(port), []).append({"HostIp": port.address, "HostPort": _public(port)})
    retries = {"MaximumRetryCount": spec.restart_retries} if spec.restart == "on-failure" else {}
    host = {
        "NetworkMode": spec.network,
        "PortBindings": bindings,
        "PublishAllPorts": spec.publish_all,
        "Links": list(spec.links),
        "Dns": list(spec.dns),
        "DnsOptions": list(spec.dns_options),
        "DnsSearch": list(spec.dns_search),
        "ExtraHosts": list(spec.extra_hosts),
        **mounts(spec.mounts),
        "VolumesFrom": list(spec.volumes_from),
        "VolumeDriver": spec.volume_driver,
        "StorageOpt": dict(spec.storage_options),
        "ReadonlyRootfs": spec.read_only,
        "Init": spec.init,
        "ShmSize": spec.shm_bytes,
        "RestartPolicy": {"Name": spec.restart, **retries},
        "AutoRemove": spec.auto_remove,
        "GroupAdd": list(spec.group_add),
        "Annotations": dict(spec.annotations),
        "Memory": spec.memory_bytes,
        "MemoryReservation": spec.memory_reservation_bytes,
        "MemorySwap": spec.memory_swap_bytes,
        "NanoCpus": spec.nano_cpus,
        "CpuShares": spec.cpu_shares,
        "CpuPeriod": spec.cpu_period,
        "CpuQuota": spec.cpu_quota,
        "CpuRealtimePeriod": spec.cpu_realtime_period,
        "CpuRealtimeRuntime": spec.cpu_realtime_runtime,
        "CpusetCpus": spec.cpuset_cpus,
        "CpusetMems": spec.cpuset_mems,
        "PidsLimit": spec.pids,
        "Ulimits": [{"Name": each.name, "Soft": each.soft, "Hard": each.hard} for each in spec.ulimits],
        "BlkioWeight": spec.blkio_weight,
        "BlkioWeightDevice": [{"Path": each.path, "Weight": each.rate} for each in spec.blkio_weight_device],
        "BlkioDeviceReadBps": _rates(spec.device_read_bps),
        "BlkioDeviceReadIOps": _rates(spec.device_read_iops),
        "BlkioDeviceWriteBps": _rates(spec.device_write_bps),
        "BlkioDeviceWriteIOps": _rates(spec.device_write_iops),
        "LogConfig": {"Type": spec.log_driver, "Config": dict(spec.log_options)},
        "Privileged": spec.privileged,
        "CapAdd": list(spec.cap_add),
        "CapDrop": list(spec.cap_drop),
        "SecurityOpt": [*([] if spec.new_privileges else ["no-new-privileges"]), *spec.security_opt],
        "Devices": [
            {"PathOnHost": each.host, "PathInContainer": each.inside, "CgroupPermissions": each.rights}
            for each in spec.devices
        ],
        "DeviceCgroupRules": list(spec.device_cgroup_rules),
        "DeviceRequests": [
            {
                "Driver": each.driver,
                "Count": each.count,
                "DeviceIDs": list(each.ids),
                "Capabilities": [list(all_of) for all_of in each.capabilities],
                "Options": dict(each.options),
            }
            for each in spec.device_requests
        ],
        "PidMode": spec.pid,
        "IpcMode": spec.ipc,
        "UTSMode": spec.uts,
        "UsernsMode": spec.userns,
        "CgroupnsMode": spec.cgroupns,
        "Sysctls": dict(spec.sysctls),
        "Runtime": spec.runtime,
        "Isolation": spec.isolation,
        "CgroupParent": spec.cgroup_parent,
        "OomKillDisable": spec.oom_kill_disable,
        "OomScoreAdj": spec.oom_score_adj,
    }
    # Empty stands for the engine's own.
    sent = {key: value for key, value in host.items() if value}
    sent |= {} if spec.memory_swappiness is None else {"MemorySwappiness": spec.memory_swappiness}
    return sent | ({"MaskedPaths": [], "ReadonlyPaths": []} if spec.unmasked else {})


def mounts(asked: Iterable[Mount]) -> dict[str, Any]:
    """Members of HostConfig, none of which is in two of them."""
    newer: list[Mount] = []
    older: list[Mount] = []
    for mount in asked:
        # `Mounts` has no member for other options.
        (newer if BIND_OPTIONS.issuperset(mount.options) else older).append(mount)
    members = {
        "Mounts": [_mount(mount) for mount in newer],
        "Binds": [_bind(mount) for mount in older if mount.kind != "tmpfs"],
        "Tmpfs": {mount.target: _tmpfs(mount) for mount in older if mount.kind == "tmpfs"},
    }
    return _said(members)


def _port(port: Port) -> str:
    return f"{port.private}/{port.protocol}"


def _public(port: Port) -> str:
    return f"{port.public}-{port.public_end}" if port.public_end else str(port.public or "")


def _rates(rates: Iterable[Rate]) -> list[dict[str, Any]]:
    return [{"Path": each.path, "Rate": each.rate} for each in rates]


def _mount(mount: Mount) -> dict[str, Any]:
    asked: dict[str, Any] = {"Type": mount.kind, "Target": mount.target, "ReadOnly": mount.read_only}
    asked |= {"Source": mount.source} if mount.source else {}
    bind = _said({"Propagation": mount.propagation, **dict.fromkeys(mount.options, True)})
    volume = _said(
        {
            "NoCopy": mount.no_copy,
            "Subpath": mount.subpath,
            "Labels": dict(mount.labels),
            "DriverConfig": _said({"Name": mount.driver, "Options": dict(mount.driver_options)}),
        }
    )
    # A tmpfs asked for in this way always has noexec, nosuid and nodev.
    tmpfs = _said({"SizeBytes": mount.size_bytes, "Mode": mount.mode})
    return asked | _said({"BindOptions": bind, "VolumeOptions": volume, "TmpfsOptions": tmpfs})


def _bind(mount: Mount) -> str:
    flags = [
        *(["ro"] if mount.read_only else []),
        *(["nocopy"] if mount.no_copy else []),
        *([mount.propagation] if mount.propagation else []),
        *mount.options,
    ]
    return f"{mount.source}:{mount.target}:{','.join(flags)}"


def _tmpfs(mount: Mount) -> str:
    flags = [
        *(["ro"] if mount.read_only else []),
        *([f"size={mount.size_bytes}"] if mount.size_bytes else []),
        *([f"mode={mount.mode:o}"] if mount.mode else []),
        *mount.options,
    ]
    return ",".join(flags)
