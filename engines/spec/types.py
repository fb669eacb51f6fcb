"""A container to be created, typed: what people ask for on one side, what an engine's inspect says on the other."""

from dataclasses import dataclass

#: A container that writes without end must not fill its host's disk.
ROTATION = (("max-file", "3"), ("max-size", "20m"))


@dataclass(frozen=True, order=True)
class Port:
    """`public` is the host's port, 0 for one that the engine chooses; `address` the host's, empty for all of them."""

    private: int
    public: int = 0
    protocol: str = "tcp"
    address: str = "127.0.0.1"


@dataclass(frozen=True, order=True)
class Mount:
    """`kind` is volume, bind or tmpfs; `source` a volume's name or a path of the host.

    `options` are those that widen it: a bind's propagation, exec, suid or dev of a tmpfs, a volume made by its
    driver's options. People cannot ask for them here; they are read from engines. `size_bytes` 0: no limit.
    """

    kind: str
    source: str
    target: str
    read_only: bool = False
    options: tuple[str, ...] = ()
    size_bytes: int = 0


@dataclass(frozen=True, order=True)
class Ulimit:
    """-1 is no limit."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, order=True)
class Device:
    """A device of the host. `rights` are letters of rwm."""

    host: str
    inside: str
    rights: str = "rwm"


@dataclass(frozen=True)
class ContainerSpec:
    """The defaults are the most harmless. Sets are sorted tuples; capabilities are without CAP_.

    A new field is refused to all below manager until `limits` has a rule for it. Its name is also that of the form's
    field, where a refusal is told.
    """

    image: str
    name: str = ""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    # NAME=value
    env: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    hostname: str = ""
    tty: bool = False
    init: bool = False
    ports: tuple[Port, ...] = ()
    # bridge, none, host, container:<name>, or a network's name
    network: str = "bridge"
    dns: tuple[str, ...] = ()
    # name:address
    extra_hosts: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    # Containers whose mounts it takes over.
    volumes_from: tuple[str, ...] = ()
    read_only: bool = False
    # 0: the engine's own 64 MiB.
    shm_bytes: int = 0
    restart: str = "no"
    # Of on-failure; 0: without end.
    restart_retries: int = 0
    # 0: no limit, of these three.
    memory_bytes: int = 0
    nano_cpus: int = 0
    pids: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    log_driver: str = "json-file"
    log_options: tuple[tuple[str, str], ...] = ROTATION
    privileged: bool = False
    # Whether set-user-id programs inside give more rights.
    new_privileges: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    # Such as seccomp=unconfined; no-new-privileges is a field of its own.
    security_opt: tuple[str, ...] = ()
    # Whether /proc and /sys are without the paths that engines hide or make read-only.
    unmasked: bool = False
    devices: tuple[Device, ...] = ()
    # Empty (its own), host, or container:<name>
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    userns: str = ""
    cgroupns: str = ""
    sysctls: tuple[tuple[str, str], ...] = ()
    runtime: str = ""
    cgroup_parent: str = ""
    oom_kill_disable: bool = False
    oom_score_adj: int = 0
    # Only read: members of an engine's HostConfig that this console does not know and that are not empty.
    other: tuple[str, ...] = ()
