"""What kinds of operation exist: the one table from kind to label, permission and function."""

from dataclasses import dataclass
from typing import Any

from engines.permissions import Permission


@dataclass(frozen=True)
class Kind:
    """`function` is the dotted path of `async def f(job: Job) -> dict`, resolved by the worker only.

    `audited` names the fields of the spec that the audit trail may keep, `sealed` those that are sealed at rest.
    """

    label: str
    permission: Permission
    function: str
    audited: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()

    def told(self, spec: dict[str, Any]) -> dict[str, Any]:
        """What the audit trail keeps of `spec`."""
        return {name: spec[name] for name in self.audited if spec.get(name)}


KINDS: dict[str, Kind] = {
    "image.build": Kind(
        "Build",
        Permission.IMAGE_BUILD,
        "engines.builds.work.build",
        audited=("tags", "target", "dockerfile"),
        sealed=("build_args",),
    ),
    "container.create": Kind(
        "Create a container",
        Permission.CONTAINER_CREATE,
        "engines.creation.work.create",
        audited=("image", "name", "started", "pull", "mounts", "beyond", "reaches"),
        sealed=("container",),
    ),
    "container.recreate": Kind(
        "Replace a container",
        Permission.CONTAINER_CREATE,
        "engines.changing.work.recreate",
        audited=("container", "image", "name", "started", "pull", "keep", "volumes", "mounts", "beyond", "reaches"),
        sealed=("asked",),
    ),
    "container.return": Kind(
        "Return to a container",
        Permission.CONTAINER_CREATE,
        "engines.changing.work.give_back",
        audited=("container", "name"),
    ),
    "container.commit": Kind(
        "Commit",
        Permission.CONTAINER_COMMIT,
        "engines.changing.work.commit",
        audited=("container", "reference", "pause"),
        sealed=("changes",),
    ),
    "image.pull": Kind("Pull", Permission.IMAGE_PULL, "engines.images.work.pull", audited=("reference", "platform")),
}
