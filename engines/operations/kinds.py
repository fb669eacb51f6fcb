"""What kinds of operation exist: the one table from kind to label, permission and function."""

from dataclasses import dataclass

from engines.permissions import Permission


@dataclass(frozen=True)
class Kind:
    """`function` is the dotted path of `async def f(job: Job) -> dict`, resolved by the worker only."""

    label: str
    permission: Permission
    function: str


KINDS: dict[str, Kind] = {
    "image.build": Kind("Build", Permission.IMAGE_BUILD, "engines.builds.work.build"),
    "image.pull": Kind("Pull", Permission.IMAGE_PULL, "engines.images.work.pull"),
}
