"""What a judgement needs to know of the engine, beside the container itself. Asked by `asking`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Facts:
    """Only of the volumes and networks that the container names. Defaults: nothing exists, and nothing is known."""

    # Name -> whether it is of the driver `local` without options, which could name a path of the host or a server.
    volumes: Mapping[str, bool] = field(default_factory=dict, hash=False)
    # Name of a volume -> a container that uses it and that only managers may enter.
    closed: Mapping[str, str] = field(default_factory=dict, hash=False)
    # Name -> driver.
    networks: Mapping[str, str] = field(default_factory=dict, hash=False)
    # Paths of the host that are never to be reached: the engine's and the console's own.
    sensitive: tuple[str, ...] = ()
    default_runtime: str = "runc"
