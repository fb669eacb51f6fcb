"""What changes containers. Each is one Engine API call through the docker SDK; knows no HTTP of ours.

`by` is who does it. Raises EngineError, and IdInvalid for what cannot be an id or name.
"""

import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from engines import access, reach
from engines.client.connect import Client, call
from engines.client.errors import EngineError, EngineReplied, NotAnEngine, translated
from engines.client.fields import table, text
from engines.client.ids import require_name
from engines.containers import queries
from engines.containers.queries import Judged
from engines.models import Engine
from engines.permissions import Permission
from engines.spec.body import body, later_joins, query
from engines.spec.limits import Refusal
from engines.trail import write as trail
from engines.trail.write import NotDone

#: What may be sent to a container's first process.
SIGNALS = ("KILL", "TERM", "INT", "HUP", "QUIT", "USR1", "USR2")
#: Seconds that a container gets to stop before the engine kills it, when it does not say itself.
_STOP_SECONDS = 10
#: A container that wants longer than this to stop is killed then.
_LONGEST_STOP_SECONDS = 600
_CALL_SECONDS = 15
_ID = re.compile(r"[0-9a-f]{12,64}")


class BeyondLimits(NotDone):
    """It is beyond what those below manager may ask for; nothing was done. `refused` says what, by field."""

    def __init__(self, sentence: str, refused: tuple[Refusal, ...] = ()) -> None:
        super().__init__(sentence)
        self.refused = refused


class NotAsAsked(NotDone):
    """The engine made another container than was asked for; it was removed again. The message is one sentence."""


class NotStarted(NotDone):
    """The container was made but could not be started; it was removed again. The message is the engine's own words."""


def start(engine: Engine, container_id: str, *, by: User) -> None:
    """Start a container; one that runs already is no error."""
    with trail.act(Permission.CONTAINER_START, by=by, engine=engine, subject=container_id):
        _do(engine, container_id, lambda client, name: client.start(name))


def stop(engine: Engine, container_id: str, *, by: User) -> None:
    """Ask a container to stop; the engine kills it after the time the container itself allows (its StopTimeout)."""
    with trail.act(Permission.CONTAINER_STOP, by=by, engine=engine, subject=container_id):
        _do(engine, container_id, lambda client, name: client.stop(name, timeout=_grace(client, name)))


def restart(engine: Engine, container_id: str, *, by: User) -> None:
    """Stop a container as `stop` does, and start it."""
    with trail.act(Permission.CONTAINER_RESTART, by=by, engine=engine, subject=container_id):
        _do(engine, container_id, lambda client, name: client.restart(name, timeout=_grace(client, name)))


def kill(engine: Engine, container_id: str, *, by: User, signal: str = "KILL") -> None:
    """Send `signal`, one of SIGNALS. Raises ValueError for another one."""
    if signal not in SIGNALS:
        raise ValueError(f"no such signal: {signal}")
    parameters = {"signal": signal}
    with trail.act(Permission.CONTAINER_KILL, by=by, engine=engine, subject=container_id, parameters=parameters):
        _do(engine, container_id, lambda client, name: client.kill(name, signal=f"SIG{signal}"))


def pause(engine: Engine, container_id: str, *, by: User) -> None:
    """Freeze all of a container's processes."""
    with trail.act(Permission.CONTAINER_PAUSE, by=by, engine=engine, subject=container_id):
        _do(engine, container_id, lambda client, name: client.pause(name))


def unpause(engine: Engine, container_id: str, *, by: User) -> None:
    """Let a paused container go on."""
    with trail.act(Permission.CONTAINER_UNPAUSE, by=by, engine=engine, subject=container_id):
        _do(engine, container_id, lambda client, name: client.unpause(name))


def remove(engine: Engine, container_id: str, *, by: User, force: bool = False, volumes: bool = False) -> None:
    """Remove a container, with its anonymous volumes if `volumes`; a running one only if `force`."""
    parameters = {"force": force, "volumes": volumes}
    with trail.act(Permission.CONTAINER_REMOVE, by=by, engine=engine, subject=container_id, parameters=parameters):
        _do(engine, container_id, lambda client, name: client.remove_container(name, force=force, v=volumes))


def create(engine: Engine, judged: Judged, *, start: bool, by: User) -> str:
    """Create what was judged, and start it if `start`; its id. Only managers may have what is beyond the limits.

    Raises BeyondLimits for others, and writes it down. What the engine made is inspected before it is started.
    Nothing is left behind of one that came out other than asked for (NotAsAsked) or does not start (NotStarted).
    """
    subject = judged.spec.name or judged.spec.image
    require_within(Permission.CONTAINER_CREATE, judged.refused, engine=engine, subject=subject, by=by)
    parameters = told(judged, start=start)
    with trail.act(Permission.CONTAINER_CREATE, by=by, engine=engine, subject=subject, parameters=parameters):
        return _create(engine, judged, start=start)


def require_within(
    permission: Permission, refused: tuple[Refusal, ...], *, engine: Engine, subject: str, by: User
) -> None:
    """Raises BeyondLimits, and writes it down, when `refused` holds anything and `by` is below manager."""
    if not refused or access.can(by, Permission.CONTAINER_CREATE_UNLIMITED, engine):
        return
    sentence = f"Beyond the limits of this engine: {', '.join(sorted({refusal.field for refusal in refused}))}."
    trail.refused(permission, by=by, engine=engine, subject=subject, sentence=sentence)
    raise BeyondLimits(sentence, refused)


def told(judged: Judged, *, start: bool) -> dict[str, Any]:
    """What the audit trail keeps of the creation of `judged`."""
    spec = judged.spec
    found: dict[str, Any] = {"image": spec.image, "name": spec.name, "started": start}
    more = {
        "mounts": [f"{mount.kind}:{mount.source}:{mount.target}"[:200] for mount in spec.mounts],
        "beyond": sorted({refusal.field for refusal in judged.refused}),
        "reaches": [does[:200] for does in judged.reaching],
    }
    return found | {name: value for name, value in more.items() if value}


def _create(engine: Engine, judged: Judged, *, start: bool) -> str:
    spec = judged.spec
    client = reach.client(engine, timeout=_CALL_SECONDS)
    asked = body(spec, engine.api_version)
    made = call(client, "POST", "/containers/create", params=query(spec), body=asked)
    container_id = text(table(made).get("Id"))
    if not _ID.fullmatch(container_id):
        raise NotAnEngine("What answers there does not give the id of what it made, as a Docker Engine does.")
    try:
        for network, settings in later_joins(spec, engine.api_version).items():
            joined = {"Container": container_id, "EndpointConfig": settings}
            call(client, "POST", f"/networks/{network}/connect", body=joined)
        other = queries.unlike(client, engine, judged, container_id)
    except EngineError:
        # What cannot be looked at must not stay for somebody to start.
        _discard(client, container_id)
        raise
    if other:
        _discard(client, container_id)
        raise NotAsAsked(
            f"The engine made another container than was asked for, with other {', '.join(other)}. It was removed."
        )
    if start:
        try:
            call(client, "POST", f"/containers/{container_id}/start")
        except EngineReplied as refusal:
            _discard(client, container_id)
            raise NotStarted(refusal.reason) from refusal
    return container_id


def _discard(client: Client, container_id: str) -> None:
    call(client, "DELETE", f"/containers/{container_id}", params={"force": "1", "v": "1"})


def _grace(client: Client, name: str) -> int:
    # The SDK waits this long on top of its own timeout; a hanging engine is noticed by this first, short call.
    config = client.inspect_container(name).get("Config") or {}
    seconds = config.get("StopTimeout")
    if not isinstance(seconds, int):
        return _STOP_SECONDS
    # Less than 0 stands for "as long as it takes".
    return min(seconds, _LONGEST_STOP_SECONDS) if seconds >= 0 else _LONGEST_STOP_SECONDS


def _do(engine: Engine, container_id: str, act: Callable[[Client, str], object]) -> None:
    name = require_name(container_id)
    client = reach.client(engine, timeout=_CALL_SECONDS)
    with translated(_CALL_SECONDS):
        act(client, name)
