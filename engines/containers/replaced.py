"""A container that another one takes the place of: what is noted of it, so that it can be returned to."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

from engines.client.fields import number, table, tables, text
from engines.spec.types import Mount

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class Replaced:
    """`old` is its whole id, `new` that of the one in its place, empty while there is none.

    `ran` and `paused` are how it was found; `policy` and `retries` its restart policy, which is off meanwhile.
    """

    old: str
    name: str
    ran: bool
    paused: bool
    policy: str
    retries: int
    new: str = ""

    @classmethod
    def of(cls, inspect: Mapping[str, Any]) -> Self:
        """Of a container as it is."""
        state = table(inspect.get("State"))
        policy = table(table(inspect.get("HostConfig")).get("RestartPolicy"))
        return cls(
            old=text(inspect.get("Id")),
            name=text(inspect.get("Name")).removeprefix("/"),
            # One that restarts for ever runs, too: the next start may be the good one.
            ran=state.get("Running") is True or state.get("Restarting") is True,
            paused=state.get("Paused") is True,
            policy=text(policy.get("Name")) or "no",
            retries=number(policy.get("MaximumRetryCount")),
        )

    @classmethod
    def noted(cls, progress: Mapping[str, Any]) -> Self | None:
        """From the progress of the operation that replaced it; None when that had not begun."""
        note = table(progress.get("replaced"))
        return cls(**note) if note else None

    def note(self) -> dict[str, Any]:
        """What is kept in the operation's progress."""
        return {"replaced": asdict(self)}


def names(name: str, operation: UUID) -> tuple[str, str]:
    """What the old container is called once the new one has its name, and the new one until then."""
    mark = operation.hex[:6]
    return f"{name[:_NAME_CHARACTERS]}-old-{mark}", f"{name[:_NAME_CHARACTERS]}-new-{mark}"


def edition(inspect: Mapping[str, Any]) -> str:
    """A mark of what a container is, not of what it does: another one means that somebody changed it."""
    networks = table(table(inspect.get("NetworkSettings")).get("Networks"))
    joined = {name: [table(each).get(key) for key in ("IPAMConfig", "Aliases")] for name, each in networks.items()}
    what = [*(inspect.get(key) for key in ("Id", "Name", "Config", "HostConfig")), joined]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def anonymous(inspect: Mapping[str, Any]) -> tuple[Mount, ...]:
    """The volumes that were made for the container and have no name of their own, as mounts by the one they got."""
    return tuple(
        Mount("volume", text(each.get("Name")), text(each.get("Destination")), each.get("RW") is False)
        for each in tables(inspect.get("Mounts"))
        if each.get("Type") == "volume" and _ANONYMOUS.fullmatch(text(each.get("Name")))
    )


def carried(mounts: tuple[Mount, ...], inspect: Mapping[str, Any]) -> tuple[Mount, ...]:
    """`mounts` of the new container with the old one's anonymous volumes where it would get empty ones."""
    named = {mount.target for mount in mounts if mount.kind != "volume" or mount.source}
    kept = [mount for mount in anonymous(inspect) if mount.target not in named]
    targets = {mount.target for mount in kept}
    return tuple(sorted([*(mount for mount in mounts if mount.target not in targets), *kept]))
