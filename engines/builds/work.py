"""The work of `image.build`: POST /build, its stream told as a log, and the image it claims to have made looked at."""

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from engines.builds import dockerfile
from engines.builds.transcript import BuildKitTranscript, ClassicTranscript, Step, progress_of
from engines.builds.types import BuildSpec
from engines.client.archive import read_text
from engines.client.buildkit.trace import TraceError, decode
from engines.client.errors import EngineError, EngineReplied
from engines.client.stream import messages
from engines.operations.job import Job, OperationFailed

_BLOCK = 1 << 20


async def build(job: Job) -> dict[str, Any]:
    """Build an image. The result: {"image": id, "tags": [...], "builder": "buildkit"|"classic"}.

    Raises OperationFailed (with {"line": n} when the Dockerfile's line is known) and EngineError.
    """
    spec = BuildSpec.from_json(job.spec)
    path = settings.SPOOL_DIR / spec.context
    if not path.is_file():
        raise OperationFailed(
            "The build context is not kept any more: contexts are removed after a week. Upload it again."
        )
    # Used: kept for another week.
    os.utime(path)
    builder = await _builder(job, spec)
    teller = _BuildKit(job, path, spec) if builder == "buildkit" else _Classic(job, path, spec)
    image = await _run(job, spec, path, teller)
    await _check(job, image, spec.tags)
    return {"image": image, "tags": spec.tags, "builder": builder}


async def _builder(job: Job, spec: BuildSpec) -> str:
    """Which builder to use: BuildKit where the engine has it, unless the form says otherwise."""
    if spec.builder != "auto":
        return spec.builder
    headers = await job.engine.ping()
    if headers.get("OSType", "linux") != "linux":
        return "classic"
    # Up to API 1.41 an engine has BuildKit without saying so; later ones say 1 when it is turned off.
    says_classic = headers.get("Builder-Version") == "1" and job.endpoint.api_version != "1.41"
    return "classic" if says_classic else "buildkit"


async def _run(job: Job, spec: BuildSpec, path: Path, teller: "_Teller") -> str:
    params = [*_params(spec), *teller.params.items()]
    try:
        with path.open("rb") as body:
            async with job.engine.request(
                "POST", "/build", params=params, body=_blocks(body), headers={"Content-Type": "application/x-tar"}
            ) as response:
                async for message in messages(response):
                    await teller.hear(message)
    except EngineReplied as refusal:
        raise OperationFailed(refusal.reason) from refusal
    except asyncio.CancelledError:
        # Closing the connection has cancelled the build; BuildKit is told in so many words as well.
        await teller.cancel()
        raise
    return await teller.finish()


def _params(spec: BuildSpec) -> list[tuple[str, str]]:
    # rm and forcerm: no container of a step stays behind, whether it failed or was cancelled.
    params = [("dockerfile", spec.dockerfile), ("rm", "1"), ("forcerm", "1")]
    params += [("t", tag) for tag in spec.tags]
    if spec.build_args:
        params.append(("buildargs", json.dumps(spec.build_args, sort_keys=True)))
    if spec.target:
        params.append(("target", spec.target))
    if spec.no_cache:
        params.append(("nocache", "1"))
    if spec.pull:
        params.append(("pull", "1"))
    return params


async def _blocks(body: Any) -> Any:
    while block := await asyncio.to_thread(body.read, _BLOCK):
        yield block


async def _check(job: Job, image: str, tags: list[str]) -> None:
    """Believe the engine's final word only when the image and each tag are there."""
    for name in [image, *tags]:
        try:
            found = await job.engine.json("GET", f"/images/{name}/json")
        except EngineReplied as refusal:
            raise OperationFailed(f"The engine reported success, but has no image {name}.") from refusal
        if not isinstance(found, dict) or found.get("Id") != image:
            raise OperationFailed(f"The engine reported success, but {name} is another image than the one built.")


class _Teller:
    """What both builders' streams have in common: the image, the error, the log."""

    params: Mapping[str, str] = {}

    def __init__(self, job: Job, path: Path, spec: BuildSpec) -> None:
        self._job = job
        self._path = path
        self._spec = spec
        self._image = ""
        self._error = ""

    async def hear(self, message: dict[str, Any]) -> None:
        """Take one message of the stream."""
        detail = message.get("errorDetail")
        if isinstance(detail, dict) or "error" in message:
            told = detail.get("message") if isinstance(detail, dict) else message.get("error")
            self._error = str(told or message.get("error") or "the engine gave no reason")
        aux = message.get("aux")
        if isinstance(aux, dict) and isinstance(aux.get("ID"), str):
            # The classic builder sends one per stage: the last is the image.
            self._image = aux["ID"]

    async def finish(self) -> str:
        """The image's id. Raises OperationFailed."""
        if self._error:
            await self._job.log.write(f"ERROR: {self._error}")
            raise self._failure()
        if not self._image:
            raise OperationFailed(
                "The engine's answer ended before the build did. Look at the engine, then run it again."
            )
        await self._job.log.write(f"Built {self._image}" + "".join(f"\nTagged {tag}" for tag in self._spec.tags))
        return self._image

    async def cancel(self) -> None:
        """Nothing more to do than closing the connection."""

    def _failed_step(self) -> Step | None:
        return None

    def _line(self, text: str, step: Step) -> int | None:
        raise NotImplementedError

    def _failure(self) -> OperationFailed:
        step = self._failed_step()
        if step is None:
            return OperationFailed(self._error)
        text = read_text(self._path, self._spec.dockerfile)
        line = self._line(text, step) if text is not None else None
        place = f", line {line} of {self._spec.dockerfile}," if line else ""
        return OperationFailed(
            f"Step {step.name}{place} failed: {self._error}", {"line": line, "step": step.id} if line else {}
        )


class _BuildKit(_Teller):
    def __init__(self, job: Job, path: Path, spec: BuildSpec) -> None:
        super().__init__(job, path, spec)
        self.params = {"version": "2", "buildid": job.id.hex}
        self._transcript = BuildKitTranscript()

    async def hear(self, message: dict[str, Any]) -> None:
        await super().hear(message)
        aux = message.get("aux")
        if message.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
            try:
                lines = self._transcript.tell(decode(aux))
            except TraceError as error:
                lines = [f"(The engine sent progress that cannot be read: {error}.)"]
            await self._job.log.write("\n".join(lines))
            self._job.log.progress(progress_of(self._transcript.steps))

    async def cancel(self) -> None:
        with contextlib.suppress(EngineError, asyncio.CancelledError):
            await self._job.engine.post("/build/cancel", params={"id": self._job.id.hex}, seconds=5)

    def _failed_step(self) -> Step | None:
        return self._transcript.failed

    def _line(self, text: str, step: Step) -> int | None:
        return dockerfile.line_of_step(text, step.name)


class _Classic(_Teller):
    def __init__(self, job: Job, path: Path, spec: BuildSpec) -> None:
        super().__init__(job, path, spec)
        self.params = {"version": "1"}
        self._transcript = ClassicTranscript()

    async def hear(self, message: dict[str, Any]) -> None:
        await super().hear(message)
        text = message.get("stream")
        if isinstance(text, str):
            await self._tell(self._transcript.tell(text))
        elif isinstance(message.get("status"), str):
            await self._tell([" ".join(str(message.get(part) or "") for part in ("id", "status")).strip()])

    async def finish(self) -> str:
        await self._tell(self._transcript.end(self._error))
        return await super().finish()

    async def _tell(self, lines: list[str]) -> None:
        await self._job.log.write("\n".join(lines))
        self._job.log.progress(progress_of(self._transcript.steps))

    def _failed_step(self) -> Step | None:
        return self._transcript.failed

    def _line(self, text: str, step: Step) -> int | None:
        return dockerfile.line_of_number(text, step.id)
