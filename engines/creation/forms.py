"""The form of a whole container. Its fields have the names of ContainerSpec's, where refusals are told."""

import shlex
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Self

from django import forms

from engines.client.ids import IdInvalid, require_image, require_name
from engines.creation import form_text as text
from engines.creation.form_fields import Choice, Number, Tick, Typed, lines, plain, words
from engines.spec.limits import Refusal
from engines.spec.types import ROTATION, ContainerSpec, Healthcheck, Mount, Port
from engines.spec.units import read_size, read_time, size_text, time_text

#: Labels that begin so are the console's own.
RESERVED = "console."
_LEAST_MEMORY = 6 << 20
_MOST_MOUNTS = 30
_MOST = (1 << 63) - 1
_RETRIES = 5
_POLICIES = [
    ("no", "Never"),
    ("on-failure", "When it fails"),
    ("unless-stopped", "Always, unless stopped"),
    ("always", "Always, even after a stop when the engine restarts"),
]
_PULLS = [("missing", "If the engine has none"), ("always", "Always, for a newer one"), ("never", "Never")]
_CHECKS = [
    ("", "The image's own"),
    ("CMD-SHELL", "A command, in the shell"),
    ("CMD", "A command, without a shell"),
    ("NONE", "None"),
]
_OWN_OR_HOST = [("", "Its own"), ("host", "The host's")]
_ISOLATIONS = [("", "The engine's own"), ("default", "default"), ("process", "process"), ("hyperv", "hyperv")]

_SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("General", "box", "image name command ports env pull platform"),
    ("Process", "square-terminal", "entrypoint working_dir user group_add hostname domainname tty interactive init"),
    ("Labels", "tags", "labels annotations"),
    ("Network", "network", "network joins publish_all expose dns dns_search dns_options extra_hosts links"),
    ("Storage", "hard-drive", "mounts tmpfs read_only shm_bytes volumes_from volume_driver storage_options"),
    (
        "Health",
        "heart-pulse",
        "healthcheck health_command health_interval health_timeout health_retries health_start_period "
        "health_start_interval",
    ),
    ("Restart and end", "rotate-cw", "restart restart_retries stop_signal stop_timeout auto_remove"),
    (
        "Limits",
        "gauge",
        "memory_bytes memory_reservation_bytes memory_swap_bytes memory_swappiness nano_cpus cpu_shares cpuset_cpus "
        "cpuset_mems cpu_period cpu_quota cpu_realtime_period cpu_realtime_runtime pids ulimits blkio_weight "
        "blkio_weight_device device_read_bps device_write_bps device_read_iops device_write_iops oom_score_adj "
        "oom_kill_disable",
    ),
    ("Logging", "scroll-text", "log_driver log_options"),
    (
        "Rights",
        "shield",
        "privileged new_privileges unmasked cap_add cap_drop security_opt pid ipc uts userns cgroupns sysctls runtime "
        "cgroup_parent isolation",
    ),
    ("Devices", "cpu", "devices device_requests device_cgroup_rules"),
)


@dataclass(frozen=True)
class Section:
    """Fields of one subject; `summary` says what is set of them."""

    label: str
    icon: str
    fields: tuple[forms.BoundField, ...]
    summary: str
    open: bool


def _size(label: str, help_text: str = "", *, flag: str, initial: int = 0, least: int = 0) -> Typed[int]:
    def read(typed: str) -> int:
        size = 0 if typed.strip() == "0" else read_size(typed)
        if 0 < size < least:
            raise ValueError(f"No container starts in less than {size_text(least)}.")
        return size

    return Typed(read, size_text, 0, label, help_text, flag=flag, initial=initial)


def _time(label: str, help_text: str = "", *, flag: str) -> Typed[int]:
    return Typed(read_time, time_text, 0, label, help_text, flag=flag)


def _pairs(label: str, help_text: str = "", *, flag: str, initial: Any = None) -> Typed[tuple[tuple[str, str], ...]]:
    return Typed(text.named, text.assigned, (), label, help_text, flag=flag, rows=2, initial=initial)


def _command(label: str, help_text: str = "", *, flag: str = "") -> Typed[tuple[str, ...]]:
    return Typed(text.shell_words, shlex.join, (), label, help_text, flag=flag, rows=1)


def _read_name(typed: str) -> str:
    if len(typed) == 1:
        raise ValueError("A name has at least two characters.")
    return require_name(typed)


def _read_swap(typed: str) -> int:
    return -1 if typed.strip() == "-1" else read_size(typed)


def _read_cpus(typed: str) -> int:
    try:
        billionths = int(Decimal(typed.strip()) * 1_000_000_000)
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError("Write a number, such as 1.5.") from error
    if not 0 <= billionths <= _MOST:
        raise ValueError("Write a number from 0 up.")
    return billionths


def _cpus_text(billionths: int) -> str:
    return f"{Decimal(billionths) / 1_000_000_000:f}"


class CreateForm(forms.Form):
    """Its `spec` is what is asked for; whether it is allowed is judged elsewhere."""

    form_token = forms.UUIDField(required=False, widget=forms.HiddenInput)
    start = Tick("Start it now", initial=True)

    # General
    image = forms.CharField(
        max_length=512,
        help_text="Its name and tag, or its id.",
        widget=forms.TextInput(
            attrs={"class": "code", "spellcheck": "false", "autocomplete": "off", "list": "images", "autofocus": True}
        ),
    )
    name = plain(help_text="Empty: the engine makes one up.", flag="--name", read=_read_name)
    command = _command("Command", "Empty: the image's own. Quoted as in a shell, run without one.")
    ports = Typed[tuple[Port, ...]](
        text.ports,
        text.ports_text,
        (),
        "Ports",
        "One a line. 8080:80 is reached from the engine's own host only, 0.0.0.0:8080:80 from everywhere.",
        flag="--publish",
        rows=2,
    )
    env = Typed[tuple[str, ...]](
        text.environment,
        text.environment_text,
        (),
        "Environment",
        "NAME=value, one per line. A value of several lines goes on in lines that begin with |",
        flag="--env",
        rows=3,
    )
    pull = Choice(_PULLS, "Pull the image", flag="--pull")
    platform = plain("Platform", "Empty: the engine's own.", flag="--platform", read=text.read_platform)

    # Process
    entrypoint = _command("Entrypoint", "Empty: the image's own.", flag="--entrypoint")
    working_dir = plain("Working directory", flag="--workdir", read=text.read_directory)
    user = plain("User", "A name or number, with :group if wanted.", flag="--user")
    group_add = words(text.read_group, str, "Further groups", flag="--group-add")
    hostname = plain("Host name", flag="--hostname", read=text.read_host_name)
    domainname = plain("Domain name", flag="--domainname", read=text.read_host_name)
    tty = Tick("Allocate a terminal", flag="--tty")
    interactive = Tick("Keep its input open", "Needed to type into it.", flag="--interactive")
    init = Tick("Run an init inside", "It ends processes that nobody waits for.", flag="--init")

    # Labels
    labels = _pairs("Labels", "name=value, one per line.", flag="--label")
    annotations = _pairs("Annotations", "For the runtime. name=value, one per line.", flag="--annotation")

    # Network
    network = plain(
        "Network", "bridge, none, or a network's name. Empty: bridge.", flag="--network", read=text.read_network
    )
    joins = lines(
        text.read_join,
        text.join_text,
        "Addresses, aliases, further networks",
        "One network a line: shop,alias=db,ip=192.0.2.5 and ip6=, mac-address=, link-local-ip=, driver-opt=",
        flag="--network",
        ordered=False,
    )
    publish_all = Tick("Publish all ports of the image", "On ports that the engine chooses.", flag="--publish-all")
    expose = words(text.exposed, str, "Exposed ports", "Such as 80 53/udp.", flag="--expose", ordered=False)
    dns = words(text.read_address, str, "DNS servers", flag="--dns")
    dns_search = words(text.read_option, str, "DNS search domains", flag="--dns-search")
    dns_options = words(text.read_option, str, "DNS options", "Such as ndots:2.", flag="--dns-option")
    extra_hosts = lines(text.read_host, str, "Further hosts", "name:address, one per line.", flag="--add-host")
    links = words(
        text.read_link, str, "Links", "container:alias, in the default network.", flag="--link", ordered=False
    )

    # Storage
    mounts = lines(
        text.read_mount,
        text.mount_text,
        "Mounts",
        "One a line: volume:/path or /path/of/the/host:/path, :ro after it; or as --mount takes it: type=volume,…",
        flag="--volume",
        ordered=False,
        rows=3,
    )
    tmpfs = lines(
        text.read_tmpfs,
        text.tmpfs_text,
        "In memory (tmpfs)",
        "One a line: /path, /path:64m, /path:size=64m,mode=1777.",
        flag="--tmpfs",
        ordered=False,
    )
    read_only = Tick("Its own file system is read-only", flag="--read-only")
    shm_bytes = _size("Shared memory", "Empty: 64m.", flag="--shm-size")
    volumes_from = words(
        text.read_volumes_from, str, "Volumes of other containers", "Their names.", flag="--volumes-from"
    )
    volume_driver = plain(
        "Volume driver", "Of volumes that do not exist yet.", flag="--volume-driver", read=text.read_plugin
    )
    storage_options = _pairs("Storage options", "Such as size=10G.", flag="--storage-opt")

    # Health
    healthcheck = Choice(_CHECKS, "Health check", flag="--health-cmd")
    health_command = Typed(
        str, str, "", "Its command", "Exit code 0 is healthy, 1 is not.", flag="--health-cmd", rows=1
    )
    health_interval = _time("Time between checks", "Such as 30s.", flag="--health-interval")
    health_timeout = _time("A check may take", flag="--health-timeout")
    health_retries = Number("Failures until unhealthy", flag="--health-retries", min_value=0, max_value=10_000)
    health_start_period = _time("Time to start", "Failures then do not count.", flag="--health-start-period")
    health_start_interval = _time("Time between checks then", flag="--health-start-interval")

    # Restart and end
    restart = Choice(_POLICIES, "Restart", flag="--restart")
    restart_retries = Number(
        "At most so many times",
        "When it fails. Empty: 5; 0: without end.",
        flag="--restart on-failure:n",
        unset=_RETRIES,
        min_value=0,
        max_value=1_000_000,
    )
    stop_signal = plain("Stop signal", "Empty: the image's own.", flag="--stop-signal", read=text.read_signal)
    stop_timeout = Number(
        "Time to stop, seconds",
        "Killed after it. Empty: 10; -1: never.",
        flag="--stop-timeout",
        unset=None,
        min_value=-1,
        max_value=1 << 31,
    )
    auto_remove = Tick("Remove it when it ends", "With its anonymous volumes.", flag="--rm")

    # Limits
    memory_bytes = _size(
        "Memory",
        "It is killed above this. Empty: no limit.",
        flag="--memory",
        initial=512 << 20,
        least=_LEAST_MEMORY,
    )
    memory_reservation_bytes = _size("Memory reserved", flag="--memory-reservation", least=_LEAST_MEMORY)
    memory_swap_bytes = Typed(
        _read_swap,
        lambda size: "-1" if size == -1 else size_text(size),
        0,
        "Memory and swap",
        "Together. -1: swap without limit.",
        flag="--memory-swap",
    )
    memory_swappiness = Number(
        "Swappiness", "0 to 100.", flag="--memory-swappiness", unset=None, min_value=0, max_value=100
    )
    nano_cpus = Typed(_read_cpus, _cpus_text, 0, "CPUs", "Such as 1.5. Empty: all of them.", flag="--cpus")
    cpu_shares = Number("CPU weight", "1024 is usual.", flag="--cpu-shares", min_value=0, max_value=262_144)
    cpuset_cpus = plain("On these CPUs", "Such as 0-2,7.", flag="--cpuset-cpus", read=text.read_cpus)
    cpuset_mems = plain("On these memory nodes", flag="--cpuset-mems", read=text.read_cpus)
    cpu_period = Number("CPU period, µs", flag="--cpu-period", min_value=0, max_value=_MOST)
    cpu_quota = Number("CPU quota, µs", flag="--cpu-quota", min_value=0, max_value=_MOST)
    cpu_realtime_period = Number("Real-time period, µs", flag="--cpu-rt-period", min_value=0, max_value=_MOST)
    cpu_realtime_runtime = Number("Real-time runtime, µs", flag="--cpu-rt-runtime", min_value=0, max_value=_MOST)
    pids = Number("Processes", "Empty: no limit.", flag="--pids-limit", min_value=0, max_value=4_194_304, initial=512)
    ulimits = lines(
        text.read_ulimit,
        text.ulimit_text,
        "Ulimits",
        "One a line: nofile=1024:2048 (soft:hard).",
        flag="--ulimit",
        ordered=False,
    )
    blkio_weight = Number("Disk weight", "10 to 1000.", flag="--blkio-weight", min_value=0, max_value=1000)
    blkio_weight_device = lines(
        text.read_number_rate,
        text.number_rate_text,
        "Disk weight of devices",
        "/dev/sda:300",
        flag="--blkio-weight-device",
        ordered=False,
    )
    device_read_bps = lines(
        text.read_bytes_rate,
        text.bytes_rate_text,
        "Read a second",
        "/dev/sda:10m",
        flag="--device-read-bps",
        ordered=False,
    )
    device_write_bps = lines(
        text.read_bytes_rate,
        text.bytes_rate_text,
        "Written a second",
        "/dev/sda:10m",
        flag="--device-write-bps",
        ordered=False,
    )
    device_read_iops = lines(
        text.read_number_rate,
        text.number_rate_text,
        "Reads a second",
        "/dev/sda:1000",
        flag="--device-read-iops",
        ordered=False,
    )
    device_write_iops = lines(
        text.read_number_rate,
        text.number_rate_text,
        "Writes a second",
        "/dev/sda:1000",
        flag="--device-write-iops",
        ordered=False,
    )
    oom_score_adj = Number(
        "When memory runs out",
        "Ended later (below 0) or sooner.",
        flag="--oom-score-adj",
        min_value=-1000,
        max_value=1000,
    )
    oom_kill_disable = Tick("Not ended when memory runs out", flag="--oom-kill-disable")

    # Logging
    log_driver = plain("Log driver", "Empty: json-file.", flag="--log-driver", read=text.read_plugin)
    log_options = _pairs(
        "Log options",
        "name=value, one per line. Without max-size a log grows without end.",
        flag="--log-opt",
        initial=ROTATION,
    )

    # Rights
    privileged = Tick("Privileged", "Root inside is root of the host.", flag="--privileged")
    new_privileges = Tick("New privileges", "Set-user-id programs such as sudo give more rights.")
    unmasked = Tick("All of /proc and /sys", "What is hidden there from containers otherwise.")
    cap_add = words(text.read_capability, str, "Capabilities added", flag="--cap-add", ordered=False)
    cap_drop = words(
        text.read_capability, str, "Capabilities dropped", "ALL drops all.", flag="--cap-drop", ordered=False
    )
    security_opt = lines(
        text.read_security,
        str,
        "Security options",
        "One a line, such as seccomp=unconfined.",
        flag="--security-opt",
        ordered=False,
    )
    pid = plain("Processes of", "Empty: its own. host, or container:name.", flag="--pid", read=text.read_mode)
    ipc = plain("Shared memory of", "Empty: its own. host, none, or container:name.", flag="--ipc", read=text.read_ipc)
    uts = Choice(_OWN_OR_HOST, "Host name of", flag="--uts")
    userns = Choice(_OWN_OR_HOST, "Users of", flag="--userns")
    cgroupns = Choice(_OWN_OR_HOST, "Cgroups of", flag="--cgroupns")
    sysctls = _pairs("Kernel parameters", "name=value, one per line.", flag="--sysctl")
    runtime = plain("Runtime", "Empty: the engine's own.", flag="--runtime", read=require_name)
    cgroup_parent = plain("Parent cgroup", flag="--cgroup-parent")
    isolation = Choice(_ISOLATIONS, "Isolation", "Of engines on Windows.", flag="--isolation")

    # Devices
    devices = lines(
        text.read_device,
        text.device_text,
        "Devices",
        "One a line: /dev/x, or /dev/x:/dev/y:rwm.",
        flag="--device",
        ordered=False,
    )
    device_requests = lines(
        text.read_gpus,
        text.gpus_text,
        "GPUs",
        "all, a number, or driver=nvidia,device=0.",
        flag="--gpus",
        ordered=False,
    )
    device_cgroup_rules = lines(
        text.read_device_rule, str, "Device rules", "Such as c 189:* rmw.", flag="--device-cgroup-rule", ordered=False
    )

    @classmethod
    def of(cls, spec: ContainerSpec) -> Self:
        """Filled in with `spec`. What the form cannot say of it is told by `unsaid`."""
        simple = tuple(mount for mount in spec.mounts if mount.kind == "tmpfs")
        check = spec.healthcheck
        own = {each.name: getattr(spec, each.name) for each in fields(spec)}
        return cls(
            initial=own
            | {
                "labels": tuple(pair for pair in spec.labels if not pair[0].startswith(RESERVED)),
                "mounts": tuple(mount for mount in spec.mounts if mount not in simple),
                "tmpfs": simple,
                "network": "" if spec.network == "bridge" else spec.network,
                "restart_retries": spec.restart_retries if spec.restart == "on-failure" else _RETRIES,
                "log_driver": "" if spec.log_driver == "json-file" else spec.log_driver,
                "healthcheck": check.test[0] if check.test else "",
                "health_command": shlex.join(check.test[1:]) if check.test[:1] == ("CMD",) else "".join(check.test[1:]),
                **{f"health_{name}": getattr(check, name) for name in _CHECK_NAMES},
            }
        )

    def sent(self) -> dict[str, str]:
        """What a browser would send of this form as it is shown."""
        values = {name: self[name].value() for name in self.fields}
        return {
            name: str(value).replace("\r\n", "\n").replace("\r", "\n")
            for name, value in values.items()
            if value is not None and value is not False
        }

    def unsaid(self, spec: ContainerSpec) -> tuple[str, ...]:
        """Names of the fields of `spec` that this form, sent as it is shown, would give back otherwise."""
        again = type(self)(self.sent())
        again.full_clean()
        found = again.spec("")
        told = replace(found, labels=_others(found.labels))
        asked = replace(spec, labels=_others(spec.labels))
        return tuple(
            each.name
            for each in fields(spec)
            if each.name in again.errors or getattr(told, each.name) != getattr(asked, each.name)
        )

    def clean_form_token(self) -> uuid.UUID:
        return self.cleaned_data["form_token"] or uuid.uuid4()

    def clean_image(self) -> str:
        try:
            return require_image(self.cleaned_data["image"])
        except IdInvalid as error:
            raise forms.ValidationError(str(error)) from error

    def clean_labels(self) -> tuple[tuple[str, str], ...]:
        labels: tuple[tuple[str, str], ...] = self.cleaned_data["labels"]
        if labels != _others(labels):
            raise forms.ValidationError(f"Labels that begin with {RESERVED} are the console's own.")
        return labels

    def clean_mounts(self) -> tuple[Mount, ...]:
        return _few(self.cleaned_data["mounts"])

    def clean_tmpfs(self) -> tuple[Mount, ...]:
        return _few(self.cleaned_data["tmpfs"])

    def clean(self) -> dict[str, Any]:
        """One path inside is mounted once, and a health check that is asked for has a command."""
        found = self.cleaned_data
        targets = [mount.target for mount in (*found.get("mounts", ()), *found.get("tmpfs", ()))]
        twice = next((target for target in targets if targets.count(target) > 1), "")
        if twice:
            self.add_error("mounts", f"{twice} is mounted twice.")
        wanted, command = found.get("healthcheck", "") in {"CMD", "CMD-SHELL"}, found.get("health_command", "")
        if wanted and not command:
            self.add_error("health_command", "Write the command that checks its health.")
        elif command and not wanted:
            self.add_error("healthcheck", "Choose how the command below is run, or take it away.")
        try:
            found["test"] = _test(found.get("healthcheck", ""), command)
        except ValueError as error:
            self.add_error("health_command", str(error))
        return found

    def spec(self, user: str) -> ContainerSpec:
        """What is asked for. `user` is noted on the container, as its label `console.user`."""
        found: Mapping[str, Any] = self.cleaned_data
        same = {each.name: found.get(each.name, each.default) for each in fields(ContainerSpec)}
        retries = found.get("restart_retries", 0) if same["restart"] == "on-failure" else 0
        times = {name: found.get(f"health_{name}", 0) for name in _CHECK_NAMES}
        return ContainerSpec(
            **same
            | {
                "image": found.get("image", ""),
                "labels": (*_others(found.get("labels", ())), (f"{RESERVED}user", user)),
                "network": same["network"] or "bridge",
                "mounts": tuple(sorted((*found.get("mounts", ()), *found.get("tmpfs", ())))),
                "healthcheck": Healthcheck(found.get("test", ()), **times),
                "restart_retries": retries,
                "log_driver": same["log_driver"] or "json-file",
            }
        )

    @property
    def sections(self) -> list[Section]:
        """Open where something is set that usually is not, or is wrong."""
        usual = _usual()
        found = []
        for label, icon, names in _SECTIONS:
            own = tuple(self[name] for name in names.split() if name in self.fields)
            touched = any(field.errors or _plain(field) != usual[field.name] for field in own)
            found.append(Section(label, icon, own, " · ".join(filter(None, map(_said, own))), touched))
        return found

    def tell(self, refused: Iterable[Refusal]) -> None:
        """Each refusal at its field."""
        # Asked first: what has an error is taken out of the cleaned data.
        mounts = "mounts" if self.cleaned_data.get("mounts") else "tmpfs"
        for refusal in refused:
            field = mounts if refusal.field == "mounts" else refusal.field
            self.add_error(field if field in self.fields else None, str(refusal))


_CHECK_NAMES = tuple(each.name for each in fields(Healthcheck) if each.name != "test")


@cache
def _usual() -> dict[str, str]:
    """Field -> what it holds when nobody touched it."""
    form = CreateForm()
    return {name: _plain(form[name]) for name in form.fields}


def _plain(field: forms.BoundField) -> str:
    value = field.value()
    return "" if value is None or value is False else str(value).replace("\r\n", "\n").strip()


def _said(field: forms.BoundField) -> str:
    """What is set of a field in few words; empty for nothing. The script of the page says the same while one types."""
    value, kind = _plain(field), field.field
    if not value or (isinstance(kind, Choice) and value == kind.unset):
        return ""
    if isinstance(kind, Tick):
        return str(field.label)
    if isinstance(kind, Choice):
        return f"{field.label}: {kind.labels.get(value, value)}"
    if isinstance(kind.widget, forms.Textarea):
        number = len([line for line in value.split("\n") if line.strip() and not line.startswith("|")])
        return f"{field.label} ({number})"
    return f"{field.label} {value[:40]}"


def _test(kind: str, command: str) -> tuple[str, ...]:
    """Of a health check, as the Engine API has it. Raises ValueError."""
    if kind == "CMD":
        return (kind, *text.shell_words(command))
    return (kind, command) if kind == "CMD-SHELL" else (kind,) if kind else ()


def _few(mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
    # The engine is asked about each.
    if len(mounts) > _MOST_MOUNTS:
        raise forms.ValidationError(f"At most {_MOST_MOUNTS} mounts.")
    return mounts


def _others(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """`labels` without the console's own."""
    return tuple(pair for pair in labels if not pair[0].startswith(RESERVED))
