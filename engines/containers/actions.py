"""What changes containers. Each is one Engine API call through the docker SDK; knows no HTTP of ours.

`by` is who does it. Raises EngineError, and IdInvalid for what cannot be an id or name.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from engines import reach
from engines.client.connect import Client, call
from engines.client.errors import translated
from engines.client.ids import require_name
from engines.containers.types import Detail
from engines.models import Engine

#: What may be sent to a container's first process.
SIGNALS = ("KILL", "TERM", "INT", "HUP", "QUIT", "USR1", "USR2")
#: Seconds that a container gets to stop before the engine kills it.
STOP_SECONDS = 10
_CALL_SECONDS = 15


def start(engine: Engine, container_id: str, *, by: User) -> None:
    """Start a container; one that runs already is no error."""
    _do(engine, container_id, lambda client, name: client.start(name))


def stop(engine: Engine, container_id: str, *, by: User) -> None:
    """Ask a container to stop, and kill it after STOP_SECONDS."""
    _do(engine, container_id, lambda client, name: client.stop(name, timeout=STOP_SECONDS))


def restart(engine: Engine, container_id: str, *, by: User) -> None:
    """Stop and start a container."""
    _do(engine, container_id, lambda client, name: client.restart(name, timeout=STOP_SECONDS))


def kill(engine: Engine, container_id: str, *, by: User, signal: str = "KILL") -> None:
    """Send `signal`, one of SIGNALS. Raises ValueError for another one."""
    if signal not in SIGNALS:
        raise ValueError(f"no such signal: {signal}")
    _do(engine, container_id, lambda client, name: client.kill(name, signal=f"SIG{signal}"))


def pause(engine: Engine, container_id: str, *, by: User) -> None:
    """Freeze all of a container's processes."""
    _do(engine, container_id, lambda client, name: client.pause(name))


def unpause(engine: Engine, container_id: str, *, by: User) -> None:
    """Let a paused container go on."""
    _do(engine, container_id, lambda client, name: client.unpause(name))


def remove(engine: Engine, container_id: str, *, by: User, force: bool = False, volumes: bool = False) -> None:
    """Remove a container, with its anonymous volumes if `volumes`; a running one only if `force`."""
    _do(engine, container_id, lambda client, name: client.remove_container(name, force=force, v=volumes))


def create(engine: Engine, *, name: str, config: dict[str, Any], start: bool, by: User) -> str:
    """Create a container of a request body made by the form, and start it if `start`; its id.

    What the engine made is inspected before it is started: one that came out more powerful than asked is removed.
    """
    client = reach.client(engine, timeout=_CALL_SECONDS)
    made = call(client, "POST", "/containers/create", params={"name": name} if name else None, body=config)
    container_id = str(made["Id"]) if isinstance(made, dict) else ""
    reply = call(client, "GET", f"/containers/{require_name(container_id)}/json")
    if not isinstance(reply, dict) or Detail.from_api(reply).privileged:
        call(client, "DELETE", f"/containers/{container_id}", params={"force": "1"})
        raise ValueError("the engine made another container than was asked for")
    if start:
        with translated(_CALL_SECONDS):
            client.start(container_id)
    return container_id


def _do(engine: Engine, container_id: str, act: Callable[[Client, str], object]) -> None:
    name = require_name(container_id)
    client = reach.client(engine, timeout=_CALL_SECONDS)
    with translated(_CALL_SECONDS):
        act(client, name)
