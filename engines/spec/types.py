"""A container to be created, typed: what people ask for on one side, what an engine's inspect says on the other.

Fields are in the order of the form's sections, and stand for the options of `docker run`. Sizes are bytes, times
nanoseconds, shares and quotas the kernel's own numbers.
"""

from dataclasses import dataclass

#: A container that writes without end must not fill its host's disk.
ROTATION = (("max-file", "3"), ("max-size", "20m"))


@dataclass(frozen=True, order=True)
class Port:
    """`public` is the host's port, 0 for one that the engine chooses; `address` the host's, empty for all of them.

    With `public_end`, the engine chooses one from `public` to it.
    """

    private: int
    public: int = 0
    protocol: str = "tcp"
    address: str = "127.0.0.1"
    public_end: int = 0


@dataclass(frozen=True, order=True)
class Mount:
    """`kind` is volume, bind or tmpfs; `source` a volume's name (empty: an anonymous one) or a path of the host.

    `options` are what has no field: exec, suid, dev, uid=1 of a tmpfs, z and Z, or members of BindOptions such as
    NonRecursive. Most of them widen it. `size_bytes` and `mode` are a tmpfs's, 0 for none; `no_copy`, `subpath`,
    `driver`, `driver_options` and `labels` a volume's, which is made with them; `propagation` a bind's, empty for its
    own.
    """

    kind: str
    source: str
    target: str
    read_only: bool = False
    options: tuple[str, ...] = ()
    size_bytes: int = 0
    mode: int = 0
    no_copy: bool = False
    subpath: str = ""
    driver: str = ""
    driver_options: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    propagation: str = ""


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


@dataclass(frozen=True, order=True)
class DeviceRequest:
    """Devices by what they can (`--gpus`). `count` -1: all; `capabilities` are lists of which each must hold one."""

    driver: str = ""
    count: int = 0
    ids: tuple[str, ...] = ()
    capabilities: tuple[tuple[str, ...], ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, order=True)
class Rate:
    """A limit on a block device of the host: bytes or operations a second, or a weight of 10 to 1000."""

    path: str
    rate: int


@dataclass(frozen=True)
class Healthcheck:
    """`test` as the Engine API has it: () the image's own, ("NONE",) none, ("CMD", …) or ("CMD-SHELL", command).

    Times are nanoseconds; 0 stands for the image's or the engine's own, as do 0 `retries`.
    """

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, order=True)
class Join:
    """How it takes part in one network, beside being in it. Addresses are empty where the engine chooses them."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4: str = ""
    ipv6: str = ""
    link_local: tuple[str, ...] = ()
    mac_address: str = ""
    driver_options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ContainerSpec:
    """The defaults are the most harmless. Sets are sorted tuples; capabilities are without CAP_.

    A new field is refused to all below manager until `limits` has a rule for it. Its name is also that of the form's
    field, where a refusal is told.
    """

    image: str
    name: str = ""
    # os/arch[/variant] of the image; empty: the engine's own.
    platform: str = ""
    # Process.
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    # NAME=value
    env: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    hostname: str = ""
    domainname: str = ""
    tty: bool = False
    # Whether its standard input stays open when nobody is attached (`-i`).
    interactive: bool = False
    init: bool = False
    # Such as SIGQUIT; empty: the image's own.
    stop_signal: str = ""
    # Seconds; None: the engine's ten, -1: without end.
    stop_timeout: int | None = None
    healthcheck: Healthcheck = Healthcheck()
    # Network.
    ports: tuple[Port, ...] = ()
    # Ports such as 80/tcp that the image does not name itself.
    expose: tuple[str, ...] = ()
    publish_all: bool = False
    # bridge, none, host, container:<name>, or a network's name
    network: str = "bridge"
    # How it takes part in `network` where that is said, and in further networks.
    joins: tuple[Join, ...] = ()
    # container:alias, of the default network.
    links: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    # name:address
    extra_hosts: tuple[str, ...] = ()
    # Storage.
    mounts: tuple[Mount, ...] = ()
    # Containers whose mounts it takes over.
    volumes_from: tuple[str, ...] = ()
    volume_driver: str = ""
    storage_options: tuple[tuple[str, str], ...] = ()
    read_only: bool = False
    # 0: the engine's own 64 MiB.
    shm_bytes: int = 0
    # When it ends.
    restart: str = "no"
    # Of on-failure; 0: without end.
    restart_retries: int = 0
    auto_remove: bool = False
    # Limits. 0: none, of all of these.
    memory_bytes: int = 0
    memory_reservation_bytes: int = 0
    # Memory and swap together; -1: swap without limit.
    memory_swap_bytes: int = 0
    # 0 to 100; None: the host's own.
    memory_swappiness: int | None = None
    nano_cpus: int = 0
    cpu_shares: int = 0
    # Microseconds.
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    # Such as 0-2,7
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    blkio_weight: int = 0
    blkio_weight_device: tuple[Rate, ...] = ()
    device_read_bps: tuple[Rate, ...] = ()
    device_read_iops: tuple[Rate, ...] = ()
    device_write_bps: tuple[Rate, ...] = ()
    device_write_iops: tuple[Rate, ...] = ()
    log_driver: str = "json-file"
    log_options: tuple[tuple[str, str], ...] = ROTATION
    # Rights.
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
    device_cgroup_rules: tuple[str, ...] = ()
    device_requests: tuple[DeviceRequest, ...] = ()
    # Empty (its own), host, or container:<name>
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    userns: str = ""
    cgroupns: str = ""
    sysctls: tuple[tuple[str, str], ...] = ()
    runtime: str = ""
    isolation: str = ""
    cgroup_parent: str = ""
    oom_kill_disable: bool = False
    oom_score_adj: int = 0
    # Only read: members of an engine's HostConfig that this console does not know and that are not empty.
    other: tuple[str, ...] = ()


#: What `docker run` gives a container of which nothing is said.
DOCKER_RUN = ContainerSpec(image="", new_privileges=True, log_options=())
