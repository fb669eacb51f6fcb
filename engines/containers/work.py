"""The work of operations on containers."""

from typing import Any

from django.core.exceptions import PermissionDenied

from engines.client.fields import table, text
from engines.client.ids import parse_reference, require_name
from engines.containers.entry import require_may_enter
from engines.operations.job import Job, OperationFailed
from engines.operations.starter import in_thread, starter
from engines.permissions import Permission
from engines.web.gate import require

#: A container of many gigabytes is copied by the engine before it answers.
_COMMIT_SECONDS = 3600


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
