"""A pull as part of an operation: POST /images/create, its layers told as progress, the image looked at afterwards.

Below the pages: both a pull by itself and the making of a container bring images.
"""

from dataclasses import dataclass
from typing import Any

from engines.client.errors import EngineReplied
from engines.client.ids import parse_reference
from engines.client.stream import messages
from engines.operations.job import Job, OperationFailed

#: X-Registry-Auth of `{}`: without the header an engine may use a login of its own.
NO_LOGIN = {"X-Registry-Auth": "e30="}
#: Layers shown; the rest is told in the log alone. An image has 127 at most, so more come from no honest engine.
_MOST_LAYERS = 256
_ID_CHARACTERS = 64
_REASON_CHARACTERS = 500
#: What the engine says of a layer, and the state shown for it.
_STATES = {
    "Pulling fs layer": "waiting",
    "Waiting": "waiting",
    "Downloading": "running",
    "Verifying Checksum": "running",
    "Download complete": "running",
    "Extracting": "running",
    "Pull complete": "done",
    "Already exists": "cached",
}


@dataclass
class Layer:
    """One layer as the page shows it; `current` and `total` are bytes downloaded, then extracted."""

    id: str
    name: str = ""
    state: str = "waiting"
    current: int = 0
    total: int = 0


async def pulled(job: Job, reference: str, platform: str = "") -> dict[str, Any]:
    """Pull `reference`. The result: {"reference", "image": id, "status": the engine's last word}.

    Raises OperationFailed and EngineError.
    """
    parsed = parse_reference(reference)
    layers: dict[str, Layer] = {}
    status = ""
    params = {"fromImage": parsed.name, "tag": parsed.digest or parsed.tag or "latest"}
    params |= {"platform": platform} if platform else {}
    try:
        async with job.engine.request("POST", "/images/create", params=params, headers=NO_LOGIN) as response:
            async for message in messages(response):
                if "error" in message:
                    raise await _refused(job, reference, str(message["error"]))
                status = await _hear(job, layers, message) or status
    except EngineReplied as refusal:
        raise await _refused(job, reference, refusal.reason) from refusal
    if not status.startswith("Status: "):
        raise OperationFailed("The engine's answer ended before the pull did. Look at the engine, then run it again.")
    return {"reference": reference, "image": await _image(job, reference), "status": status.removeprefix("Status: ")}


async def _hear(job: Job, layers: dict[str, Layer], message: dict[str, Any]) -> str:
    """Take one message; the text of a final `Status: …` line, or empty."""
    status, layer_id = str(message.get("status") or ""), str(message.get("id") or "")[:_ID_CHARACTERS]
    state = _STATES.get(status)
    if not layer_id or state is None or (layer_id not in layers and len(layers) >= _MOST_LAYERS):
        await job.log.write(f"{layer_id}: {status}" if layer_id else status)
        return status if status.startswith("Status: ") else ""
    layer = layers.setdefault(layer_id, Layer(layer_id))
    if layer.name != status and status not in {"Downloading", "Extracting", "Waiting"}:
        await job.log.write(f"{layer_id}: {status}")
    layer.name, layer.state = status, state
    detail = message.get("progressDetail")
    if isinstance(detail, dict):
        layer.current, layer.total = _number(detail.get("current")), _number(detail.get("total")) or layer.total
    if state in {"done", "cached"}:
        layer.current = layer.total
    job.log.progress(_progress(list(layers.values())))
    return ""


def _progress(layers: list[Layer]) -> dict[str, Any]:
    over = sum(layer.state in {"done", "cached"} for layer in layers)
    return {"unit": "bytes", "current": over, "total": len(layers), "items": [vars(layer) for layer in layers]}


async def _image(job: Job, reference: str) -> str:
    try:
        found = await job.engine.json("GET", f"/images/{reference}/json")
    except EngineReplied as refusal:
        raise OperationFailed(f"The engine reported success, but has no image {reference}.") from refusal
    return str(found.get("Id")) if isinstance(found, dict) else ""


async def _refused(job: Job, reference: str, reason: str) -> OperationFailed:
    """The failure with the engine's words, which the log keeps as well: nothing else may be in it."""
    await job.log.write(reason)
    return OperationFailed(f"{reference} was not pulled: {reason[:_REASON_CHARACTERS]}")


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0
