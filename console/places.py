"""Directories of this installation: private ones, made on first use."""

import hashlib
import os
import stat
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

#: A unix socket's path has at most 107 bytes; names below the run directory need up to 46 of them.
LONGEST_RUN_DIR = 60


def private(path: Path) -> Path:
    """`path`, made with mode 0700 if missing. Raises ImproperlyConfigured when it is another user's or open to all."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = path.stat(follow_symlinks=False)
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: cannot make this directory: {error.strerror}") from error
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o002:
        raise ImproperlyConfigured(f"{path}: not a directory of this user alone; move it away or name another place")
    return path


def run_directory(data: Path) -> Path:
    """Where sockets live: below `data`, or below /tmp when that path would be too long for a unix socket."""
    path = data / "run"
    if len(os.fsencode(path)) <= LONGEST_RUN_DIR:
        return private(path)
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return private(Path("/tmp") / f"pilothouse-{digest}")  # noqa: S108 (owner and mode are checked)
