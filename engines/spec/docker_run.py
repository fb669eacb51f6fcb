"""A container as the `docker run` that makes the same: what people know, keep in scripts and send each other."""

import csv
import io
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from engines.spec.body import BIND_OPTIONS, first_join
from engines.spec.types import DOCKER_RUN, ContainerSpec, DeviceRequest, Join, Mount, Port, Rate
from engines.spec.units import size_text, time_text

Option = tuple[str, ...]
_Options = Iterable[Option]
_Writer = Callable[[ContainerSpec], _Options]

#: Members of BindOptions -> what `--mount bind-recursive=` calls them.
RECURSIVE = {"NonRecursive": "disabled", "ReadOnlyNonRecursive": "writable", "ReadOnlyForceRecursive": "readonly"}
_NAMES_A_GPU = "gpu"
_SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'"}


def argv(spec: ContainerSpec, *, start: bool = True) -> list[str]:
    """The words of the command: `docker run --detach`, or `docker create` without `start`."""
    return [word for option in (_verb(start), *_options(spec), _rest(spec)) for word in option]


def text(spec: ContainerSpec, *, start: bool = True, multiline: bool = True) -> str:
    """The command for a shell, one option a line. Control and bidi characters are written as escapes."""
    parts = [" ".join(map(quoted, option)) for option in (_verb(start), *_options(spec), _rest(spec))]
    return (" \\\n  " if multiline else " ").join(parts)


def unsaid(spec: ContainerSpec) -> tuple[str, ...]:
    """What of `spec` the command does not say, since docker run has no words for it; sentences."""
    return tuple(_unsaid(spec))


def quoted(word: str) -> str:
    """`word` as a POSIX shell takes it, or as bash does where it holds what must not reach a terminal."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def _verb(start: bool) -> Option:
    return ("docker", "run", "-d") if start else ("docker", "create")


def _rest(spec: ContainerSpec) -> Option:
    # --entrypoint takes one word; further ones run the same as the first of the command.
    return (spec.image, *spec.entrypoint[1:], *spec.command)


def _options(spec: ContainerSpec) -> Iterator[Option]:
    for names, write in _WRITERS:
        if any(getattr(spec, name) != getattr(DOCKER_RUN, name) for name in names.split()):
            yield from write(spec)


def _one(flag: str, field: str, shown: Callable[..., str] = str) -> _Writer:
    return lambda spec: [(flag, shown(getattr(spec, field)))]


def _flag(flag: str) -> _Writer:
    return lambda _: [(flag,)]


def _many(flag: str, field: str, shown: Callable[..., str] = str) -> _Writer:
    return lambda spec: [(flag, shown(each)) for each in getattr(spec, field)]


def _pair(pair: tuple[str, str]) -> str:
    return f"{pair[0]}={pair[1]}"


def cpus(nano_cpus: int) -> str:
    """Such as 1.5."""
    return format((Decimal(nano_cpus) / 1_000_000_000).normalize(), "f")


def _swap(size: int) -> str:
    return "-1" if size < 0 else size_text(size)


def _rate(rate: Rate) -> str:
    return f"{rate.path}:{rate.rate}"


def _rate_of_bytes(rate: Rate) -> str:
    return f"{rate.path}:{size_text(rate.rate)}"


def port_text(port: Port) -> str:
    """As -p takes it: [address:][public:]private[/protocol]."""
    address = f"[{port.address}]" if ":" in port.address else port.address
    public = f"{port.public or ''}" + (f"-{port.public_end}" if port.public_end else "")
    private = f"{port.private}" if port.protocol == "tcp" else f"{port.private}/{port.protocol}"
    return f"{address}:{public}:{private}" if address else f"{public}:{private}" if public else private


def _entrypoint(spec: ContainerSpec) -> _Options:
    return [("--entrypoint", spec.entrypoint[0])]


def _healthcheck(spec: ContainerSpec) -> _Options:
    check = spec.healthcheck
    times = {
        "interval": check.interval,
        "timeout": check.timeout,
        "start-period": check.start_period,
        "start-interval": check.start_interval,
    }
    match check.test:
        case ("NONE", *_):
            return [("--no-healthcheck",)]
        case ("CMD-SHELL", command):
            test = [("--health-cmd", command)]
        case ("CMD", *words):
            test = [("--health-cmd", shlex.join(words))]
        case _:
            test = []
    retries = [("--health-retries", str(check.retries))] if check.retries else []
    return [*test, *((f"--health-{name}", time_text(time)) for name, time in times.items() if time), *retries]


def _further(spec: ContainerSpec) -> list[Join]:
    """What docker run can join as well; it takes several networks only when none of them is an engine's own."""
    return [] if alone(spec) else [join for join in spec.joins if join.network != spec.network]


def alone(spec: ContainerSpec) -> bool:
    """Whether its network is one of the engine's own, or another container's: it can be the only one at creation."""
    return spec.network in {"bridge", "host", "none"} or spec.network.startswith("container:")


def _network(spec: ContainerSpec) -> Iterator[Option]:
    own = first_join(spec)
    if own.driver_options:
        yield ("--network", _csv(_join(own)))
    else:
        if spec.network != DOCKER_RUN.network:
            yield ("--network", spec.network)
        yield from (("--network-alias", alias) for alias in own.aliases)
        addresses = {"--ip": own.ipv4, "--ip6": own.ipv6, "--mac-address": own.mac_address}
        yield from ((flag, address) for flag, address in addresses.items() if address)
        yield from (("--link-local-ip", address) for address in own.link_local)
    yield from (
        ("--network", _csv(_join(join)) if join != Join(join.network) else join.network) for join in _further(spec)
    )


def _join(join: Join) -> Iterator[str]:
    yield f"name={join.network}"
    yield from (f"alias={alias}" for alias in join.aliases)
    addresses = {"ip": join.ipv4, "ip6": join.ipv6, "mac-address": join.mac_address}
    yield from (f"{name}={address}" for name, address in addresses.items() if address)
    yield from (f"link-local-ip={address}" for address in join.link_local)
    yield from (f"driver-opt={_pair(option)}" for option in join.driver_options)


def _csv(fields: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _mounts(spec: ContainerSpec) -> Iterator[Option]:
    for mount in spec.mounts:
        if _needs_words(mount):
            # Not -v also for paths of the host: it makes a directory there, which nobody asked for.
            yield ("--mount", _csv(_mount(mount)))
        elif mount.kind == "tmpfs":
            flags = tmpfs_flags(mount)
            yield ("--tmpfs", f"{mount.target}:{flags}" if flags else mount.target)
        else:
            flags = ",".join(_bind(mount))
            yield ("-v", ":".join(filter(None, (mount.source, mount.target, flags))))


def _needs_words(mount: Mount) -> bool:
    """Whether only --mount can say it, as -v and --tmpfs part their words by colons and know few of them."""
    if ":" in mount.source + mount.target or mount.kind not in {"volume", "bind", "tmpfs"}:
        return True
    if mount.kind == "tmpfs" or not BIND_OPTIONS.issuperset(mount.options):
        return False
    plain = Mount("volume", mount.source, mount.target, mount.read_only and bool(mount.source), no_copy=mount.no_copy)
    return mount != plain or (mount.no_copy and not mount.source)


def _bind(mount: Mount) -> Iterator[str]:
    yield from ["ro"] if mount.read_only else []
    yield from ["nocopy"] if mount.no_copy else []
    yield from filter(None, (mount.propagation, *mount.options))


def tmpfs_flags(mount: Mount) -> str:
    """What stands after the path in --tmpfs."""
    flags = [
        *(["ro"] if mount.read_only else []),
        *([f"size={size_text(mount.size_bytes).removesuffix('b')}"] if mount.size_bytes else []),
        *([f"mode={mount.mode:o}"] if mount.mode else []),
        *mount.options,
    ]
    return ",".join(flags)


def _mount(mount: Mount) -> Iterator[str]:
    yield f"type={mount.kind}"
    yield from [f"source={mount.source}"] if mount.source else []
    yield f"target={mount.target}"
    yield from ["readonly"] if mount.read_only else []
    yield from [f"bind-propagation={mount.propagation}"] if mount.propagation else []
    yield from (f"bind-recursive={RECURSIVE[option]}" for option in mount.options if option in RECURSIVE)
    yield from ["volume-nocopy"] if mount.no_copy else []
    yield from [f"volume-subpath={mount.subpath}"] if mount.subpath else []
    yield from [f"volume-driver={mount.driver}"] if mount.driver else []
    yield from (f"volume-opt={_pair(option)}" for option in mount.driver_options)
    yield from (f"volume-label={_pair(label)}" for label in mount.labels)
    yield from [f"tmpfs-size={mount.size_bytes}"] if mount.size_bytes else []
    yield from [f"tmpfs-mode={mount.mode:o}"] if mount.mode else []


def _restart(spec: ContainerSpec) -> _Options:
    retries = f":{spec.restart_retries}" if spec.restart == "on-failure" and spec.restart_retries else ""
    return [("--restart", spec.restart + retries)]


def _log(spec: ContainerSpec) -> _Options:
    driver = [("--log-driver", spec.log_driver)] if spec.log_driver else []
    return [*driver, *(("--log-opt", _pair(option)) for option in spec.log_options)]


def _security(spec: ContainerSpec) -> _Options:
    return [("--security-opt", option) for option in spec.security_opt if not _has_profile(option)]


def _has_profile(option: str) -> bool:
    return bool(re.match(r"seccomp[=:]\s*\{", option))


def _devices(spec: ContainerSpec) -> Iterator[Option]:
    for each in spec.devices:
        rights = f":{each.rights}" if each.rights != "rwm" else ""
        inside = f":{each.inside}" if each.inside != each.host or rights else ""
        yield ("--device", each.host + inside + rights)


def _device_requests(spec: ContainerSpec) -> Iterator[Option]:
    for request in spec.device_requests:
        if is_cdi(request):
            yield from (("--device", name) for name in request.ids)
        elif _names_a_gpu(request):
            yield ("--gpus", _csv(_gpus(request)))


def is_cdi(request: DeviceRequest) -> bool:
    """Whether it is by names of the Container Device Interface, such as vendor.example/gpu=0."""
    return request == DeviceRequest("cdi", ids=request.ids)


def _names_a_gpu(request: DeviceRequest) -> bool:
    return len(request.capabilities) == 1 and request.capabilities[0][-1:] == (_NAMES_A_GPU,)


def _gpus(request: DeviceRequest) -> Iterator[str]:
    capabilities = request.capabilities[0][:-1]
    if request.ids:
        yield "device=" + ",".join(request.ids)
    if request.count or not request.ids:
        yield "all" if request.count < 0 else f"{request.count}"
    yield from [f"driver={request.driver}"] if request.driver else []
    yield from ["capabilities=" + ",".join(capabilities)] if capabilities else []
    yield from ["options=" + _csv(map(_pair, request.options))] if request.options else []


def _unsaid(spec: ContainerSpec) -> Iterator[str]:
    if spec.healthcheck.test[:1] == ("CMD",):
        yield "The health check's command runs without a shell; docker run gives it to one."
    if alone(spec):
        for join in spec.joins:
            if join.network != spec.network:
                yield f"It joins {join.network} as well: docker network connect does that afterwards."
    for mount in spec.mounts:
        for option in set(mount.options) - RECURSIVE.keys() if _needs_words(mount) else ():
            yield f"The mount at {mount.target} has the option {option}."
    if any(map(_has_profile, spec.security_opt)):
        yield "Its seccomp profile: docker run reads one from a file."
    for request in spec.device_requests:
        if not is_cdi(request) and not _names_a_gpu(request):
            yield "It asks for devices in a way that is neither --gpus nor a CDI name."
    for name in spec.other:
        yield f"{name}, which this console does not know."


#: Fields and their options, in the order they are written. What is as `docker run` gives it unasked is left out.
_WRITERS: tuple[tuple[str, _Writer], ...] = (
    ("name", _one("--name", "name")),
    ("platform", _one("--platform", "platform")),
    ("interactive tty", lambda spec: [("-" + "i" * spec.interactive + "t" * spec.tty,)]),
    ("auto_remove", _flag("--rm")),
    ("restart restart_retries", _restart),
    ("init", _flag("--init")),
    ("entrypoint", _entrypoint),
    ("env", _many("-e", "env")),
    ("labels", _many("--label", "labels", _pair)),
    ("annotations", _many("--annotation", "annotations", _pair)),
    ("working_dir", _one("-w", "working_dir")),
    ("user", _one("-u", "user")),
    ("group_add", _many("--group-add", "group_add")),
    ("hostname", _one("--hostname", "hostname")),
    ("domainname", _one("--domainname", "domainname")),
    ("stop_signal", _one("--stop-signal", "stop_signal")),
    ("stop_timeout", _one("--stop-timeout", "stop_timeout")),
    ("healthcheck", _healthcheck),
    ("ports", _many("-p", "ports", port_text)),
    ("expose", _many("--expose", "expose", lambda port: port.removesuffix("/tcp"))),
    ("publish_all", _flag("-P")),
    ("network joins", _network),
    ("links", _many("--link", "links")),
    ("dns", _many("--dns", "dns")),
    ("dns_options", _many("--dns-option", "dns_options")),
    ("dns_search", _many("--dns-search", "dns_search")),
    ("extra_hosts", _many("--add-host", "extra_hosts")),
    ("mounts", _mounts),
    ("volumes_from", _many("--volumes-from", "volumes_from")),
    ("volume_driver", _one("--volume-driver", "volume_driver")),
    ("storage_options", _many("--storage-opt", "storage_options", _pair)),
    ("read_only", _flag("--read-only")),
    ("shm_bytes", _one("--shm-size", "shm_bytes", size_text)),
    ("memory_bytes", _one("-m", "memory_bytes", size_text)),
    ("memory_reservation_bytes", _one("--memory-reservation", "memory_reservation_bytes", size_text)),
    ("memory_swap_bytes", _one("--memory-swap", "memory_swap_bytes", _swap)),
    ("memory_swappiness", _one("--memory-swappiness", "memory_swappiness")),
    ("nano_cpus", _one("--cpus", "nano_cpus", cpus)),
    ("cpu_shares", _one("--cpu-shares", "cpu_shares")),
    ("cpu_period", _one("--cpu-period", "cpu_period")),
    ("cpu_quota", _one("--cpu-quota", "cpu_quota")),
    ("cpu_realtime_period", _one("--cpu-rt-period", "cpu_realtime_period")),
    ("cpu_realtime_runtime", _one("--cpu-rt-runtime", "cpu_realtime_runtime")),
    ("cpuset_cpus", _one("--cpuset-cpus", "cpuset_cpus")),
    ("cpuset_mems", _one("--cpuset-mems", "cpuset_mems")),
    ("pids", _one("--pids-limit", "pids")),
    ("ulimits", _many("--ulimit", "ulimits", lambda each: f"{each.name}={each.soft}:{each.hard}")),
    ("blkio_weight", _one("--blkio-weight", "blkio_weight")),
    ("blkio_weight_device", _many("--blkio-weight-device", "blkio_weight_device", _rate)),
    ("device_read_bps", _many("--device-read-bps", "device_read_bps", _rate_of_bytes)),
    ("device_read_iops", _many("--device-read-iops", "device_read_iops", _rate)),
    ("device_write_bps", _many("--device-write-bps", "device_write_bps", _rate_of_bytes)),
    ("device_write_iops", _many("--device-write-iops", "device_write_iops", _rate)),
    ("log_driver log_options", _log),
    ("privileged", _flag("--privileged")),
    ("new_privileges", lambda _: [("--security-opt", "no-new-privileges")]),
    ("cap_add", _many("--cap-add", "cap_add")),
    ("cap_drop", _many("--cap-drop", "cap_drop")),
    ("security_opt", _security),
    ("unmasked", lambda _: [("--security-opt", "systempaths=unconfined")]),
    ("devices", _devices),
    ("device_cgroup_rules", _many("--device-cgroup-rule", "device_cgroup_rules")),
    ("device_requests", _device_requests),
    ("pid", _one("--pid", "pid")),
    ("ipc", _one("--ipc", "ipc")),
    ("uts", _one("--uts", "uts")),
    ("userns", _one("--userns", "userns")),
    ("cgroupns", _one("--cgroupns", "cgroupns")),
    ("sysctls", _many("--sysctl", "sysctls", _pair)),
    ("runtime", _one("--runtime", "runtime")),
    ("isolation", _one("--isolation", "isolation")),
    ("cgroup_parent", _one("--cgroup-parent", "cgroup_parent")),
    ("oom_kill_disable", _flag("--oom-kill-disable")),
    ("oom_score_adj", _one("--oom-score-adj", "oom_score_adj")),
)
