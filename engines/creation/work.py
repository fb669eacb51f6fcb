"""The work of `container.create`."""

from typing import Any

from engines.client.errors import EngineReplied
from engines.client.fields import text
from engines.creation.making import Request, bring, discard, inspected, judged_again, make
from engines.operations.job import Job, OperationFailed
from engines.operations.starter import starter
from engines.spec.body import body, later_joins, query
from engines.spec.stored import restored

_START_SECONDS = 60


async def create(job: Job) -> dict[str, Any]:
    """The container `spec["container"]`, its image pulled first as `spec["pull"]` says, started if `spec["start"]`.

    The result: {"container": id, "name"}. Raises OperationFailed and EngineError; nothing is left behind then.
    """
    user, engine = await starter(job)
    spec = restored(job.spec["container"])
    await bring(job, user, engine, spec, str(job.spec["pull"]))
    judged = await judged_again(user, engine, spec)
    await job.log.write(f"Creating {spec.name or 'a container'} of {spec.image}")
    version = engine.api_version
    asked = Request(judged, body(judged.spec, version), query(judged.spec), later_joins(judged.spec, version))
    made = await make(job, engine, asked)
    try:
        if job.spec["start"]:
            await job.engine.post(f"/containers/{made}/start", seconds=_START_SECONDS)
            await job.log.write(f"Started {made[:12]}")
        inspect = await inspected(job, made)
    except EngineReplied as refusal:
        await discard(job, made)
        raise OperationFailed(f"It was made but could not be started, and was removed: {refusal.reason}") from refusal
    except BaseException:
        await discard(job, made)
        raise
    return {"container": made, "name": text(inspect.get("Name")).removeprefix("/")}
