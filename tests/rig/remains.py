"""What a run leaves behind when it is killed outright, and how the next one removes it."""

import contextlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWNER = "owner"


def private_directory(name: str) -> Path:
    """A new directory in /tmp that `sweep` removes once this process is gone.

    Short, and not where TMPDIR says: a unix socket's path has at most 107 bytes.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"rig-{name}-", dir="/tmp"))
    (directory / _OWNER).write_text(f"{os.getpid()} {_started(os.getpid())}")
    return directory


@cache
def sweep() -> None:
    """Remove the directories and control groups of runs that are gone. Once per process."""
    for owner in Path("/tmp").glob(f"rig-*/{_OWNER}"):
        with contextlib.suppress(OSError, ValueError):
            pid, started = owner.read_text().split()
            if _started(int(pid)) != started:
                thaw(owner.parent)
                remove_groups(owner.parent)
                _remove(owner)


def _remove(owner: Path) -> None:
    # The owner's file last: what is cut off in between, or fails, is found again by the next run.
    for path in owner.parent.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != owner:
            path.unlink()
    shutil.rmtree(owner.parent)


def thaw(directory: Path) -> None:
    """Let paused containers of the cell at `directory` go on: frozen processes cannot be killed, and would keep
    their namespaces alive for ever.
    """
    for name, state in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
        for group in _groups(directory):
            with contextlib.suppress(OSError):
                (group / name).write_text(state)


def remove_groups(directory: Path) -> None:
    """Remove the empty control groups of the cell at `directory`."""
    for group in sorted(_groups(directory), reverse=True):
        with contextlib.suppress(OSError):
            group.rmdir()


def _groups(directory: Path) -> list[Path]:
    """The control groups of the cell at `directory`, those inside them included.

    Other cells' groups come and go meanwhile: os.walk passes over what vanishes, a glob would not.
    """
    mark = f"{directory.name}-"
    walked = (Path(path) for path, _, _ in os.walk(_CGROUPS))
    return [path for path in walked if any(part.startswith(mark) for part in path.parts)]


def _started(pid: int) -> str:
    """When `pid` began, in the kernel's ticks; empty when it is gone or dead."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]
