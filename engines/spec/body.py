"""The body of POST /containers/create (Engine API: Container/ContainerCreate).

Every key is written here: nothing typed becomes one, since engines fold their case and the last of twins wins.
"""

from typing import Any

from engines.spec.types import ContainerSpec, Mount, Port

_KINDS = frozenset({"volume", "bind", "tmpfs"})


def body(spec: ContainerSpec) -> dict[str, Any]:
    """What is sent for `spec`. `other` and `volumes_from` are never asked for."""
    config = {
        "Image": spec.image,
        "Cmd": list(spec.command),
        "Entrypoint": list(spec.entrypoint),
        "Env": list(spec.env),
        "Labels": dict(spec.labels),
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "Hostname": spec.hostname,
        "Tty": spec.tty,
        "OpenStdin": spec.tty,
        "ExposedPorts": {_port(port): {} for port in spec.ports},
    }
    # Empty stands for the image's own.
    return {key: value for key, value in config.items() if value} | {"HostConfig": _host(spec)}


def _host(spec: ContainerSpec) -> dict[str, Any]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in spec.ports:
        binding = {"HostIp": port.address, "HostPort": str(port.public or "")}
        bindings.setdefault(_port(port), []).append(binding)
    retries = {"MaximumRetryCount": spec.restart_retries} if spec.restart == "on-failure" else {}
    host = {
        "NetworkMode": spec.network,
        "PortBindings": bindings,
        "Dns": list(spec.dns),
        "ExtraHosts": list(spec.extra_hosts),
        "Mounts": [_mount(mount) for mount in spec.mounts],
        "ReadonlyRootfs": spec.read_only,
        "Init": spec.init,
        "ShmSize": spec.shm_bytes,
        "RestartPolicy": {"Name": spec.restart, **retries},
        "Memory": spec.memory_bytes,
        "NanoCpus": spec.nano_cpus,
        "PidsLimit": spec.pids,
        "Ulimits": [{"Name": each.name, "Soft": each.soft, "Hard": each.hard} for each in spec.ulimits],
        "LogConfig": {"Type": spec.log_driver, "Config": dict(spec.log_options)},
        "Privileged": spec.privileged,
        "CapAdd": list(spec.cap_add),
        "CapDrop": list(spec.cap_drop),
        "SecurityOpt": [*([] if spec.new_privileges else ["no-new-privileges"]), *spec.security_opt],
        "Devices": [
            {"PathOnHost": each.host, "PathInContainer": each.inside, "CgroupPermissions": each.rights}
            for each in spec.devices
        ],
        "PidMode": spec.pid,
        "IpcMode": spec.ipc,
        "UTSMode": spec.uts,
        "UsernsMode": spec.userns,
        "CgroupnsMode": spec.cgroupns,
        "Sysctls": dict(spec.sysctls),
        "Runtime": spec.runtime,
        "CgroupParent": spec.cgroup_parent,
        "OomKillDisable": spec.oom_kill_disable,
        "OomScoreAdj": spec.oom_score_adj,
    }
    # Empty stands for the engine's own.
    sent = {key: value for key, value in host.items() if value}
    return sent | ({"MaskedPaths": [], "ReadonlyPaths": []} if spec.unmasked else {})


def _port(port: Port) -> str:
    return f"{port.private}/{port.protocol}"


def _mount(mount: Mount) -> dict[str, Any]:
    """Raises ValueError for a mount that can only be read."""
    if mount.kind not in _KINDS or mount.options:
        raise ValueError(f"not to be asked for: {mount.kind} with {', '.join(mount.options)}")
    asked: dict[str, Any] = {"Type": mount.kind, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.kind != "tmpfs":
        return asked | {"Source": mount.source}
    # A tmpfs asked for in this way always has noexec, nosuid and nodev.
    return asked | ({"TmpfsOptions": {"SizeBytes": mount.size_bytes}} if mount.size_bytes else {})
