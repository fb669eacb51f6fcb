"""What the pages show of containers. Read tolerantly: an engine's wrong types become nothing, never an error page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from engines.client.fields import number, pairs, table, tables, text, texts

_EXIT = re.compile(r"Exited \((\d+)\)")
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")
#: The label by which Compose marks what belongs to a project.
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
#: State -> tone of its badge.
_TONES = {
    "running": "success",
    "paused": "warning",
    "restarting": "warning",
    "removing": "warning",
    "dead": "danger",
    "created": "info",
}
_MASK = "••••••"
#: Options of logs that are no secrets: how large, and how many.
_ROTATION = frozenset({"max-size", "max-file", "compress"})


@dataclass(frozen=True)
class Port:
    """`public` is 0 when the port is not published; `ip` is the host's address it is published on."""

    private: int
    public: int = 0
    protocol: str = "tcp"
    ip: str = ""

    def __str__(self) -> str:
        suffix = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{self.public}→{self.private}{suffix}" if self.public else f"{self.private}{suffix}"

    @property
    def local(self) -> bool:
        """Whether only programs on the host itself reach it."""
        return self.ip.startswith("127.") or self.ip == "::1"


@dataclass(frozen=True, slots=True)
class Container:
    """A row of the list. `created` is in seconds since the epoch; `exit_code` only when it has exited.

    `engine` is the slug of the engine it is on. What few ask for is read from `entry`, the engine's own words, when
    it is asked for.
    """

    id: str
    name: str
    image: str
    state: str
    status: str
    created: int
    health: str = ""
    exit_code: int | None = None
    project: str = ""
    ports: tuple[Port, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    engine: str = ""
    entry: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False, repr=False)

    @classmethod
    def from_api(cls, entry: Mapping[str, Any], engine: str = "") -> Self:
        """From one entry of GET /containers/json (Engine API: Container/ContainerList)."""
        state, status, labels = text(entry.get("State")) or "unknown", text(entry.get("Status")), entry.get("Labels")
        named = pairs(labels) if labels else {}
        names, ports = texts(entry.get("Names")), entry.get("Ports")
        health = _HEALTH.search(status) if "(" in status else None
        exited = _EXIT.match(status)
        return cls(
            text(entry.get("Id")),
            names[0].removeprefix("/") if names else "",
            text(entry.get("Image")),
            state,
            status,
            number(entry.get("Created")),
            health[1].removeprefix("health: ") if health else "",
            int(exited[1]) if exited else None,
            named.get(PROJECT, ""),
            _ports(ports) if ports else (),
            named,
            engine,
            entry,
        )

    @property
    def service(self) -> str:
        """Of its Compose project."""
        return self.labels.get(SERVICE, "")

    @property
    def command(self) -> str:
        """Its first process, with arguments, which may be secrets."""
        return text(self.entry.get("Command"))

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        """Name and its address there, empty when it does not run."""
        found = table(table(self.entry.get("NetworkSettings")).get("Networks"))
        return tuple(
            (name, text(each.get("IPAddress")) or text(each.get("GlobalIPv6Address")))
            for name, each in sorted(found.items())
            if isinstance(each, dict)
        )

    @property
    def mounts(self) -> int:
        return len(tables(self.entry.get("Mounts")))

    @property
    def size_bytes(self) -> int:
        """What it wrote inside itself; 0 unless the engine was asked for sizes."""
        return number(self.entry.get("SizeRw"))

    @property
    def word(self) -> str:
        """The state in words, such as `running · healthy` or `exited · 137`."""
        detail = self.health if self.state == "running" else None if self.exit_code is None else str(self.exit_code)
        return f"{self.state} · {detail}" if detail else self.state

    @property
    def tone(self) -> str:
        return tone_of(self.state, self.health, self.exit_code)

    @property
    def group(self) -> str:
        """The state it is counted under."""
        return "unhealthy" if self.state == "running" and self.health == "unhealthy" else self.state

    def matches(self, words: list[str]) -> bool:
        """Whether every one of `words` (lower case) is part of its name, image, id, project, ports or labels."""
        text = f"{self.name} {self.image} {self.id} {self.project} {' '.join(map(str, self.ports))}".lower()
        return all(word in text or any(word in f"{k}={v}".lower() for k, v in self.labels.items()) for word in words)


@dataclass(frozen=True)
class Detail:
    """One container, by its inspect (Engine API: Container/ContainerInspect)."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    health: str
    exit_code: int | None
    oom_killed: bool
    error: str
    restart_count: int
    created: datetime | None
    started: datetime | None
    finished: datetime | None
    command: tuple[str, ...]
    entrypoint: tuple[str, ...]
    restart_policy: str
    user: str
    working_dir: str
    hostname: str
    memory_bytes: int
    pids_limit: int
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    mounts: tuple[Mapping[str, str], ...]
    networks: tuple[tuple[str, str], ...]
    ports: tuple[Port, ...]

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> Self:
        state, config, host = table(reply.get("State")), table(reply.get("Config")), table(reply.get("HostConfig"))
        settings, policy = table(reply.get("NetworkSettings")), table(host.get("RestartPolicy"))
        status = text(state.get("Status")) or "unknown"
        retries = number(policy.get("MaximumRetryCount"))
        return cls(
            id=text(reply.get("Id")),
            name=text(reply.get("Name")).removeprefix("/"),
            image=text(config.get("Image")),
            image_id=text(reply.get("Image")),
            state=status,
            health=text(table(state.get("Health")).get("Status")).removeprefix("none"),
            exit_code=number(state.get("ExitCode")) if status in {"exited", "dead"} else None,
            oom_killed=state.get("OOMKilled") is True,
            error=text(state.get("Error")),
            restart_count=number(reply.get("RestartCount")),
            created=_time(reply, "Created"),
            started=_time(state, "StartedAt"),
            finished=_time(state, "FinishedAt"),
            command=tuple(texts(config.get("Cmd"))),
            entrypoint=tuple(texts(config.get("Entrypoint"))),
            restart_policy=(text(policy.get("Name")) or "no") + (f" (at most {retries} times)" if retries else ""),
            user=text(config.get("User")),
            working_dir=text(config.get("WorkingDir")),
            hostname=text(config.get("Hostname")),
            memory_bytes=number(host.get("Memory")),
            pids_limit=number(host.get("PidsLimit")),
            env=tuple((k, v) for k, _, v in (line.partition("=") for line in texts(config.get("Env")))),
            labels=tuple(sorted(pairs(config.get("Labels")).items())),
            mounts=tuple(_mount(each) for each in tables(reply.get("Mounts"))),
            networks=tuple(
                (name, text(each.get("IPAddress")) or text(each.get("GlobalIPv6Address")))
                for name, each in sorted(table(settings.get("Networks")).items())
                if isinstance(each, Mapping)
            ),
            ports=_bindings(table(settings.get("Ports"))),
        )

    @property
    def word(self) -> str:
        """The state in words."""
        detail = self.health if self.state == "running" else None if self.exit_code is None else str(self.exit_code)
        return f"{self.state} · {detail}" if detail else self.state

    @property
    def tone(self) -> str:
        return tone_of(self.state, self.health, self.exit_code)


def masked(inspect: Mapping[str, Any]) -> dict[str, Any]:
    """An inspect without the values that may be secrets.

    Of the environment, of arguments, of the health test, of options of the log and of drivers of volumes.
    """
    config, host = table(inspect.get("Config")), table(inspect.get("HostConfig"))
    check, log = table(config.get("Healthcheck")), table(host.get("LogConfig"))
    shown = {
        "Env": [f"{line.partition('=')[0]}={_MASK}" for line in texts(config.get("Env"))],
        # With an entry point even the first word is an argument.
        "Cmd": [_MASK for _ in texts(config.get("Cmd"))[:1]] if config.get("Entrypoint") else _first(config.get("Cmd")),
        "Entrypoint": _first(config.get("Entrypoint")),
        "Healthcheck": {**check, "Test": _first(check.get("Test"))} if check else None,
    }
    options = {name: value if name in _ROTATION else _MASK for name, value in pairs(log.get("Config")).items()}
    return {
        **inspect,
        "Args": [_MASK for _ in texts(inspect.get("Args"))[:1]],
        "Config": {**config, **{name: value for name, value in shown.items() if name in config}},
        "HostConfig": {
            **host,
            "LogConfig": {**log, "Config": options},
            **({"Mounts": [_masked_mount(each) for each in tables(host.get("Mounts"))]} if "Mounts" in host else {}),
        },
    }


def _masked_mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a volume's driver hold the passwords of file servers."""
    volume = table(mount.get("VolumeOptions"))
    driver = table(volume.get("DriverConfig"))
    if not driver:
        return dict(mount)
    options = {name: _MASK for name in table(driver.get("Options"))}
    return {**mount, "VolumeOptions": {**volume, "DriverConfig": {**driver, "Options": options}}}


def _first(words: object) -> list[str]:
    """The first of `words`, and whether there are more."""
    found = texts(words)
    return found[:1] + [_MASK for _ in found[1:2]]


def tone_of(state: str, health: str, exit_code: int | None) -> str:
    """The tone of a container's badge."""
    if state == "running":
        return {"unhealthy": "danger", "starting": "info"}.get(health, "success")
    if state == "exited":
        return "danger" if exit_code else "neutral"
    return _TONES.get(state, "neutral")


def _ports(entries: object) -> tuple[Port, ...]:
    found = {
        Port(
            number(each.get("PrivatePort")),
            number(each.get("PublicPort")),
            text(each.get("Type")) or "tcp",
            text(each.get("IP")),
        )
        for each in tables(entries)
    }
    # The same port on IPv4 and IPv6 is one port to a reader.
    shown: dict[tuple[int, int, str], Port] = {}
    for port in sorted(found, key=lambda port: (not port.public, port.public, port.private, port.ip)):
        shown.setdefault((port.private, port.public, port.protocol), port)
    return tuple(shown.values())


def _bindings(ports: Mapping[str, Any]) -> tuple[Port, ...]:
    entries: list[dict[str, Any]] = []
    for name, bindings in ports.items():
        private, _, protocol = str(name).partition("/")
        if not private.isdigit():
            continue
        entry = {"PrivatePort": int(private), "Type": protocol}
        hosts = tables(bindings) or [{}]
        for each in hosts:
            public = text(each.get("HostPort"))
            entries.append(
                entry | {"PublicPort": int(public) if public.isdigit() else 0, "IP": text(each.get("HostIp"))}
            )
    return _ports(entries)


def _mount(entry: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        "type": text(entry.get("Type")),
        "source": text(entry.get("Name")) or text(entry.get("Source")),
        "target": text(entry.get("Destination")),
        "mode": "read-write" if entry.get("RW") is True else "read-only",
    }


def _time(entry: Mapping[str, Any], key: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(entry.get(key)))
    except ValueError:
        return None
    # The engine writes the year 1 for "never".
    return None if moment.year < 1970 else moment if moment.tzinfo else moment.replace(tzinfo=UTC)
