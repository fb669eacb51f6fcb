"""What the pages show of containers. Read tolerantly: an engine's wrong types become nothing, never an error page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_EXIT = re.compile(r"Exited \((\d+)\)")
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")
_PROJECT = "com.docker.compose.project"
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


@dataclass(frozen=True)
class Container:
    """A row of the list. `created` is in seconds since the epoch; `exit_code` only when it has exited."""

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

    @classmethod
    def from_api(cls, entry: Mapping[str, Any]) -> Self:
        """From one entry of GET /containers/json (Engine API: Container/ContainerList)."""
        status, labels = _text(entry, "Status"), _texts(entry.get("Labels"))
        health, exited = _HEALTH.search(status), _EXIT.match(status)
        names = entry.get("Names")
        name = next((each for each in names if isinstance(each, str)), "") if isinstance(names, list) else ""
        return cls(
            id=_text(entry, "Id"),
            name=name.removeprefix("/"),
            image=_text(entry, "Image"),
            state=_text(entry, "State") or "unknown",
            status=status,
            created=_number(entry, "Created"),
            health=health[1].removeprefix("health: ") if health else "",
            exit_code=int(exited[1]) if exited else None,
            project=labels.get(_PROJECT, ""),
            ports=_ports(entry.get("Ports")),
            labels=labels,
        )

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
        """Whether every one of `words` (lower case) is part of its name, image, id, project or labels."""
        text = f"{self.name} {self.image} {self.id} {self.project}".lower()
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
    created: str
    started: str
    finished: str
    command: str
    entrypoint: str
    restart_policy: str
    user: str
    working_dir: str
    hostname: str
    memory_bytes: int
    pids_limit: int
    privileged: bool
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    mounts: tuple[Mapping[str, str], ...]
    networks: tuple[tuple[str, str], ...]
    ports: tuple[Port, ...]

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> Self:
        state, config, host = _object(reply, "State"), _object(reply, "Config"), _object(reply, "HostConfig")
        settings, policy = _object(reply, "NetworkSettings"), _object(host, "RestartPolicy")
        status = _text(state, "Status") or "unknown"
        retries = _number(policy, "MaximumRetryCount")
        return cls(
            id=_text(reply, "Id"),
            name=_text(reply, "Name").removeprefix("/"),
            image=_text(config, "Image"),
            image_id=_text(reply, "Image"),
            state=status,
            health=_text(_object(state, "Health"), "Status").replace("none", ""),
            exit_code=_number(state, "ExitCode") if status in {"exited", "dead"} else None,
            oom_killed=state.get("OOMKilled") is True,
            error=_text(state, "Error"),
            restart_count=_number(reply, "RestartCount"),
            created=_time(reply, "Created"),
            started=_time(state, "StartedAt"),
            finished=_time(state, "FinishedAt"),
            command=" ".join(_list(config.get("Cmd"))),
            entrypoint=" ".join(_list(config.get("Entrypoint"))),
            restart_policy=(_text(policy, "Name") or "no") + (f" (at most {retries} times)" if retries else ""),
            user=_text(config, "User"),
            working_dir=_text(config, "WorkingDir"),
            hostname=_text(config, "Hostname"),
            memory_bytes=_number(host, "Memory"),
            pids_limit=_number(host, "PidsLimit"),
            privileged=host.get("Privileged") is True,
            env=tuple((k, v) for k, _, v in (line.partition("=") for line in _list(config.get("Env")))),
            labels=tuple(sorted(_texts(config.get("Labels")).items())),
            mounts=tuple(_mount(each) for each in _objects(reply.get("Mounts"))),
            networks=tuple(
                (name, _text(each, "IPAddress") or _text(each, "GlobalIPv6Address"))
                for name, each in sorted(_object(settings, "Networks").items())
                if isinstance(each, Mapping)
            ),
            ports=_bindings(_object(settings, "Ports")),
        )

    @property
    def word(self) -> str:
        """The state in words."""
        detail = self.health if self.state == "running" else None if self.exit_code is None else str(self.exit_code)
        return f"{self.state} · {detail}" if detail else self.state

    @property
    def tone(self) -> str:
        return tone_of(self.state, self.health, self.exit_code)

    @property
    def masked_env(self) -> tuple[tuple[str, str], ...]:
        """The environment without its values, which may be secrets."""
        return tuple((name, _MASK) for name, _ in self.env)


def tone_of(state: str, health: str, exit_code: int | None) -> str:
    """The tone of a container's badge."""
    if state == "running":
        return {"unhealthy": "danger", "starting": "info"}.get(health, "success")
    if state == "exited":
        return "danger" if exit_code else "neutral"
    return _TONES.get(state, "neutral")


def _ports(entries: object) -> tuple[Port, ...]:
    found = {
        Port(_number(each, "PrivatePort"), _number(each, "PublicPort"), _text(each, "Type") or "tcp", _text(each, "IP"))
        for each in _objects(entries)
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
        hosts = _objects(bindings) or [{}]
        for each in hosts:
            public = _text(each, "HostPort")
            entries.append(entry | {"PublicPort": int(public) if public.isdigit() else 0, "IP": _text(each, "HostIp")})
    return _ports(entries)


def _mount(entry: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        "type": _text(entry, "Type"),
        "source": _text(entry, "Name") or _text(entry, "Source"),
        "target": _text(entry, "Destination"),
        "mode": "read-write" if entry.get("RW") is True else "read-only",
    }


def _time(entry: Mapping[str, Any], key: str) -> str:
    value = _text(entry, key)
    return "" if value.startswith("0001-") else value


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _number(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else 0


def _object(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _list(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {key: each for key, each in value.items() if isinstance(key, str) and isinstance(each, str)}
