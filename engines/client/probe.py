"""What an engine says of itself: all that `docker version` shows, and the part of `docker info` that matters here."""

import platform
from dataclasses import dataclass, replace
from typing import Any

import docker

from engines.client.connect import NEWEST_API, OLDEST_API, connect, get_json, negotiate
from engines.client.endpoint import Endpoint
from engines.client.errors import NotAnEngine
from engines.client.fields import number, table, tables, text, texts
from engines.client.record import Request

_TEXT_CHARACTERS = 300
_COMPONENTS = 30
_LARGEST = 1 << 62


@dataclass(frozen=True)
class Component:
    """A part of the engine, such as containerd. `details` are as `docker version` lists them: name -> text."""

    name: str
    version: str
    details: dict[str, str]


@dataclass(frozen=True)
class Ours:
    """This side of the conversation."""

    sdk_version: str = docker.__version__
    python_version: str = platform.python_version()
    oldest_api: str = OLDEST_API
    newest_api: str = NEWEST_API


@dataclass(frozen=True)
class Probe:
    """An engine that answered. Texts are printable, of 300 characters at most, and empty where it said nothing.

    `api_version` is the one to pin: the newest both sides speak. The engine's own range is `engine_oldest_api` to
    `engine_api`. `memory_bytes` and `cpus` are the host's. `requests` are those made to find out.
    """

    ours: Ours
    api_version: str
    version: str
    platform: str
    engine_api: str
    engine_oldest_api: str
    go_version: str
    git_commit: str
    built: str
    os: str
    architecture: str
    kernel: str
    experimental: bool
    components: tuple[Component, ...]
    engine_id: str
    name: str
    operating_system: str
    cpus: int
    memory_bytes: int
    storage_driver: str
    cgroup_driver: str
    cgroup_version: str
    security_options: tuple[str, ...]
    rootless: bool
    swarm: str
    running: int
    paused: int
    stopped: int
    images: int
    requests: tuple[Request, ...] = ()


def probe(endpoint: Endpoint, timeout: int = 10) -> Probe:
    """Ask the engine, whatever API version `endpoint` says. `timeout` in seconds, per read. Raises EngineError."""
    client = connect(replace(endpoint, api_version=""), timeout)
    version = get_json(client, "/version")
    api_version = negotiate(version)
    info = get_json(client, f"/v{api_version}/info")
    return replace(from_api(version, info), requests=tuple(client.requests))


def from_api(version: dict[str, Any], info: dict[str, Any]) -> Probe:
    """The replies of /version and /info. Raises NotAnEngine or EngineIncompatible, never for a type that is wrong."""
    if not _text(version.get("Version")):
        raise NotAnEngine("What answers there does not give its version as a Docker Engine does.")
    security = _texts(info.get("SecurityOptions"))
    return Probe(
        ours=Ours(),
        api_version=negotiate(version),
        version=_text(version.get("Version")),
        platform=_text(table(version.get("Platform")).get("Name")),
        engine_api=_text(version.get("ApiVersion")),
        engine_oldest_api=_text(version.get("MinAPIVersion")),
        go_version=_text(version.get("GoVersion")),
        git_commit=_text(version.get("GitCommit")),
        built=_text(version.get("BuildTime")),
        os=_text(version.get("Os")),
        architecture=_text(version.get("Arch")),
        kernel=_text(version.get("KernelVersion")),
        experimental=version.get("Experimental") is True or info.get("ExperimentalBuild") is True,
        components=_components(version.get("Components")),
        engine_id=_text(info.get("ID")),
        name=_text(info.get("Name")),
        operating_system=_text(info.get("OperatingSystem")),
        cpus=number(info.get("NCPU")),
        memory_bytes=number(info.get("MemTotal")),
        storage_driver=_text(info.get("Driver")),
        cgroup_driver=_text(info.get("CgroupDriver")),
        cgroup_version=_text(info.get("CgroupVersion")),
        security_options=security,
        rootless="name=rootless" in security,
        swarm=_text(table(info.get("Swarm")).get("LocalNodeState")),
        running=number(info.get("ContainersRunning")),
        paused=number(info.get("ContainersPaused")),
        stopped=number(info.get("ContainersStopped")),
        images=number(info.get("Images")),
    )


def _components(value: object) -> tuple[Component, ...]:
    return tuple(
        Component(_text(row.get("Name")), _text(row.get("Version")), _details(row.get("Details")))
        for row in tables(value)[:_COMPONENTS]
        if _text(row.get("Name"))
    )


def _details(value: object) -> dict[str, str]:
    pairs = list(table(value).items())[:_COMPONENTS]
    return {_text(name): _text(text) for name, text in pairs if _text(text)}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, texts(value)[:_COMPONENTS])))


def _text(value: object) -> str:
    # A hostile engine's text goes to pages and logs: no control or direction marks.
    line = text(value)[:_TEXT_CHARACTERS]
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
