"""How parts of a ContainerSpec are typed, in the forms that `docker run` takes; what is written is read back exactly.

Readers raise ValueError with one sentence for people.
"""

import csv
import ipaddress
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator

from engines.client.ids import require_name
from engines.spec.types import Device, DeviceRequest, Join, Mount, Port, Rate, Ulimit
from engines.spec.units import read_size, size_text

_PORT = re.compile(
    r"(?:(?P<ip>\*|[0-9]+(?:\.[0-9]+)+|\[[0-9a-fA-F:.]+\]):)?"
    r"(?:(?P<public>\d{1,5}(?:-\d{1,5})?)?:)?(?P<private>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>tcp|udp|sctp))?"
)
_EXPOSED = re.compile(r"(?P<private>\d{1,5})(?:/(?P<protocol>tcp|udp|sctp))?")
_MOST_PORTS = 200
_NAME = re.compile(r"[^=\s\x00-\x1f\x7f|][^=\x00-\x1f\x7f]{0,1023}")
_ENV_NAME = re.compile(r"[^=\s\x00-\x1f\x7f|][^=\s\x00-\x1f\x7f]{0,1023}")
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_CAPABILITY = re.compile(r"[A-Z][A-Z_]{1,40}")
_ULIMIT = re.compile(r"([a-z]{2,12})=(-1|\d{1,19})(?::(-1|\d{1,19}))?")
_DEVICE = re.compile(r"(/dev/[A-Za-z0-9_./-]{1,200})(?::(/[A-Za-z0-9_./-]{1,200}))?(?::([rwm]{1,3}))?")
_DEVICE_RULE = re.compile(r"[abc] (?:\d{1,10}|\*):(?:\d{1,10}|\*) [rwm]{1,3}")
_SECURITY = re.compile(r"(?:seccomp|apparmor|label|systempaths)[=:][^\x00-\x1f\x7f]{1,60000}")
_MODE = re.compile(r"host|container:[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_RATE = re.compile(r"(/dev/[A-Za-z0-9_./-]{1,200}):(.+)")
_PLATFORM = re.compile(r"[a-z0-9]{2,20}(?:/[a-z0-9_]{2,20}(?:/[a-z0-9.]{1,20})?)?")
_SIGNAL = re.compile(r"[A-Za-z0-9+-]{1,20}")
_CPUS = re.compile(r"\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*")
_LINK = re.compile(r"([a-zA-Z0-9][a-zA-Z0-9_.-]{1,254})(?::([a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}))?")
_VOLUMES_FROM = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}(?::(?:ro|rw))?")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}")
_OPTION = re.compile(r"[^\s,\x00-\x1f\x7f]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Labels for SELinux.
_RELABELS = {"z", "Z"}
#: Values of bind-recursive -> the member of BindOptions.
_RECURSIONS = {"disabled": "NonRecursive", "writable": "ReadOnlyNonRecursive", "readonly": "ReadOnlyForceRecursive"}
_TMPFS_FLAG = re.compile(r"[a-z]{2,20}(?:=[A-Za-z0-9_:.-]{1,60})?")
#: What every tmpfs has, unless it is asked for otherwise.
_USUAL_FLAGS = {"rw", "noexec", "nosuid", "nodev"}
_PROPAGATIONS = {"private", "rprivate", "shared", "rshared", "slave", "rslave"}


def matching(pattern: re.Pattern[str], sentence: str) -> Callable[[str], str]:
    """A reader of what `pattern` matches as a whole."""

    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(sentence)
        return text

    return read


def shell_words(text: str) -> tuple[str, ...]:
    """Words quoted as in a shell; `shlex.join` writes them."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError("A quotation mark is not closed, or the last character is a backslash.") from error


def assignments(text: str, known: re.Pattern[str] = _NAME, shown: str = "name") -> list[tuple[str, str]]:
    """Names and values of lines `name=value`; a value goes on in lines that begin with `|`. Empty lines are skipped."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("|") and found:
            name, value = found[-1]
            found[-1] = (name, f"{value}\n{line[1:].removeprefix(' ')}")
            continue
        if not line.strip():
            continue
        name, separator, value = line.partition("=")
        if not separator or not known.fullmatch(name.strip()):
            raise ValueError(f"Line {number}: write {shown}=value.")
        found.append((name.strip(), value))
    return found


def assigned(pairs: tuple[tuple[str, str], ...]) -> str:
    """Lines that `assignments` reads."""
    return "\n".join(f"{name}={value}".replace("\n", "\n| ") for name, value in pairs)


def environment(text: str) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in assignments(text, _ENV_NAME, "NAME"))


def environment_text(env: tuple[str, ...]) -> str:
    return "\n".join(entry.replace("\n", "\n| ") for entry in env)


def named(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values, sorted, the last of each name."""
    return tuple(sorted(dict(assignments(text)).items()))


def ports(text: str) -> tuple[Port, ...]:
    """Sorted; a range is each of its ports."""
    found = {port for word in text.replace(",", " ").split() for port in _ports(word)}
    if len(found) > _MOST_PORTS:
        raise ValueError(f"At most {_MOST_PORTS} ports.")
    return tuple(sorted(found))


def ports_text(found: tuple[Port, ...]) -> str:
    return "\n".join(_port_text(port) for port in found)


def _ports(word: str) -> Iterator[Port]:
    match = _PORT.fullmatch(word)
    private = _range(match["private"]) if match else range(0)
    public = _range(match["public"]) if match and match["public"] else None
    chosen = public is not None and len(private) == 1 and len(public) > 1
    if match is None or not private or (public is not None and not chosen and len(public) != len(private)):
        raise ValueError(f"{word[:60]}: write 8080:80, 127.0.0.1:8080:80, 8080:80/udp or 8000-8009:8000-8009.")
    address = {None: "127.0.0.1", "*": ""}.get(match["ip"])
    if address is None:
        address = read_address(match["ip"].strip("[]"))
    protocol = match["protocol"] or "tcp"
    if public and chosen:
        # One of them, which the engine chooses.
        yield Port(private[0], public[0], protocol, address, public[-1])
        return
    for place, port in enumerate(private):
        yield Port(port, public[place] if public else 0, protocol, address)


def _range(text: str) -> range:
    """Empty where it is none."""
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    return range(low, high + 1) if 1 <= low <= high <= 65535 and high - low < _MOST_PORTS else range(0)


def _port_text(port: Port) -> str:
    address = f"[{port.address}]" if ":" in port.address else port.address or "*"
    where = "" if address == "127.0.0.1" else f"{address}:"
    public = f"{port.public}:" if port.public else ":" if where else ""
    public = f"{port.public}-{port.public_end}:" if port.public_end else public
    protocol = "" if port.protocol == "tcp" else f"/{port.protocol}"
    return f"{where}{public}{port.private}{protocol}"


def exposed(word: str) -> str:
    """Such as 80/tcp."""
    match = _EXPOSED.fullmatch(word)
    if match is None or not 1 <= int(match["private"]) <= 65535:
        raise ValueError(f"{word[:60]}: write 80 or 53/udp.")
    return f"{int(match['private'])}/{match['protocol'] or 'tcp'}"


def read_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError(f"{text[:60]} is not an IP address.") from error


def read_host(line: str) -> str:
    """name:address"""
    name, _, address = line.partition(":")
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{line[:60]}: write name:address.")
    return f"{name}:{address if address == 'host-gateway' else read_address(address.strip('[]'))}"


def read_mount(line: str) -> Mount:
    """As `-v` or `--mount` take them."""
    return _long_mount(line) if line.startswith("type=") else _short_mount(line)


def mount_text(mount: Mount) -> str:
    """The short form where it can say all of it."""
    words = [*(["ro"] if mount.read_only else []), *(["nocopy"] if mount.no_copy else [])]
    words += [mount.propagation] if mount.propagation else []
    words += mount.options
    short = ":".join([*([mount.source] if mount.source else []), mount.target, *([",".join(words)] if words else [])])
    try:
        said = _short_mount(short) == mount
    except ValueError:
        said = False
    return short if said else _long_text(mount)


def _short_mount(line: str) -> Mount:
    if line.startswith("/") and ":" not in line:
        return Mount("volume", "", read_inside(line))
    source, _, rest = line.partition(":")
    target, colon, flags = rest.partition(":")
    words = set(flags.split(",")) if colon else set()
    kind = "bind" if source.startswith("/") else "volume"
    propagation = words & _PROPAGATIONS if kind == "bind" else set()
    known = {"ro", "rw", *_RELABELS, *propagation, *(["nocopy"] if kind == "volume" else [])}
    if not source or not target or not words <= known or len(propagation) > 1 or {"ro", "rw"} <= words:
        raise ValueError(f"{line[:60]}: write volume:/path, /path/of/the/host:/path, with :ro if wanted.")
    return Mount(
        kind,
        require_name(source) if kind == "volume" else read_host_path(source),
        read_inside(target),
        "ro" in words,
        tuple(sorted(words & _RELABELS)),
        no_copy="nocopy" in words,
        propagation=_propagation(next(iter(propagation), "")),
    )


def _long_mount(line: str) -> Mount:
    kinds, found = {"volume", "bind", "tmpfs"}, Members(line)
    kind = found.one("type")
    target = read_inside(found.one("target", "dst", "destination"))
    read_only = found.yes("readonly", "ro")
    source, size, mode = found.one("source", "src"), found.one("tmpfs-size"), found.one("tmpfs-mode")
    propagation, recursion = found.one("bind-propagation"), found.one("bind-recursive")
    if recursion not in {"", "enabled", *_RECURSIONS}:
        raise ValueError(f"{line[:60]}: bind-recursive is one of enabled, {', '.join(_RECURSIONS)}.")
    mount = Mount(
        kind,
        source,
        target,
        read_only,
        (_RECURSIONS[recursion],) if recursion in _RECURSIONS else (),
        size_bytes=read_size(size) if size else 0,
        mode=_octal(mode) if mode else 0,
        no_copy=found.yes("volume-nocopy"),
        subpath=found.one("volume-subpath"),
        driver=found.one("volume-driver"),
        driver_options=found.pairs("volume-opt"),
        labels=found.pairs("volume-label"),
        propagation=_propagation(propagation),
    )
    found.done()
    _belongs(mount, kinds, line)
    if kind == "bind":
        read_host_path(source)
    elif source:
        require_name(source)
    return mount


def _belongs(mount: Mount, kinds: set[str], line: str) -> None:
    """Raises ValueError for what a mount of its kind does not have."""
    of_volume = mount.no_copy or mount.subpath or mount.driver or mount.driver_options or mount.labels
    if mount.kind not in kinds:
        raise ValueError(f"{line[:60]}: the type is volume, bind or tmpfs.")
    if mount.propagation not in {"", *_PROPAGATIONS}:
        raise ValueError(f"{line[:60]}: bind-propagation is one of {', '.join(sorted(_PROPAGATIONS))}.")
    if (mount.propagation or mount.options) and mount.kind != "bind":
        raise ValueError(f"{line[:60]}: this option is of a bind.")
    if of_volume and mount.kind != "volume":
        raise ValueError(f"{line[:60]}: this option is of a volume.")
    if (mount.size_bytes or mount.mode or not mount.source) and mount.kind == "bind":
        raise ValueError(f"{line[:60]}: a bind has a source, and no size.")
    if (mount.size_bytes or mount.mode) and mount.kind != "tmpfs":
        raise ValueError(f"{line[:60]}: size and mode are of a tmpfs.")
    if mount.source and mount.kind == "tmpfs":
        raise ValueError(f"{line[:60]}: a tmpfs has no source.")


def _propagation(word: str) -> str:
    # What engines do anyway.
    return "" if word == "rprivate" else word


def _long_text(mount: Mount) -> str:
    members = [f"type={mount.kind}", *([f"source={mount.source}"] if mount.source else []), f"target={mount.target}"]
    members += ["readonly"] if mount.read_only else []
    members += ["volume-nocopy"] if mount.no_copy else []
    members += [f"tmpfs-size={size_text(mount.size_bytes)}"] if mount.size_bytes else []
    members += [f"tmpfs-mode={mount.mode:o}"] if mount.mode else []
    one = (("volume-subpath", "subpath"), ("volume-driver", "driver"), ("bind-propagation", "propagation"))
    members += [f"{key}={value}" for key, name in one if (value := getattr(mount, name))]
    members += [f"bind-recursive={word}" for word, name in _RECURSIONS.items() if name in mount.options]
    members += [f"volume-opt={name}={value}" for name, value in mount.driver_options]
    members += [f"volume-label={name}={value}" for name, value in mount.labels]
    return members_text(members)


def read_tmpfs(line: str) -> Mount:
    """/path, /path:64m, or /path:size=64m,mode=1777,ro,exec"""
    target, colon, flags = line.partition(":")
    size, mode, read_only, options = 0, 0, False, set()
    for word in flags.split(",") if colon else []:
        name, equals, value = word.partition("=")
        try:
            if name == "mode" and equals:
                mode = _octal(value)
            elif word[:1].isdecimal() or (name == "size" and equals):
                size = read_size(value or word)
            elif word == "ro":
                read_only = True
            elif _TMPFS_FLAG.fullmatch(word):
                options |= {word} - _USUAL_FLAGS
            else:
                raise ValueError(word)
        except ValueError as error:
            raise ValueError(f"{line[:60]}: write /path, /path:64m or /path:size=64m,mode=1777,ro.") from error
    return Mount("tmpfs", "", read_inside(target), read_only, tuple(sorted(options)), size, mode)


def tmpfs_text(mount: Mount) -> str:
    size = size_text(mount.size_bytes) if mount.size_bytes else ""
    words = [f"mode={mount.mode:o}"] if mount.mode else []
    words += ["ro"] if mount.read_only else []
    words += mount.options
    if size:
        words = [f"size={size}" if words else size, *words]
    return f"{mount.target}:{','.join(words)}" if words else mount.target


def _octal(text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3,4}", text):
        raise ValueError(f"{text[:20]} is no mode: write such as 1777.")
    return int(text, 8)


def read_host_path(path: str) -> str:
    if not path.startswith("/") or _CONTROL.search(path) or posixpath.normpath(path) != path or path.startswith("//"):
        raise ValueError(f"{path[:60]}: write the host's path plainly, without //, . or .. in it.")
    return path


def read_inside(path: str) -> str:
    """A path inside the container, as the engine will write it."""
    if not path.startswith("/") or _CONTROL.search(path) or ":" in path or posixpath.normpath(path) in {"/", "//"}:
        raise ValueError(f"{path[:60]}: a path inside begins with / and goes on.")
    return posixpath.normpath(path)


def read_directory(path: str) -> str:
    """A working directory, which may be the root."""
    return "/" if path == "/" else read_inside(path)


def read_join(line: str) -> Join:
    """As `--network` takes it: name=shop,alias=db,ip=192.0.2.5; the name may stand alone."""
    found = Members(line if line.startswith(("name=", '"')) else f"name={line}")
    mac, ipv4, ipv6 = found.one("mac-address"), found.one("ip"), found.one("ip6")
    if mac and not _MAC.fullmatch(mac):
        raise ValueError(f"{mac[:60]} is no MAC address, such as 92:d0:c6:0a:29:33.")
    join = Join(
        require_name(found.one("name")),
        tuple(sorted({_alias(alias) for alias in found.all("alias")})),
        read_address(ipv4) if ipv4 else "",
        read_address(ipv6) if ipv6 else "",
        tuple(sorted({read_address(each) for each in found.all("link-local-ip")})),
        mac.lower().replace("-", ":"),
        found.pairs("driver-opt"),
    )
    found.done()
    return join


def join_text(join: Join) -> str:
    members = [join.network, *(f"alias={alias}" for alias in join.aliases)]
    members += [f"ip={join.ipv4}"] if join.ipv4 else []
    members += [f"ip6={join.ipv6}"] if join.ipv6 else []
    members += [f"link-local-ip={each}" for each in join.link_local]
    members += [f"mac-address={join.mac_address}"] if join.mac_address else []
    return members_text([*members, *(f"driver-opt={name}={value}" for name, value in join.driver_options)])


def _alias(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise ValueError(f"{text[:60]}: an alias holds letters, digits, dots and dashes.")
    return text


def read_gpus(line: str) -> DeviceRequest:
    """all, a number, or members as `--gpus` has them: driver=, count=, device=, capabilities=, option="""
    if line == "all" or line.isdecimal():
        line = f"count={line}"
    found = Members(line)
    count = found.one("count")
    if count not in {"", "all", "-1"} and not re.fullmatch(r"\d{1,5}", count):
        raise ValueError(f"{count[:20]} is no number of devices.")
    request = DeviceRequest(
        found.one("driver"),
        -1 if count in {"all", "-1"} else int(count or 0),
        tuple(each for ids in found.all("device") for each in ids.split(",")),
        tuple(tuple(each.split(",")) for each in found.all("capabilities")) or (("gpu",),),
        found.pairs("option"),
    )
    found.done()
    if request.count and request.ids:
        raise ValueError(f"{line[:60]}: either count or device, not both.")
    return request


def gpus_text(request: DeviceRequest) -> str:
    members = [f"driver={request.driver}"] if request.driver else []
    members += [f"count={'all' if request.count == -1 else request.count}"] if request.count else []
    members += [f"device={','.join(request.ids)}"] if request.ids else []
    members += [f"capabilities={','.join(each)}" for each in request.capabilities]
    return members_text([*members, *(f"option={name}={value}" for name, value in request.options)])


def read_ulimit(line: str) -> Ulimit:
    match = _ULIMIT.fullmatch(line)
    if match is None:
        raise ValueError(f"{line[:60]}: write nofile=1024:2048.")
    return Ulimit(match[1], int(match[2]), int(match[3] or match[2]))


def ulimit_text(each: Ulimit) -> str:
    return f"{each.name}={each.soft}:{each.hard}"


def read_device(line: str) -> Device:
    match = _DEVICE.fullmatch(line)
    if match is None or ".." in line:
        raise ValueError(f"{line[:60]}: write /dev/x, or /dev/x:/dev/y:rwm.")
    return Device(match[1], match[2] or match[1], match[3] or "rwm")


def device_text(each: Device) -> str:
    inside = "" if each.inside == each.host and each.rights == "rwm" else f":{each.inside}"
    return each.host + inside + ("" if each.rights == "rwm" else f":{each.rights}")


def read_security(line: str) -> str:
    if not _SECURITY.fullmatch(line):
        raise ValueError(f"{line[:60]}: write such as seccomp=unconfined or label=disable.")
    # Engines take both; one form is enough to judge and to compare.
    return re.sub("^([a-z]+):", r"\1=", line)


def read_capability(word: str) -> str:
    name = word.upper().removeprefix("CAP_")
    if not _CAPABILITY.fullmatch(name):
        raise ValueError(f"{name[:60]} is no capability.")
    return name


def read_mode(text: str) -> str:
    if not _MODE.fullmatch(text):
        raise ValueError("Leave it empty, or write host or container:name.")
    return text


def read_ipc(text: str) -> str:
    return text if text == "none" else read_mode(text)


def read_network(text: str) -> str:
    """Also `host` and `container:<name>`, which only managers may ask for."""
    if text == "default":
        return "bridge"
    return text if text.startswith("container:") and _MODE.fullmatch(text) else require_name(text)


def read_bytes_rate(line: str) -> Rate:
    path, amount = _rate(line)
    return Rate(path, read_size(amount))


def bytes_rate_text(each: Rate) -> str:
    return f"{each.path}:{size_text(each.rate)}"


def read_number_rate(line: str) -> Rate:
    path, amount = _rate(line)
    if not re.fullmatch(r"\d{1,18}", amount):
        raise ValueError(f"{line[:60]}: write /dev/sda:1000.")
    return Rate(path, int(amount))


def number_rate_text(each: Rate) -> str:
    return f"{each.path}:{each.rate}"


def _rate(line: str) -> tuple[str, str]:
    match = _RATE.fullmatch(line)
    if match is None:
        raise ValueError(f"{line[:60]}: write a device and its number, such as /dev/sda:10m.")
    return match[1], match[2]


def read_link(line: str) -> str:
    match = _LINK.fullmatch(line)
    if match is None:
        raise ValueError(f"{line[:60]}: write container:alias.")
    return f"{match[1]}:{match[2] or match[1]}"


read_host_name = matching(_HOST_NAME, "A host name holds letters, digits, dots and dashes.")
read_platform = matching(_PLATFORM, "Write such as linux/amd64 or linux/arm/v7.")
read_signal = matching(_SIGNAL, "Write a signal's name or number, such as SIGQUIT.")
read_cpus = matching(_CPUS, "Write numbers and ranges, such as 0-2,7.")
read_option = matching(_OPTION, "An option has no spaces in it.")
read_volumes_from = matching(_VOLUMES_FROM, "Write a container's name, with :ro after it if wanted.")
read_device_rule = matching(_DEVICE_RULE, "Write such as c 189:* rmw.")
read_plugin = matching(re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,254}"), "Write the name of a driver.")
read_group = matching(re.compile(r"[A-Za-z0-9_.$-]{1,64}"), "Write the names or numbers of groups.")


class Members:
    """The members `key=value` of one line with commas between, quoted as CSV is, as the docker CLI reads them."""

    def __init__(self, line: str) -> None:
        """Raises ValueError for a line that is none."""
        try:
            (members,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError) as error:
            raise ValueError(f"{line[:60]}: a quotation mark is not closed.") from error
        self._line = line
        self._left = [each.strip().partition("=")[::2] for each in members if each.strip()]

    def all(self, *keys: str) -> tuple[str, ...]:
        """Values of the members of any of `keys`, in their order."""
        found = tuple(value for key, value in self._left if key.lower() in keys)
        self._left = [each for each in self._left if each[0].lower() not in keys]
        return found

    def one(self, *keys: str) -> str:
        """The one value, empty for none. Raises ValueError for more."""
        found = self.all(*keys)
        if len(found) > 1:
            raise ValueError(f"{self._line[:60]}: {keys[0]} is said twice.")
        return found[0] if found else ""

    def yes(self, *keys: str) -> bool:
        """Whether it is there, and not as false."""
        return any(value.lower() not in {"false", "0"} for value in self.all(*keys))

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Values that are assignments themselves, sorted."""
        found = [value.partition("=")[::2] for value in self.all(key)]
        return tuple(sorted({name: value for name, value in found}.items()))

    def done(self) -> None:
        """Raises ValueError when something was not asked for."""
        if self._left:
            raise ValueError(f"{self._line[:60]}: {self._left[0][0][:40]} is not known here.")


def members_text(members: list[str]) -> str:
    """One line that Members reads."""
    return ",".join('"' + each.replace('"', '""') + '"' if set(each) & set(',"\n') else each for each in members)
