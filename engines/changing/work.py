"""The work of operations on containers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied

from engines.changing.replacing import Replacement, returned
from engines.client.fields import table, text
from engines.client.ids import parse_reference, require_name
from engines.containers.entry import require_may_enter
from engines.containers.replaced import Replaced, carried, edition, names
from engines.containers.standing import replacing
from engines.creation.making import Request, bring, found, image_of, inspected, judged_again
from engines.models import Operation
from engines.operations.job import Job, OperationFailed, to_the_end
from engines.operations.starter import in_thread, starter
from engines.permissions import Permission
from engines.spec.body import query
from engines.spec.defaults import subtracted
from engines.spec.inspected import from_inspect
from engines.spec.recreated import later, recreated
from engines.spec.stored import restored
from engines.spec.types import ContainerSpec
from engines.web.gate import require

#: A container of many gigabytes is copied by the engine before it answers.
_COMMIT_SECONDS = 3600
_START_SECONDS = 60


async def recreate(job: Job) -> dict[str, Any]:
    """Another container in the place of `spec["container"]`: `spec["asked"]`, or the same one of a newer image.

    Raises OperationFailed and EngineError: then the old one is what it was.
    """
    user, engine = await starter(job)
    container = require_name(str(job.spec["container"]))
    await in_thread(_require_alone, job, container)
    inspect = await _as_seen(job, container)
    spec = restored(job.spec["asked"]) if job.spec["asked"] else await _as_typed(job, inspect)
    await bring(job, user, engine, spec, str(job.spec["pull"]))
    # A pull may take long: what others did meanwhile stays.
    ran, inspect = Replaced.of(inspect).ran, await _as_seen(job, container)
    stopped = ran and not Replaced.of(inspect).ran
    image = text((await image_of(job, spec.image)).get("Id"))
    if not job.spec["asked"] and not job.spec["force"] and image == text(inspect.get("Image")):
        await job.log.write(f"{spec.image} is already the newest: nothing was changed.")
        return {"container": container, "name": text(inspect.get("Name")).removeprefix("/"), "unchanged": True}
    mounts = carried(spec.mounts, inspect) if job.spec["carry"] else spec.mounts
    # What the console does not know of it stays: the body takes it from the inspect.
    spec = replace(spec, mounts=mounts, other=from_inspect(inspect).other)
    judged = await judged_again(user, engine, spec)
    spec, version = judged.spec, engine.api_version
    asked = Request(judged, recreated(spec, inspect, version), query(spec), later(spec, inspect, version))
    replacement = Replacement(job, engine, Replaced.of(inspect), inspect)
    if stopped:
        await job.log.write("Somebody stopped it meanwhile: the new one is not started.")
    start = bool(job.spec["start"]) and not stopped
    return await replacement.run(asked, start=start, keep=bool(job.spec["keep"]), volumes=bool(job.spec["volumes"]))


async def give_back(job: Job) -> dict[str, Any]:
    """The container that the operation `spec["operation"]` was replacing when it was cut off, as it was.

    The result: {"container": id, "name"}. Raises OperationFailed and EngineError.
    """
    was = await in_thread(_replaced, job)
    if not was.new:
        # Its worker ended between making it and noting it.
        made = await found(job, names(was.name, _operation_of(job))[1])
        was = replace(was, new=text(made.get("Id")))
    await in_thread(_require_alone, job, was.old, was.new)
    way = await to_the_end(returned(job, was))
    if not way.back or Replaced.of(await inspected(job, was.old)).ran < was.ran:
        raise OperationFailed(way.sentence)
    return {"container": was.old, "name": was.name}


async def commit(job: Job) -> dict[str, Any]:
    """An image of the container `spec["container"]`. The result: {"reference", "image": id}.

    Raises OperationFailed and EngineError.
    """
    container, reference = require_name(str(job.spec["container"])), str(job.spec["reference"])
    user, engine = await starter(job)
    try:
        # What it reaches may have become more since it was asked for, or a name another container's.
        await in_thread(require_may_enter, user, Permission.CONTAINER_COMMIT, engine, container)
        await in_thread(require, user, Permission.IMAGE_TAG, engine)
    except PermissionDenied as denial:
        raise OperationFailed(str(denial)) from denial
    parsed = parse_reference(reference)
    params = [
        ("container", container),
        ("repo", parsed.name),
        ("tag", parsed.tag or "latest"),
        ("comment", str(job.spec.get("message", ""))),
        ("author", str(job.spec.get("author", ""))),
        ("pause", "1" if job.spec.get("pause") else "0"),
        *(("changes", str(line)) for line in job.spec.get("changes", [])),
    ]
    await job.log.write(f"Committing {container[:12]} as {reference}")
    made = text(
        table(await job.engine.json("POST", "/commit", params=params, body={}, seconds=_COMMIT_SECONDS)).get("Id")
    )
    found = table(await job.engine.json("GET", f"/images/{reference}/json"))
    if not made or text(found.get("Id")) != made:
        raise OperationFailed(f"The engine made an image, but {reference} is another one. Somebody may have moved it.")
    await job.log.write(f"Image {made}")
    return {"reference": reference, "image": made}


async def _as_typed(job: Job, inspect: Mapping[str, Any]) -> ContainerSpec:
    """The container without what its own image gives, so that a newer one may give something else."""
    return subtracted(from_inspect(inspect), await image_of(job, text(inspect.get("Image"))))


async def _as_seen(job: Job, container: str) -> Mapping[str, Any]:
    """Its inspect. Raises OperationFailed when it is another one than its starter looked at, and EngineError."""
    inspect = await inspected(job, container)
    if edition(inspect) != job.spec["seen"]:
        raise OperationFailed("Somebody changed this container since you looked at it. Nothing was done: look again.")
    return inspect


def _require_alone(job: Job, *containers: str) -> None:
    """Raises OperationFailed when another operation replaces one of them, or returns to it.

    Each is RUNNING, for all to see, before it asks: of two at once one sees the other at least, maybe each the other.
    """
    other = replacing(*containers).exclude(pk=job.id).first()
    if other is not None:
        raise OperationFailed(f"{other.created_by_name} is replacing this container just now. Nothing was done.")


def _operation_of(job: Job) -> UUID:
    return UUID(str(job.spec["operation"]))


def _replaced(job: Job) -> Replaced:
    operation = Operation.objects.filter(pk=_operation_of(job), kind="container.recreate").first()
    was = Replaced.noted(operation.progress) if operation else None
    if was is None or operation is None:
        raise OperationFailed("That operation had replaced nothing yet.")
    if not operation.is_over:
        raise OperationFailed("That operation still runs: cancel it, and it returns by itself.")
    return was
