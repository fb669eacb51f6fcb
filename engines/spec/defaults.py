"""Takes out of a container what nobody asked for: what its image gives, and what engines fill in. Pure."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from engines.client.fields import pairs, table, text, texts
from engines.spec.inspected import healthcheck
from engines.spec.types import ContainerSpec, Healthcheck, Mount

_USUAL_SHM_BYTES = 64 << 20
#: The beginning of a container's id, which is its host name when it is given none.
_MADE_UP = re.compile(r"[0-9a-f]{12}")


def subtracted(
    spec: ContainerSpec, image: Mapping[str, Any] | None = None, default_runtime: str = "runc"
) -> ContainerSpec:
    """`spec`, as read from an engine, as somebody would type it.

    `image` is the inspect of the very image it was made of (by the id in its inspect: its name may be another's by
    now). Without one, what it gives stays in the spec: that is the same container as long as the image is the same.
    """
    given = table(table(image).get("Config"))
    return replace(_without_image(spec, given) if given else spec, **_engines_own(spec, default_runtime))


def _engines_own(spec: ContainerSpec, default_runtime: str) -> dict[str, Any]:
    names_itself = spec.uts == "host" or spec.network.startswith("container:")
    found: dict[str, Any] = {}
    if names_itself or _MADE_UP.fullmatch(spec.hostname):
        found["hostname"] = ""
    if names_itself:
        found["domainname"] = ""
    if spec.shm_bytes == _USUAL_SHM_BYTES:
        found["shm_bytes"] = 0
    if spec.memory_swap_bytes == 2 * spec.memory_bytes:
        found["memory_swap_bytes"] = 0
    if spec.runtime == default_runtime:
        found["runtime"] = ""
    if spec.restart != "on-failure":
        found["restart_retries"] = 0
    return found


def _without_image(spec: ContainerSpec, given: Mapping[str, Any]) -> ContainerSpec:
    env, labels = set(texts(given.get("Env"))), pairs(given.get("Labels")).items()
    volumes = {Mount("volume", "", target) for target in table(given.get("Volumes"))}
    return replace(
        spec,
        **_process(spec, tuple(texts(given.get("Entrypoint"))), tuple(texts(given.get("Cmd")))),
        env=tuple(each for each in spec.env if each not in env),
        labels=tuple(each for each in spec.labels if each not in labels),
        working_dir=_unless(spec.working_dir, given.get("WorkingDir")),
        user=_unless(spec.user, given.get("User")),
        stop_signal=_unless(spec.stop_signal, given.get("StopSignal")),
        expose=tuple(each for each in spec.expose if each not in table(given.get("ExposedPorts"))),
        mounts=tuple(each for each in spec.mounts if each not in volumes),
        healthcheck=_check(spec.healthcheck, healthcheck(table(given.get("Healthcheck")))),
    )


def _process(spec: ContainerSpec, entrypoint: tuple[str, ...], command: tuple[str, ...]) -> dict[str, Any]:
    """An engine takes the image's command only together with the image's entrypoint."""
    if spec.entrypoint != entrypoint:
        # What is empty there was emptied: nothing typed would stand for the image's own.
        return {"entrypoint": spec.entrypoint or ("",)}
    return {"entrypoint": (), "command": () if spec.command == command else spec.command}


def _unless(value: str, given: object) -> str:
    return "" if value == text(given) else value


def _check(check: Healthcheck, given: Healthcheck) -> Healthcheck:
    """Engines take each member that is not said from the image."""
    own = {each.name: getattr(check, each.name) for each in fields(Healthcheck)}
    return Healthcheck(**{name: value for name, value in own.items() if value != getattr(given, name)})
