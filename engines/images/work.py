"""The work of `image.pull`."""

from typing import Any

from engines.operations.job import Job
from engines.operations.pulling import pulled


async def pull(job: Job) -> dict[str, Any]:
    """Pull `spec["reference"]`. The result: {"reference", "image": id, "status": the engine's last word}.

    Raises OperationFailed and EngineError.
    """
    return await pulled(job, str(job.spec["reference"]))
