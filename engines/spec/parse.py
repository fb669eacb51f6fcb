"""A pasted `docker run` or `docker create` as a ContainerSpec. Nothing of it is run, read from disk or looked up.

It never raises: what cannot be taken over is told, by its word, and the rest is taken.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from engines.spec.option_values import MANY, ONES, boolean, columns, count, integer, network_name, pair, shown, time
from engines.spec.shell import Word, first_command
from engines.spec.types import DOCKER_RUN, ContainerSpec, Device, DeviceRequest, Healthcheck, Join

_MOST_CHARACTERS = 1 << 16
#: Of one field; a range of ports is many.
_MOST_ITEMS = 1000
_COMMANDS = {"docker", "podman", "nerdctl"}
#: Options of `docker` itself that take a value.
_GLOBAL = {"-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey"}
_SUDO_VALUES = {"-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt"}
#: A prompt that was copied as well, and what people put before a command.
_PREFIXES = {"$", "%", ">", "sudo", "exec", "time"}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_CDI = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*=.+")


@dataclass(frozen=True)
class Parsed:
    """`start` is whether it was `run`, not `create`; `pull` is always, missing or never; `problems` are sentences."""

    spec: ContainerSpec
    start: bool = True
    pull: str = "missing"
    problems: tuple[str, ...] = ()


def parse(text: str, base: ContainerSpec = DOCKER_RUN) -> Parsed:
    """What `text` asks for. What it does not say is as in `base`."""
    if len(text) > _MOST_CHARACTERS:
        return Parsed(base, problems=(f"It is longer than {_MOST_CHARACTERS} characters.",))
    command = first_command(text)
    reading = _Reading(base)
    if command.unclosed:
        reading.problems.append("A quotation mark is not closed.")
    if command.rest:
        reading.problems.append(f"Only the first command is read, not what comes after it: {shown(command.rest)}")
    words = _without_prefix(list(command.words), reading)
    if not words:
        reading.problems.append("This is no docker run and no docker create.")
        return Parsed(base, problems=tuple(reading.problems))
    start = words[0].text == "run"
    reading.read(words[1:])
    return Parsed(reading.spec(), start, reading.pull, tuple(reading.problems))


def _without_prefix(words: list[Word], reading: "_Reading") -> list[Word]:
    """From `run` or `create` on; empty when there is none."""
    texts = [word.text for word in words]
    at = 0
    while at < len(texts) and (texts[at] in _PREFIXES or _ASSIGNMENT.fullmatch(texts[at])):
        at = _after_options(texts, at + 1, _SUDO_VALUES)
    if at >= len(texts) or re.split(r"[\\/]", texts[at])[-1].removesuffix(".exe") not in _COMMANDS:
        return []
    begin = at + 1
    at = _after_options(texts, begin, _GLOBAL)
    if at > begin:
        said = shown(" ".join(texts[begin:at]))
        reading.problems.append(f"{said}: it is made on the engine of this page, whatever is said here.")
    at += 1 if texts[at : at + 1] == ["container"] else 0
    return words[at:] if texts[at : at + 1] in (["run"], ["create"]) else []


def _after_options(texts: list[str], at: int, valued: set[str]) -> int:
    while at < len(texts) and texts[at].startswith("-"):
        at += 2 if texts[at] in valued else 1
    return at


class _Reading:
    """What was read so far, by field of ContainerSpec; lists are made tuples at the end."""

    def __init__(self, base: ContainerSpec) -> None:
        self.base, self.problems, self.pull = base, list[str](), "missing"
        self.found: dict[str, Any] = {}
        self.networks: list[Join] = []
        # Of the first network.
        self.joined: dict[str, Any] = {}

    def read(self, words: list[Word]) -> None:
        """The words after `run`."""
        rest = list(words)
        while rest and rest[0].text.startswith("-") and rest[0].text != "-":
            word = rest.pop(0)
            if word.text == "--":
                break
            self._options(word, rest)
        self._expansions(*rest)
        if not rest or not rest[0].text:
            self.problems.append("No image is named.")
            return
        self.found["image"] = rest[0].text
        if rest[1:]:
            self.found["command"] = [word.text for word in rest[1:]]

    def _options(self, word: Word, rest: list[Word]) -> None:
        """One long option, or several short ones in one word; takes its value from `rest` where it is not in it."""
        self._expansions(word)
        if word.text.startswith("--"):
            name, equals, value = word.text[2:].partition("=")
            self._option(f"--{name}", _ALIASES.get(name, name), value if equals else None, rest)
            return
        letters = word.text[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            name = _SHORT.get(letter, letter)
            if name in _TICKS and not letters.startswith("="):
                self._option(f"-{letter}", name, None, rest)
            else:
                self._option(f"-{letter}", name, letters.removeprefix("=") if letters else None, rest)
                return

    def _option(self, flag: str, name: str, value: str | None, rest: list[Word]) -> None:
        """`value` None: not in the option's own word."""
        if name in _TICKS:
            self._told(flag, value, lambda: self._tick(name, boolean(value or "true")))
            return
        if name not in _KNOWN:
            self._unknown(flag, value, rest)
            return
        if value is None:
            if not rest:
                self.problems.append(f"{flag}: its value is missing.")
                return
            word = rest.pop(0)
            self._expansions(word)
            value = word.text
        said = value
        self._told(flag, said, lambda: self._take(name, said))

    def _told(self, flag: str, value: str | None, take: Callable[[], None]) -> None:
        try:
            take()
        except ValueError as error:
            self.problems.append(f"{flag} {shown(value or '')}".rstrip() + f": {error}")

    def _unknown(self, flag: str, value: str | None, rest: list[Word]) -> None:
        # Most options take a value; the image is never one.
        if value is None and len(rest) > 1 and not rest[0].text.startswith("-"):
            value = rest.pop(0).text
        self.problems.append(f"{shown(f'{flag} {value or str()}'.rstrip())}: this option is not known here.")

    def _expansions(self, *words: Word) -> None:
        self.problems += [
            f"{shown(word.text)}: a shell would replace a part of this. It is taken as it stands."
            for word in words
            if word.expands
        ]

    def _tick(self, name: str, on: bool) -> None:
        if name == "no-healthcheck":
            self.found["healthcheck"] = Healthcheck(("NONE",)) if on else Healthcheck()
        elif name == "use-api-socket":
            raise ValueError("The engine's own socket is never given into a container in this way; mount it.")
        elif name in _FIELD_TICKS:
            self.found[_FIELD_TICKS[name]] = on

    def _take(self, name: str, value: str) -> None:
        """Raises ValueError with a sentence."""
        if name in ONES:
            field, read = ONES[name]
            self.found[field] = read(value)
        elif name in MANY:
            field, read_many = MANY[name]
            items = self.found.setdefault(field, [])
            if len(items) >= _MOST_ITEMS:
                raise ValueError(f"There are {_MOST_ITEMS} before it already.")
            items.extend(read_many(value))
        elif name in _LEFT_OUT:
            raise ValueError(_LEFT_OUT[name])
        elif name in _SPECIAL:
            _SPECIAL[name](self, value)

    def spec(self) -> ContainerSpec:
        found = {name: _finished(name, value) for name, value in self.found.items()}
        return replace(self.base, **found | self._log() | self._joins())

    def _log(self) -> dict[str, Any]:
        """Options of another driver than the base's mean nothing."""
        driver = self.found.get("log_driver", self.base.log_driver)
        own = dict(self.base.log_options) if driver == self.base.log_driver else {}
        return {"log_options": tuple(sorted((own | dict(self.found.get("log_options", ()))).items()))}

    def _joins(self) -> dict[str, Any]:
        if not self.networks and not self.joined:
            return {}
        first = self.networks[0] if self.networks else Join(self.base.network)
        first = replace(first, **_listed(self.joined))
        joins = {join.network: join for join in (first, *self.networks[1:])}
        if first == Join(first.network):
            del joins[first.network]
        return {"network": first.network, "joins": tuple(sorted(joins.values()))}


def _listed(join: dict[str, Any]) -> dict[str, Any]:
    """Fields of a Join; what was said several times becomes a tuple."""
    return {name: tuple(sorted(value)) if isinstance(value, list) else value for name, value in join.items()}


def _finished(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    if name in _PAIRS:
        return tuple(sorted(dict(value).items()))
    return tuple(sorted(set(value))) if name in _SETS else tuple(value)


def _device(reading: _Reading, value: str) -> None:
    if _CDI.fullmatch(value):
        reading.found.setdefault("device_requests", []).append(DeviceRequest("cdi", ids=(value,)))
        return
    host, _, rest = value.partition(":")
    inside, _, rights = rest.partition(":")
    if inside and not rights and re.fullmatch("[rwm]{1,3}", inside):
        inside, rights = "", inside
    if not host.startswith("/") or (inside and not inside.startswith("/")) or not re.fullmatch("[rwm]{0,3}", rights):
        raise ValueError("Write /dev/x, or /dev/x:/dev/y:rwm.")
    reading.found.setdefault("devices", []).append(Device(host, inside or host, rights or "rwm"))


def _restart(reading: _Reading, value: str) -> None:
    policy, colon, retries = value.partition(":")
    if policy not in {"no", "always", "unless-stopped", "on-failure"} or (colon and not retries.isdecimal()):
        raise ValueError("Write no, always, unless-stopped, on-failure or on-failure:5.")
    reading.found |= {"restart": policy, "restart_retries": integer(retries) if colon else 0}


def _security(reading: _Reading, value: str) -> None:
    name, _, rest = re.sub("^([a-z-]+):", r"\1=", value).partition("=")
    if name == "no-new-privileges":
        reading.found["new_privileges"] = not boolean(rest or "true")
    elif (name, rest) == ("systempaths", "unconfined"):
        reading.found["unmasked"] = True
    elif name == "seccomp" and rest not in {"unconfined", "builtin"}:
        raise ValueError("The profile is a file of the machine where this was typed.")
    else:
        reading.found.setdefault("security_opt", []).append(f"{name}={rest}" if rest else name)


def _network(reading: _Reading, value: str) -> None:
    if not re.match(r"\w+=", value):
        reading.networks.append(Join(network_name(value)))
        return
    found: dict[str, Any] = {}
    for column in columns(value):
        name, _, rest = column.partition("=")
        match name.strip().lower():
            case "name":
                found["network"] = network_name(rest)
            case "alias":
                found.setdefault("aliases", []).append(rest)
            case "ip":
                found["ipv4"] = rest
            case "ip6":
                found["ipv6"] = rest
            case "mac-address":
                found["mac_address"] = rest
            case "link-local-ip":
                found.setdefault("link_local", []).append(rest)
            case "driver-opt":
                found.setdefault("driver_options", []).extend(pair(rest))
            case _:
                raise ValueError(f"{shown(name)} is not known here.")
    if not found.get("network"):
        raise ValueError("It has no name.")
    reading.networks.append(Join(**_listed(found)))


def _first_network(name: str, many: bool = False) -> Callable[[_Reading, str], None]:
    def take(reading: _Reading, value: str) -> None:
        if many:
            reading.joined.setdefault(name, []).append(value)
        else:
            reading.joined[name] = value

    return take


def _health(name: str, read: Callable[[str], Any]) -> Callable[[_Reading, str], None]:
    def take(reading: _Reading, value: str) -> None:
        check = reading.found.get("healthcheck", Healthcheck())
        reading.found["healthcheck"] = replace(check, **{name: read(value)})

    return take


def _pull(reading: _Reading, value: str) -> None:
    if value not in {"always", "missing", "never"}:
        raise ValueError("Write always, missing or never.")
    reading.pull = value


def _ignored(_: _Reading, __: str) -> None:
    """It is only about the command itself, and its terminal."""


_SHORT = {
    **{"a": "attach", "c": "cpu-shares", "d": "detach", "e": "env", "h": "hostname", "i": "interactive", "l": "label"},
    **{"m": "memory", "P": "publish-all", "p": "publish", "q": "quiet", "t": "tty", "u": "user", "v": "volume"},
    **{"w": "workdir"},
}
_ALIASES = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}
_FIELD_TICKS = {
    **{name: name for name in ("interactive", "tty", "init", "privileged")},
    **{"publish-all": "publish_all", "read-only": "read_only", "rm": "auto_remove"},
    **{"oom-kill-disable": "oom_kill_disable"},
}
#: Options without a value.
_TICKS = frozenset({*_FIELD_TICKS, "detach", "quiet", "sig-proxy", "disable-content-trust", "help"}) | {
    "no-healthcheck",
    "use-api-socket",
}
_LEFT_OUT = {
    "env-file": "The file is on the machine where this was typed; write its lines as environment.",
    "label-file": "The file is on the machine where this was typed; write its lines as labels.",
    "cidfile": "No file is written on the machine where this was typed.",
    "kernel-memory": "Engines no longer know this limit.",
    **dict.fromkeys(("cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"), "Only Windows knows this limit."),
}
_SPECIAL: dict[str, Callable[[_Reading, str], None]] = {
    **dict.fromkeys(("attach", "detach-keys"), _ignored),
    "pull": _pull,
    "restart": _restart,
    "security-opt": _security,
    "device": _device,
    "network": _network,
    "network-alias": _first_network("aliases", many=True),
    "link-local-ip": _first_network("link_local", many=True),
    "ip": _first_network("ipv4"),
    "ip6": _first_network("ipv6"),
    "mac-address": _first_network("mac_address"),
    "health-cmd": _health("test", lambda value: ("CMD-SHELL", value) if value else ()),
    "health-interval": _health("interval", time),
    "health-timeout": _health("timeout", time),
    "health-start-period": _health("start_period", time),
    "health-start-interval": _health("start_interval", time),
    "health-retries": _health("retries", count),
}
_KNOWN = frozenset({*ONES, *MANY, *_SPECIAL, *_LEFT_OUT})
#: Fields whose members have no order; all others keep the one in which they were typed.
_PAIRS = {"labels", "annotations", "storage_options", "sysctls", "log_options"}
_ORDERED = {
    *("command", "env", "group_add", "dns", "dns_options", "dns_search", "extra_hosts", "volumes_from"),
}
_SETS = {each.name for each in fields(ContainerSpec)} - _PAIRS - _ORDERED
