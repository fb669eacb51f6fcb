"""The form to create a container. Most fields have the names of ContainerSpec's, where refusals are told."""

import ipaddress
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django import forms

from engines.client.ids import IdInvalid, require_image, require_name
from engines.spec.limits import Refusal
from engines.spec.types import ROTATION, ContainerSpec, Device, Mount, Port, Ulimit

Item = TypeVar("Item")

_PORT = re.compile(
    r"(?:(?P<ip>[0-9]+(?:\.[0-9]+)+|\[[0-9a-fA-F:]+\]):)?(?:(?P<public>\d{1,5}):)?(?P<private>\d{1,5})(?:/(?P<protocol>tcp|udp|sctp))?"
)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,253}[A-Za-z0-9])?")
_CAPABILITY = re.compile(r"[A-Z][A-Z_]{1,40}")
_SYSCTL = re.compile(r"[a-z0-9_]+(?:[./][a-z0-9_-]+)+")
_ULIMIT = re.compile(r"([a-z]{2,12})=(-1|\d{1,10})(?::(-1|\d{1,10}))?")
_DEVICE = re.compile(r"(/dev/[A-Za-z0-9_./-]{1,200})(?::(/[A-Za-z0-9_./-]{1,200}))?(?::([rwm]{1,3}))?")
_SECURITY = re.compile(r"(?:seccomp|apparmor|label|systempaths)[=:][A-Za-z0-9_.:,/-]{1,200}")
_MODE = re.compile(r"|host|container:[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TMPFS_SIZE = re.compile(r"([1-9][0-9]{0,6})([kmg])")
_LOG_SIZE = re.compile(r"[1-9][0-9]{0,8}[kmg]?")
_MEBIBYTE = 1 << 20
_LEAST_MEMORY_MIB = 6
_MOST_MOUNTS = 30
#: Labels that begin so are the console's own.
RESERVED = "console."
_POLICIES = [
    ("no", "Never"),
    ("on-failure", "When it fails"),
    ("unless-stopped", "Always, unless stopped"),
    ("always", "Always, even after a stop when the engine restarts"),
]
_LOG_DRIVERS = [
    ("json-file", "json-file"),
    ("local", "local"),
    *((name, name) for name in ("none", "journald", "syslog", "gelf", "fluentd", "splunk", "awslogs", "gcplogs")),
]
_OWN_OR_HOST = [("", "Its own"), ("host", "The host's")]


#: What most people never need, by what it is about.
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Process", ("entrypoint", "working_dir", "user", "labels", "tty", "init")),
    ("Storage", ("mounts", "tmpfs", "shm_bytes", "read_only")),
    ("Network", ("network", "hostname", "dns", "extra_hosts")),
    ("Limits", ("nano_cpus", "ulimits", "log_driver", "log_size", "log_files", "restart_retries")),
    (
        "Rights",
        (
            *("privileged", "new_privileges", "unmasked", "oom_kill_disable", "cap_add", "cap_drop"),
            *("security_opt", "devices", "pid", "ipc", "uts", "userns", "cgroupns", "sysctls"),
            *("runtime", "cgroup_parent", "oom_score_adj"),
        ),
    ),
)


def _lines(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "class": "code"})


def _text(label: str = "", help_text: str = "", *, rows: int = 0, most: int = 255) -> forms.CharField:
    """Text that may be empty; with `rows`, of several lines."""
    widget = _lines(rows) if rows else None
    return forms.CharField(
        required=False, max_length=most, label=label or None, help_text=help_text, widget=widget, strip=not rows
    )


def _tick(label: str, help_text: str = "", *, initial: bool = False) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, help_text=help_text, initial=initial)


class CreateForm(forms.Form):
    """Its `spec` is what is asked for; whether it is allowed is judged elsewhere."""

    image = forms.CharField(max_length=512, help_text="An image of this engine: its name and tag, or its id.")
    name = _text(help_text="Empty: the engine makes one up.")
    command = _text(help_text="Empty: the image's own. Quoted as in a shell, run without one.", most=8192)
    env = _text("Environment", "NAME=value, one per line.", rows=3, most=65536)
    ports = _text(
        help_text="One a line. 8080:80 is reached from the engine's own host only, 0.0.0.0:8080:80 from everywhere.",
        rows=2,
        most=4096,
    )
    restart = forms.ChoiceField(choices=_POLICIES, initial="no", label="Restart", required=False)
    restart_retries = forms.IntegerField(
        min_value=0, max_value=1000, initial=5, required=False, label="At most so many times", help_text="0: no end."
    )
    memory = forms.IntegerField(
        min_value=0,
        max_value=1 << 24,
        initial=512,
        required=False,
        label="Memory limit, MiB",
        help_text="It is killed above this. Empty: none.",
    )
    pids = forms.IntegerField(
        min_value=0,
        max_value=4_194_304,
        initial=512,
        required=False,
        label="Process limit",
        help_text="Empty: none.",
    )
    start = _tick("Start it now", initial=True)

    # Process
    entrypoint = _text(help_text="Empty: the image's own. Quoted as in a shell.", most=8192)
    working_dir = _text("Working directory")
    user = _text(help_text="A name or number, with :group if wanted.")
    tty = _tick("Allocate a terminal")
    init = _tick("Run an init inside", "It ends processes that nobody waits for.")
    labels = _text(help_text="name=value, one per line.", rows=2, most=16384)

    # Storage
    mounts = _text(
        help_text="One a line, as docker run -v takes them: volume:/path, or /path/of/the/host:/path; :ro after it.",
        rows=3,
        most=16384,
    )
    tmpfs = _text(
        "In memory (tmpfs)", "One a line: /path, or /path:64m. Without programs and devices.", rows=2, most=4096
    )
    read_only = _tick("Its own file system is read-only")
    shm_bytes = forms.IntegerField(
        min_value=0, max_value=1 << 20, required=False, label="Shared memory, MiB", help_text="Empty: 64."
    )

    # Network
    network = _text(help_text="bridge, none, or the name of a network.")
    hostname = _text("Host name")
    dns = _text("DNS servers", "Addresses, with spaces between.", most=1024)
    extra_hosts = _text("Further hosts", "name:address, one per line.", rows=2, most=8192)

    # Limits
    nano_cpus = forms.DecimalField(
        min_value=0,
        max_value=1024,
        decimal_places=3,
        required=False,
        label="CPUs",
        help_text="Such as 1.5. Empty: all of them.",
    )
    ulimits = _text(help_text="One a line: nofile=1024:2048 (soft:hard).", rows=2, most=2048)
    log_driver = forms.ChoiceField(choices=_LOG_DRIVERS, initial="json-file", required=False, label="Log driver")
    log_size = _text("Size of a log file", "Such as 20m, which it is when empty.", most=12)
    log_files = forms.IntegerField(
        min_value=0, max_value=1000, required=False, label="Log files kept", help_text="Empty: 3."
    )

    # Rights
    privileged = _tick("Privileged", "Root inside is root of the host.")
    new_privileges = _tick("New privileges", "Set-user-id programs such as sudo give more rights.")
    cap_add = _text("Capabilities added", "Such as NET_BIND_SERVICE, with spaces between.", most=1024)
    cap_drop = _text("Capabilities dropped", "ALL drops all.", most=1024)
    security_opt = _text("Security options", "One a line, such as seccomp=unconfined.", rows=2, most=2048)
    unmasked = _tick("All of /proc and /sys", "What is hidden there from containers otherwise.")
    devices = _text(help_text="One a line: /dev/x, or /dev/x:/dev/y:rwm.", rows=2, most=4096)
    pid = _text("Processes of", "Empty: its own. host, or container:name.")
    ipc = _text("Shared memory of", "Empty: its own. host, or container:name.")
    uts = forms.ChoiceField(choices=_OWN_OR_HOST, required=False, label="Host name of")
    userns = forms.ChoiceField(choices=_OWN_OR_HOST, required=False, label="Users of")
    cgroupns = forms.ChoiceField(choices=_OWN_OR_HOST, required=False, label="Cgroups of")
    sysctls = _text("Kernel parameters", "name=value, one per line.", rows=2, most=4096)
    runtime = _text(help_text="Empty: the engine's own.")
    cgroup_parent = _text("Parent cgroup")
    oom_kill_disable = _tick("Not ended when memory runs out")
    oom_score_adj = forms.IntegerField(
        min_value=-1000, max_value=1000, required=False, label="Ended later (below 0) or sooner, when memory runs out"
    )

    def clean_image(self) -> str:
        return _checked(require_image, self.cleaned_data["image"])

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if len(name) == 1:
            raise forms.ValidationError("A name has at least two characters.")
        return _checked(require_name, name) if name else ""

    def clean_command(self) -> tuple[str, ...]:
        return _words(self.cleaned_data["command"])

    def clean_entrypoint(self) -> tuple[str, ...]:
        return _words(self.cleaned_data["entrypoint"])

    def clean_env(self) -> tuple[str, ...]:
        return tuple(f"{name}={value}" for name, value in _assignments(self.cleaned_data["env"], _ENV_NAME, "NAME"))

    def clean_labels(self) -> tuple[tuple[str, str], ...]:
        labels = dict(_assignments(self.cleaned_data["labels"], _LABEL, "name"))
        if any(name.startswith(RESERVED) for name in labels):
            raise forms.ValidationError(f"Labels that begin with {RESERVED} are the console's own.")
        return tuple(sorted(labels.items()))

    def clean_sysctls(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(dict(_assignments(self.cleaned_data["sysctls"], _SYSCTL, "name")).items()))

    def clean_ports(self) -> tuple[Port, ...]:
        return tuple(sorted({_port(text) for text in self.cleaned_data["ports"].replace(",", " ").split()}))

    def clean_restart(self) -> str:
        return self.cleaned_data["restart"] or "no"

    def clean_memory(self) -> int:
        """In bytes."""
        mebibytes = self.cleaned_data["memory"] or 0
        if 0 < mebibytes < _LEAST_MEMORY_MIB:
            raise forms.ValidationError(f"No container starts in less than {_LEAST_MEMORY_MIB} MiB.")
        return mebibytes * _MEBIBYTE

    def clean_working_dir(self) -> str:
        path = self.cleaned_data["working_dir"]
        return _inside(path) if path else ""

    def clean_mounts(self) -> tuple[Mount, ...]:
        return _few(tuple(_each_line(self.cleaned_data["mounts"], _mount)))

    def clean_tmpfs(self) -> tuple[Mount, ...]:
        return _few(tuple(_each_line(self.cleaned_data["tmpfs"], _tmpfs)))

    def clean_shm_bytes(self) -> int:
        """In bytes."""
        return (self.cleaned_data["shm_bytes"] or 0) * _MEBIBYTE

    def clean_network(self) -> str:
        """Also `host` and `container:<name>`, which only managers may ask for."""
        name = self.cleaned_data["network"]
        if name in {"", "default"}:
            return "bridge"
        return name if name.startswith("container:") and _MODE.fullmatch(name) else _checked(require_name, name)

    def clean_hostname(self) -> str:
        name = self.cleaned_data["hostname"]
        if name and not _HOST_NAME.fullmatch(name):
            raise forms.ValidationError("A host name holds letters, digits, dots and dashes.")
        return str(name)

    def clean_dns(self) -> tuple[str, ...]:
        return tuple(_address(text) for text in self.cleaned_data["dns"].replace(",", " ").split())

    def clean_extra_hosts(self) -> tuple[str, ...]:
        return tuple(_each_line(self.cleaned_data["extra_hosts"], _host))

    def clean_nano_cpus(self) -> int:
        """In billionths of a CPU."""
        return int((self.cleaned_data["nano_cpus"] or 0) * 1_000_000_000)

    def clean_ulimits(self) -> tuple[Ulimit, ...]:
        return tuple(sorted(_each_line(self.cleaned_data["ulimits"], _ulimit)))

    def clean_log_driver(self) -> str:
        return self.cleaned_data["log_driver"] or "json-file"

    def clean_log_size(self) -> str:
        size = self.cleaned_data["log_size"]
        if size and not _LOG_SIZE.fullmatch(size):
            raise forms.ValidationError("Write a number with k, m or g, such as 20m.")
        return str(size)

    def clean_cap_add(self) -> tuple[str, ...]:
        return _capabilities(self.cleaned_data["cap_add"])

    def clean_cap_drop(self) -> tuple[str, ...]:
        return _capabilities(self.cleaned_data["cap_drop"])

    def clean_security_opt(self) -> tuple[str, ...]:
        return tuple(sorted(_each_line(self.cleaned_data["security_opt"], _security)))

    def clean_devices(self) -> tuple[Device, ...]:
        return tuple(sorted(_each_line(self.cleaned_data["devices"], _device)))

    def clean_pid(self) -> str:
        return _mode(self.cleaned_data["pid"])

    def clean_ipc(self) -> str:
        return _mode(self.cleaned_data["ipc"])

    def clean_runtime(self) -> str:
        return _checked(require_name, self.cleaned_data["runtime"]) if self.cleaned_data["runtime"] else ""

    def clean(self) -> dict[str, Any]:
        """One path inside is mounted once."""
        fields = self.cleaned_data
        targets = [mount.target for mount in (*fields.get("mounts", ()), *fields.get("tmpfs", ()))]
        twice = next((target for target in targets if targets.count(target) > 1), "")
        if twice:
            self.add_error("mounts", f"{twice} is mounted twice.")
        return fields

    def spec(self, user: str) -> ContainerSpec:
        """What is asked for. `user` is noted on the container, as its label `console.user`."""
        fields = dict(self.cleaned_data)
        for mine in ("start", "log_size", "log_files", "tmpfs", "memory"):
            fields.pop(mine)
        tmpfs, labels = self.cleaned_data["tmpfs"], fields["labels"]
        return ContainerSpec(
            **fields
            | {
                "memory_bytes": self.cleaned_data["memory"],
                "labels": (*labels, (f"{RESERVED}user", user)),
                "mounts": tuple(sorted((*fields["mounts"], *tmpfs))),
                "restart_retries": fields["restart_retries"] or 0 if fields["restart"] == "on-failure" else 0,
                "log_options": self._log_options(),
                "pids": fields["pids"] or 0,
                "oom_score_adj": fields["oom_score_adj"] or 0,
            }
        )

    def _log_options(self) -> tuple[tuple[str, str], ...]:
        size, files = self.cleaned_data["log_size"], self.cleaned_data["log_files"]
        asked = {"max-file": str(files) if files else "", "max-size": size}
        if self.cleaned_data["log_driver"] in _ROTATING:
            asked = {name: asked[name] or usual for name, usual in ROTATION}
        return tuple(sorted((name, value) for name, value in asked.items() if value))

    @property
    def sections(self) -> list[dict[str, object]]:
        """Of what most people never need: open where something was typed or is wrong."""
        found: list[dict[str, object]] = []
        for label, names in _SECTIONS:
            fields = [self[name] for name in names]
            used = any(field.errors or (self.is_bound and field.value() not in _UNUSED) for field in fields)
            found.append({"label": label, "fields": fields, "open": used})
        return found

    def tell(self, refused: Iterable[Refusal]) -> None:
        """Each refusal at its field."""
        for refusal in refused:
            field = _FIELDS.get(refusal.field, refusal.field)
            self.add_error(field if field in self.fields else None, str(refusal))


#: Field of the spec -> of the form, where they are not the same.
_FIELDS = {"log_options": "log_size", "memory_bytes": "memory"}
#: What fields of the sections hold when nobody touched them.
_UNUSED = {None, "", False, "5", "json-file"}
_ROTATING = {"json-file", "local"}


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise forms.ValidationError("A quotation mark is not closed.") from error


def _assignments(text: str, known: re.Pattern[str], shown: str) -> Iterator[tuple[str, str]]:
    """Names and values of lines `name=value`; empty lines are skipped."""
    for number, line in enumerate(text.splitlines(), start=1):
        name, separator, value = line.partition("=")
        if not line.strip():
            continue
        if not separator or not known.fullmatch(name.strip()):
            raise forms.ValidationError(f"Line {number}: write {shown}=value.")
        yield name.strip(), value


def _few(mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
    # The engine is asked about each.
    if len(mounts) > _MOST_MOUNTS:
        raise forms.ValidationError(f"At most {_MOST_MOUNTS} mounts.")
    return mounts


def _each_line(text: str, read: Callable[[str], Item]) -> list[Item]:
    return [read(line.strip()) for line in text.splitlines() if line.strip()]


def _port(text: str) -> Port:
    match = _PORT.fullmatch(text)
    if match is None or not all(1 <= int(match[part]) <= 65535 for part in ("private", "public") if match[part]):
        raise forms.ValidationError(f"{text[:60]}: write 8080:80, 127.0.0.1:8080:80 or 8080:80/udp.")
    return Port(
        private=int(match["private"]),
        public=int(match["public"] or 0),
        protocol=match["protocol"] or "tcp",
        address=_address(match["ip"].strip("[]")) if match["ip"] else "127.0.0.1",
    )


def _mount(line: str) -> Mount:
    source, _, rest = line.partition(":")
    target, colon, flags = rest.partition(":")
    if not source or not target or (colon and flags not in {"ro", "rw"}):
        raise forms.ValidationError(f"{line[:60]}: write volume:/path, /path/of/the/host:/path, with :ro if wanted.")
    if not source.startswith("/"):
        return Mount("volume", _checked(require_name, source), _inside(target), flags == "ro")
    if _CONTROL.search(source) or posixpath.normpath(source) != source or source.startswith("//"):
        raise forms.ValidationError(f"{source[:60]}: write the host's path plainly, without //, . or .. in it.")
    return Mount("bind", source, _inside(target), flags == "ro")


def _tmpfs(line: str) -> Mount:
    target, colon, size = line.partition(":")
    match = _TMPFS_SIZE.fullmatch(size)
    if colon and match is None:
        raise forms.ValidationError(f"{line[:60]}: write /path, or /path:64m.")
    size_bytes = int(match[1]) << {"k": 10, "m": 20, "g": 30}[match[2]] if match else 0
    return Mount("tmpfs", "", _inside(target), size_bytes=size_bytes)


def _inside(path: str) -> str:
    """A path inside the container, as the engine will write it."""
    if not path.startswith("/") or _CONTROL.search(path) or ":" in path or posixpath.normpath(path) in {"/", "//"}:
        raise forms.ValidationError(f"{path[:60]}: a path inside begins with / and goes on.")
    return posixpath.normpath(path)


def _host(line: str) -> str:
    name, _, address = line.partition(":")
    if not _HOST_NAME.fullmatch(name):
        raise forms.ValidationError(f"{line[:60]}: write name:address.")
    return f"{name}:{address if address == 'host-gateway' else _address(address)}"


def _ulimit(line: str) -> Ulimit:
    match = _ULIMIT.fullmatch(line)
    if match is None:
        raise forms.ValidationError(f"{line[:60]}: write nofile=1024:2048.")
    return Ulimit(match[1], int(match[2]), int(match[3] or match[2]))


def _device(line: str) -> Device:
    match = _DEVICE.fullmatch(line)
    if match is None or ".." in line:
        raise forms.ValidationError(f"{line[:60]}: write /dev/x, or /dev/x:/dev/y:rwm.")
    return Device(match[1], match[2] or match[1], match[3] or "rwm")


def _security(line: str) -> str:
    if not _SECURITY.fullmatch(line):
        raise forms.ValidationError(f"{line[:60]}: write such as seccomp=unconfined or label=disable.")
    # Engines take both; one form is enough to judge and to compare.
    return re.sub("^([a-z]+):", r"\1=", line)


def _capabilities(text: str) -> tuple[str, ...]:
    names = {name.upper().removeprefix("CAP_") for name in text.replace(",", " ").split()}
    unknown = next((name for name in names if not _CAPABILITY.fullmatch(name)), "")
    if unknown:
        raise forms.ValidationError(f"{unknown[:60]} is no capability.")
    return tuple(sorted(names))


def _mode(text: str) -> str:
    if not _MODE.fullmatch(text):
        raise forms.ValidationError("Leave it empty, or write host or container:name.")
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise forms.ValidationError(f"{text[:60]} is not an IP address.") from error


def _checked(require: Callable[[str], str], text: str) -> str:
    try:
        return require(text)
    except IdInvalid as error:
        raise forms.ValidationError(str(error)) from error
