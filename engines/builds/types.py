"""The typed input of a build, as the form makes it and the operation keeps it."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

BUILDERS = ("auto", "buildkit", "classic")


@dataclass(frozen=True)
class BuildSpec:
    """`context` names a file of the spool: a clean tar. `dockerfile` is the path inside it."""

    context: str
    dockerfile: str = "Dockerfile"
    tags: list[str] = field(default_factory=list)
    build_args: dict[str, str] = field(default_factory=dict)
    target: str = ""
    no_cache: bool = False
    pull: bool = False
    builder: str = "auto"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, spec: dict[str, Any]) -> Self:
        return cls(**spec)
