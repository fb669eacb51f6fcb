"""Makes a container as part of an operation: what was asked for or nothing, also when the operation is cancelled."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from engines import access, reach
from engines.client.errors import EngineError, EngineReplied, NotAnEngine
from engines.client.fields import table, text
from engines.client.ids import IdInvalid, is_image_id, require_image, require_name
from engines.containers import queries
from engines.containers.queries import Judged
from engines.models import Engine
from engines.operations.job import Job, OperationFailed
from engines.operations.pulling import pulled
from engines.operations.starter import in_thread
from engines.permissions import Permission
from engines.spec.types import ContainerSpec

_ID = re.compile(r"[0-9a-f]{64}")
_CALL_SECONDS = 60
NOT_FOUND = 404
#: When an image is pulled first: where the engine has none of this name, or whatever it has.
PULLS = ("never", "missing", "always")


async def image_of(job: Job, reference: str) -> Mapping[str, Any]:
    """The inspect of an image of the engine; `{}` when it has none. Raises EngineError and OperationFailed."""
    try:
        return table(await job.engine.json("GET", f"/images/{require_image(reference)}/json"))
    except EngineReplied as refusal:
        if refusal.status == NOT_FOUND:
            return {}
        raise
    except IdInvalid as error:
        raise OperationFailed(str(error)) from error


async def bring(job: Job, user: User, engine: Engine, spec: ContainerSpec, pull: str) -> None:
    """Pull the image of `spec` if `pull`, one of PULLS, says so. Raises EngineError and OperationFailed."""
    if pull == "never" or (pull == "missing" and await image_of(job, spec.image)):
        return
    if not await in_thread(access.can, user, Permission.IMAGE_PULL, engine):
        raise OperationFailed(f"Your role on {engine.name} does not include {Permission.IMAGE_PULL.value}.")
    if is_image_id(spec.image):
        raise OperationFailed(f"{spec.image} cannot be pulled: an image is pulled by its name, not its id.")
    await pulled(job, spec.image, spec.platform)


async def judged_again(user: User, engine: Engine, spec: ContainerSpec) -> Judged:
    """`spec` under the limits as they are now. Raises EngineError, and OperationFailed for what `user` may not ask."""
    judged = await in_thread(queries.judged, engine, spec)
    if judged.refused and not await in_thread(access.can, user, Permission.CONTAINER_CREATE_UNLIMITED, engine):
        fields = ", ".join(sorted({refusal.field for refusal in judged.refused}))
        raise OperationFailed(f"Beyond the limits of this engine by now: {fields}. Nothing was done.")
    return judged


@dataclass(frozen=True)
class Request:
    """What is sent for `judged`: the `body` of a creation, its `params`, and the networks joined before a start."""

    judged: Judged
    body: Mapping[str, Any]
    params: Mapping[str, str]
    joins: Mapping[str, Mapping[str, Any]]


async def make(job: Job, engine: Engine, asked: Request) -> str:
    """Create a container; its id. It comes out as judged, and in all its networks.

    Raises EngineError and OperationFailed; nothing is left behind then, nor when this is cancelled.
    """
    request = job.engine.json("POST", "/containers/create", params=asked.params, body=asked.body, seconds=_CALL_SECONDS)
    posting = asyncio.ensure_future(request)
    try:
        made = _id(await asyncio.shield(posting))
    except asyncio.CancelledError:
        # The engine makes it all the same.
        with suppress(EngineError):
            await discard(job, _id(await posting))
        raise
    try:
        for network, settings in asked.joins.items():
            joined = {"Container": made, "EndpointConfig": settings}
            await job.engine.post(f"/networks/{require_name(network)}/connect", body=joined, seconds=_CALL_SECONDS)
        other = await in_thread(_unlike, engine, asked.judged, made)
        if other:
            sentence = f"The engine made another container than was asked for, with other {', '.join(other)}."
            raise OperationFailed(f"{sentence} It was removed.")
    except IdInvalid as error:
        await discard(job, made)
        raise OperationFailed(str(error)) from error
    except BaseException:
        # What cannot be looked at must not stay for somebody to start.
        await discard(job, made)
        raise
    return made


async def discard(job: Job, container_id: str) -> None:
    """Remove a container that was just made, with the volumes made for it. Raises EngineError."""
    try:
        async with job.engine.request(
            "DELETE", f"/containers/{container_id}", params={"force": "1", "v": "1"}, seconds=_CALL_SECONDS
        ):
            pass
    except EngineReplied as refusal:
        if refusal.status != NOT_FOUND:
            raise


def _unlike(engine: Engine, judged: Judged, container_id: str) -> tuple[str, ...]:
    return queries.unlike(reach.client(engine), engine, judged, container_id)


def _id(reply: object) -> str:
    made = text(table(reply).get("Id"))
    if not _ID.fullmatch(made):
        raise NotAnEngine("What answers there does not give the id of what it made, as a Docker Engine does.")
    return made


async def inspected(job: Job, container: str) -> Mapping[str, Any]:
    """The inspect of a container. Raises OperationFailed when it is gone, and EngineError."""
    there = await found(job, container)
    if not there:
        raise OperationFailed("This container is gone: somebody removed it.")
    return there


async def found(job: Job, container: str) -> Mapping[str, Any]:
    """The same, `{}` when there is none. Raises EngineError."""
    try:
        return table(await job.engine.json("GET", f"/containers/{require_name(container)}/json"))
    except EngineReplied as refusal:
        if refusal.status == NOT_FOUND:
            return {}
        raise
