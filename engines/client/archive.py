"""Reading single files back from the clean contexts that `context` writes."""

import tarfile
from pathlib import Path

from engines.client.context import DOCKERFILE_BYTES


def read_text(path: Path, name: str) -> str | None:
    """The text of regular file `name` in the tar at `path`, at most 1 MiB of it; None when there is none."""
    try:
        with tarfile.open(path, "r:") as archive:
            content = archive.extractfile(name)
            return None if content is None else content.read(DOCKERFILE_BYTES).decode(errors="replace")
    except (tarfile.TarError, KeyError, OSError):
        return None
