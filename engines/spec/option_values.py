"""How the values of single options of `docker run` are read. All raise ValueError with a sentence."""

import csv
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from engines.spec.docker_run import RECURSIVE
from engines.spec.inspected import bind_mount, clean, tmpfs_mount
from engines.spec.types import DeviceRequest, Mount, Port, Rate, Ulimit
from engines.spec.units import read_size, read_time

#: Ports of one range.
_MOST_PORTS = 1000
_HIGHEST_PORT = 65535
_PORT = re.compile(
    r"(?:(?P<ip>\[[^\]]*\]|[^:]*):(?=[^:]*:))?(?:(?P<public>\d*)(?:-(?P<public_end>\d+))?:)?"
    r"(?P<private>\d+)(?:-(?P<private_end>\d+))?(?:/(?P<protocol>tcp|udp|sctp))?"
)
_EXPOSE = re.compile(r"(?P<private>\d+)(?:-(?P<private_end>\d+))?(?:/(?P<protocol>tcp|udp|sctp))?")
_TRUE, _FALSE = {"1", "t", "true"}, {"0", "f", "false"}
#: Paths of the machine where it was typed.
_ELSEWHERE = re.compile(r"\.{1,2}(?:/|$)|~|[A-Za-z]:[\\/]|\\\\")
_SHOWN = 60


def shown(text: str) -> str:
    """The beginning of `text`, for a sentence."""
    line = text.split("\n", 1)[0][:_SHOWN]
    return line if line == text else f"{line}…"


def boolean(value: str) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        raise ValueError("Write true or false.")
    return value.lower() in _TRUE


def integer(value: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", value):
        raise ValueError("Write a whole number.")
    return int(value)


def count(value: str) -> int:
    """Less than 0 stands for no limit."""
    return max(0, integer(value))


def _size(value: str) -> int:
    return int(value) if re.fullmatch(r"\d{1,18}", value) else read_size(value)


def _swap(value: str) -> int:
    return -1 if value == "-1" else _size(value)


def _swappiness(value: str) -> int | None:
    swappiness = integer(value)
    return None if swappiness < 0 else swappiness


def time(value: str) -> int:
    return 0 if value == "0" else read_time(value)


def _cpus(value: str) -> int:
    if not re.fullmatch(r"\d{1,6}(?:\.\d{0,9})?|\.\d{1,9}", value):
        raise ValueError("Write a number such as 1.5.")
    return int(Decimal(value) * 1_000_000_000)


def _own_mode(value: str) -> str:
    return "" if value == "private" else value


def network_name(value: str) -> str:
    return "bridge" if value == "default" else value


def pair(value: str) -> Iterator[tuple[str, str]]:
    name, _, rest = value.partition("=")
    if not name:
        raise ValueError("Write name=value.")
    yield name, rest


def _env(value: str) -> Iterator[str]:
    name, equals, _ = value.partition("=")
    if not name:
        raise ValueError("Write NAME=value.")
    if not equals:
        raise ValueError("Its value is that of the shell where it was typed: write NAME=value.")
    yield value


def _ports(value: str) -> Iterator[Port]:
    match = _PORT.fullmatch(value)
    if match is None:
        raise ValueError("Write 8080:80, 127.0.0.1:8080:80 or 8080:80/udp.")
    address, protocol = (match["ip"] or "").strip("[]"), match["protocol"] or "tcp"
    private, private_end = _range(match["private"], match["private_end"])
    if not match["public"]:
        for port in range(private, private_end + 1):
            yield Port(port, 0, protocol, address)
        return
    public, public_end = _range(match["public"], match["public_end"])
    if private == private_end:
        yield Port(private, public, protocol, address, public_end if public_end > public else 0)
    elif private_end - private == public_end - public:
        for port in range(private, private_end + 1):
            yield Port(port, public + port - private, protocol, address)
    else:
        raise ValueError("Both ranges are to be as long as each other.")


def _expose(value: str) -> Iterator[str]:
    match = _EXPOSE.fullmatch(value)
    if match is None:
        raise ValueError("Write 80, 80-90 or 80/udp.")
    first, last = _range(match["private"], match["private_end"])
    for port in range(first, last + 1):
        yield f"{port}/{match['protocol'] or 'tcp'}"


def _range(first: str, last: str | None) -> tuple[int, int]:
    ports = [int(each) if len(each) <= len(str(_HIGHEST_PORT)) else 0 for each in (first, last or first)]
    if not 1 <= ports[0] <= ports[1] <= _HIGHEST_PORT:
        raise ValueError(f"A port is a number from 1 to {_HIGHEST_PORT}.")
    if ports[1] - ports[0] >= _MOST_PORTS:
        raise ValueError(f"A range has at most {_MOST_PORTS} ports.")
    return ports[0], ports[1]


def _extra_host(value: str) -> Iterator[str]:
    name, separator, address = value.partition("=" if "=" in value else ":")
    if not name or not separator or not address:
        raise ValueError("Write name:address.")
    yield f"{name}:{address.strip('[]')}"


def _link(value: str) -> Iterator[str]:
    other, _, alias = value.partition(":")
    yield f"{other}:{alias or other}"


def _capability(value: str) -> Iterator[str]:
    yield value.upper().removeprefix("CAP_")


def _ulimit(value: str) -> Iterator[Ulimit]:
    match = re.fullmatch(r"([a-z]+)=(-1|\d{1,18})(?::(-1|\d{1,18}))?", value)
    if match is None:
        raise ValueError("Write nofile=1024:2048.")
    yield Ulimit(match[1], int(match[2]), int(match[3] or match[2]))


def _rate_of(read: Callable[[str], int]) -> Callable[[str], Iterator[Rate]]:
    def rate(value: str) -> Iterator[Rate]:
        path, _, amount = value.rpartition(":")
        if not path.startswith("/"):
            raise ValueError("Write a path of the host, a colon and a number.")
        yield Rate(path, read(amount))

    return rate


def _volume(value: str) -> Iterator[Mount]:
    source, colon, rest = value.partition(":")
    if _ELSEWHERE.match(value):
        raise ValueError("The path is of the machine where this was typed; write an absolute one of the engine's host.")
    if not colon:
        source, rest = "", value
    if not rest.startswith("/") or rest.count(":") > 1:
        raise ValueError("Write volume:/path, /path/of/the/host:/path or /path, with :ro if wanted.")
    yield bind_mount(f"{source}:{rest}") if source else Mount("volume", "", clean(rest))


def _tmpfs(value: str) -> Iterator[Mount]:
    target, _, flags = value.partition(":")
    if not target.startswith("/"):
        raise ValueError("Write /path, or /path:size=64m.")
    yield tmpfs_mount(clean(target), flags.split(","))


def columns(value: str) -> list[str]:
    try:
        return next(csv.reader([value], strict=True), [])
    except csv.Error as error:
        raise ValueError("A quotation mark is not where it should be.") from error


def _mount(value: str) -> Iterator[Mount]:
    found: dict[str, Any] = {"kind": "volume", "source": "", "target": "", "options": []}
    for column in columns(value):
        name, equals, rest = column.partition("=")
        name = name.strip().lower()
        match name:
            case "type":
                found["kind"] = rest.lower()
            case "source" | "src":
                found["source"] = rest
            case "target" | "dst" | "destination":
                found["target"] = clean(rest)
            case "readonly" | "ro":
                found["read_only"] = boolean(rest if equals else "true")
            case "bind-propagation":
                found["propagation"] = "" if rest == "rprivate" else rest
            case "bind-nonrecursive":
                found["options"] += ["NonRecursive"] if boolean(rest if equals else "true") else []
            case "bind-recursive":
                found["options"] += _recursive(rest)
            case "volume-nocopy":
                found["no_copy"] = boolean(rest if equals else "true")
            case "volume-subpath":
                found["subpath"] = rest
            case "volume-driver":
                found["driver"] = rest
            case "volume-opt":
                found.setdefault("driver_options", []).extend(pair(rest))
            case "volume-label":
                found.setdefault("labels", []).extend(pair(rest))
            case "tmpfs-size":
                found["size_bytes"] = _size(rest)
            case "tmpfs-mode":
                found["mode"] = _octal(rest)
            case "consistency":
                # Of macOS alone.
                pass
            case _:
                raise ValueError(f"{shown(name)} is not known here.")
    yield _checked(found)


def _checked(found: dict[str, Any]) -> Mount:
    if found["kind"] not in {"volume", "bind", "tmpfs"}:
        raise ValueError("A mount is a volume, a bind or a tmpfs.")
    if not found["target"].startswith("/"):
        raise ValueError("Its target is to be a path inside.")
    if found["kind"] == "bind" and not found["source"].startswith("/"):
        raise ValueError("Its source is to be an absolute path of the engine's host.")
    pairs = {name: tuple(sorted(dict(found[name]).items())) for name in ("driver_options", "labels") if name in found}
    return Mount(**found | pairs | {"options": tuple(sorted(found["options"]))})


def _recursive(word: str) -> list[str]:
    if word in {"", "enabled"}:
        return []
    named = {shown: member for member, shown in RECURSIVE.items()}
    if word not in named:
        raise ValueError("bind-recursive is enabled, disabled, writable or readonly.")
    return [named[word]]


def _octal(value: str) -> int:
    if not re.fullmatch("[0-7]{1,5}", value):
        raise ValueError("Write the mode in octal digits, such as 1777.")
    return int(value, 8)


def _gpus(value: str) -> Iterator[DeviceRequest]:
    found: dict[str, Any] = {}
    capabilities: list[str] = []
    for column in columns(value):
        name, equals, rest = column.partition("=")
        if not equals:
            name, rest = "count", name
        match name:
            case "count":
                found["count"] = -1 if rest == "all" else integer(rest)
            case "device":
                found["ids"] = tuple(rest.split(","))
            case "driver":
                found["driver"] = rest
            case "capabilities":
                capabilities = rest.split(",")
            case "options":
                found["options"] = tuple(sorted(each for column in columns(rest) for each in pair(column)))
            case _:
                raise ValueError(f"{shown(name)} is not known here.")
    if "count" not in found and "ids" not in found:
        found["count"] = 1
    yield DeviceRequest(**found, capabilities=((*capabilities, "gpu"),))


def _text(value: str) -> Iterator[str]:
    yield value


#: Option -> the field it sets, and how its value is read.
ONES: dict[str, tuple[str, Callable[[str], Any]]] = {
    **{name: (name, str) for name in ("name", "platform", "hostname", "domainname", "user", "runtime", "isolation")},
    **{name: (name, _own_mode) for name in ("pid", "ipc", "uts", "userns", "cgroupns")},
    "workdir": ("working_dir", str),
    "stop-signal": ("stop_signal", str),
    "stop-timeout": ("stop_timeout", integer),
    "entrypoint": ("entrypoint", lambda value: (value,)),
    "volume-driver": ("volume_driver", str),
    "shm-size": ("shm_bytes", _size),
    "memory": ("memory_bytes", _size),
    "memory-reservation": ("memory_reservation_bytes", _size),
    "memory-swap": ("memory_swap_bytes", _swap),
    "memory-swappiness": ("memory_swappiness", _swappiness),
    "cpus": ("nano_cpus", _cpus),
    "cpu-shares": ("cpu_shares", count),
    "cpu-period": ("cpu_period", count),
    "cpu-quota": ("cpu_quota", count),
    "cpu-rt-period": ("cpu_realtime_period", count),
    "cpu-rt-runtime": ("cpu_realtime_runtime", count),
    "cpuset-cpus": ("cpuset_cpus", str),
    "cpuset-mems": ("cpuset_mems", str),
    "pids-limit": ("pids", count),
    "blkio-weight": ("blkio_weight", count),
    "log-driver": ("log_driver", str),
    "cgroup-parent": ("cgroup_parent", str),
    "oom-score-adj": ("oom_score_adj", integer),
}
#: Option -> the field it adds to, and how its value is read.
MANY: dict[str, tuple[str, Callable[[str], Iterator[Any]]]] = {
    "env": ("env", _env),
    "label": ("labels", pair),
    "annotation": ("annotations", pair),
    "group-add": ("group_add", _text),
    "publish": ("ports", _ports),
    "expose": ("expose", _expose),
    "link": ("links", _link),
    "dns": ("dns", _text),
    "dns-option": ("dns_options", _text),
    "dns-search": ("dns_search", _text),
    "add-host": ("extra_hosts", _extra_host),
    "volume": ("mounts", _volume),
    "mount": ("mounts", _mount),
    "tmpfs": ("mounts", _tmpfs),
    "volumes-from": ("volumes_from", _text),
    "storage-opt": ("storage_options", pair),
    "ulimit": ("ulimits", _ulimit),
    "blkio-weight-device": ("blkio_weight_device", _rate_of(count)),
    "device-read-bps": ("device_read_bps", _rate_of(_size)),
    "device-read-iops": ("device_read_iops", _rate_of(count)),
    "device-write-bps": ("device_write_bps", _rate_of(_size)),
    "device-write-iops": ("device_write_iops", _rate_of(count)),
    "log-opt": ("log_options", pair),
    "cap-add": ("cap_add", _capability),
    "cap-drop": ("cap_drop", _capability),
    "device-cgroup-rule": ("device_cgroup_rules", _text),
    "gpus": ("device_requests", _gpus),
    "sysctl": ("sysctls", pair),
}
