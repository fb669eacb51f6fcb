"""What changes a container while it stays the same one: its name, its limits, the networks it is in.

`by` is who does it. Raises EngineError, IdInvalid, and BeyondLimits for what only managers may ask for,
and BeingReplaced.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User

from engines import reach
from engines.client.connect import call
from engines.client.fields import table, texts
from engines.client.ids import require_name
from engines.containers import queries
from engines.containers.actions import require_within
from engines.containers.standing import require_not_replaced
from engines.models import Engine, EngineLimits
from engines.permissions import Permission
from engines.spec.body import endpoint
from engines.spec.facts import Facts
from engines.spec.inspected import from_inspect
from engines.spec.limits import refusals
from engines.spec.types import ContainerSpec, Join
from engines.trail import write as trail

#: Field of a spec -> member of the request. What can be changed while it runs.
LIVE: dict[str, str] = {
    "memory_bytes": "Memory",
    "memory_reservation_bytes": "MemoryReservation",
    "memory_swap_bytes": "MemorySwap",
    "nano_cpus": "NanoCpus",
    "cpu_shares": "CpuShares",
    "cpuset_cpus": "CpusetCpus",
    "pids": "PidsLimit",
    "blkio_weight": "BlkioWeight",
    "restart": "RestartPolicy",
    "restart_retries": "RestartPolicy",
}
#: Of these, what engines can take away again; nothing stands for "as it is" in all others.
REMOVABLE = frozenset({"pids", "memory_swap_bytes", "restart", "restart_retries"})
#: The kernel may have to find memory first.
_UPDATE_SECONDS = 30
_CALL_SECONDS = 15


def rename(engine: Engine, container_id: str, name: str, *, by: User) -> None:
    """Give it another name."""
    with trail.act(Permission.CONTAINER_RENAME, by=by, engine=engine, subject=container_id, parameters={"name": name}):
        require_not_replaced(container_id)
        path = f"/containers/{require_name(container_id)}/rename"
        call(reach.client(engine, _CALL_SECONDS), "POST", path, params={"name": require_name(name)})


def update(engine: Engine, container_id: str, changes: Mapping[str, object], *, by: User) -> list[str]:
    """Change its limits or restart policy as it runs; what the engine warns of. `changes`: field of LIVE -> value."""
    spec = from_inspect(queries.inspected(engine, container_id))
    meant = _meant(spec, changes)
    asked = replace(spec, **meant)  # type: ignore[arg-type]
    # These fields' rules need to know nothing of the engine. What was beyond the limits before, and is not touched, is
    # not asked for now; what is beyond them only together with what is changed, is.
    limits, touched = EngineLimits.of(engine), meant.keys() | ({"restart"} if "restart_retries" in meant else set())
    before = refusals(spec, limits, Facts())
    found = refusals(asked, limits, Facts())
    beyond = tuple(each for each in found if each.field in touched or each not in before)
    require_within(Permission.CONTAINER_UPDATE, beyond, engine=engine, subject=container_id, by=by)
    parameters = {"changed": dict(changes)}
    with trail.act(Permission.CONTAINER_UPDATE, by=by, engine=engine, subject=container_id, parameters=parameters):
        require_not_replaced(container_id)
        path = f"/containers/{require_name(container_id)}/update"
        reply = call(reach.client(engine, _UPDATE_SECONDS), "POST", path, body=_update_body(asked, meant))
    return texts(table(reply).get("Warnings"))


def _meant(spec: ContainerSpec, changes: Mapping[str, object]) -> dict[str, object]:
    """`changes` to `spec`, with what they bring along."""
    usual = spec.memory_swap_bytes in {0, 2 * spec.memory_bytes}
    if "memory_bytes" in changes and "memory_swap_bytes" not in changes and usual:
        # As engines do where only memory is limited; they refuse memory above what both had together.
        return {**changes, "memory_swap_bytes": 0}
    return dict(changes)


def _update_body(asked: ContainerSpec, meant: Mapping[str, object]) -> dict[str, Any]:
    """What is sent for `meant`, with which the container is as `asked` (Engine API: Container/ContainerUpdate)."""
    sent: dict[str, Any] = {LIVE[name]: value for name, value in meant.items() if LIVE[name] != "RestartPolicy"}
    if "restart" in meant or "restart_retries" in meant:
        retries = asked.restart_retries if asked.restart == "on-failure" else 0
        sent["RestartPolicy"] = {"Name": asked.restart, "MaximumRetryCount": retries}
    if "pids" in meant:
        sent["PidsLimit"] = asked.pids or -1
    if "memory_swap_bytes" in meant:
        sent["MemorySwap"] = asked.memory_swap_bytes or 2 * asked.memory_bytes
    return sent


def connect(engine: Engine, container_id: str, join: Join, *, by: User) -> None:
    """Let it take part in one more network."""
    judged = queries.judged(engine, ContainerSpec("", network=join.network, joins=(join,)))
    beyond = tuple(each for each in judged.refused if each.field in {"network", "joins"})
    require_within(Permission.NETWORK_CONNECT, beyond, engine=engine, subject=container_id, by=by)
    parameters = {"container": container_id}
    with trail.act(
        Permission.NETWORK_CONNECT, by=by, engine=engine, subject=join.network, parameters=parameters | {"joined": True}
    ):
        require_not_replaced(container_id)
        body = {"Container": require_name(container_id), "EndpointConfig": endpoint(join, engine.api_version)}
        path = f"/networks/{require_name(join.network)}/connect"
        call(reach.client(engine, _CALL_SECONDS), "POST", path, body=body)


def disconnect(engine: Engine, container_id: str, network: str, *, force: bool, by: User) -> None:
    """Take it out of a network; with `force` also where the engine cannot tell it so any more."""
    parameters = {"container": container_id, "joined": False, "force": force}
    with trail.act(Permission.NETWORK_CONNECT, by=by, engine=engine, subject=network, parameters=parameters):
        require_not_replaced(container_id)
        path = f"/networks/{require_name(network)}/disconnect"
        body = {"Container": require_name(container_id), "Force": force}
        call(reach.client(engine, _CALL_SECONDS), "POST", path, body=body)
