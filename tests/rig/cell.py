"""A cell: mount, network, pid and host-name namespaces held by one process. Killing that process removes all in it."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

_NEEDED = ("unshare", "nsenter", "tini", "dockerd", "ip")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def missing() -> list[str]:
    """What this machine lacks for private engines; empty when they can run."""
    lacks = [name for name in _NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0:
        lacks.append("root")
    return lacks


class Cell:
    """Namespaces and a short-named directory. Use as a context manager, in the main thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        # In /tmp and short: a unix socket's path has at most 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix=f"rig-{name}-", dir="/tmp"))
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
            + ["--", "tini", "--", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        self.init = self._wait_for_init()
        # An own /run/containerd hides the system's containerd; an own /etc/docker gives an engine ID of its own.
        self.shell(
            "mkdir -p /run/containerd /etc/docker && mount -t tmpfs tmpfs /run/containerd"
            f" && mount -t tmpfs tmpfs /etc/docker && hostname {name} && ip link set lo up"
        )

    def __enter__(self) -> "Cell":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def shell(self, command: str) -> str:
        """Run `command` inside; its standard output. Raises CalledProcessError."""
        argv = ["nsenter", "-t", str(self.init), "-m", "-n", "-u", "-p", "--", "sh", "-c", command]
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout

    def process(self, inner_pid: int) -> int | None:
        """The pid outside of a child of the cell's init, given its pid inside."""
        return next((pid for pid in children(self.init) if _innermost_pid(pid) == inner_pid), None)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.init, signal.SIGKILL)
        self._holder.wait(10)
        for top in Path("/sys/fs/cgroup").glob(f"**/rig-{self.name}-*"):
            for group in sorted([top, *(path for path in top.rglob("*") if path.is_dir())], reverse=True):
                with contextlib.suppress(OSError):
                    group.rmdir()
        shutil.rmtree(self.directory)

    def _wait_for_init(self) -> int:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            # The name changes from unshare to tini once the namespaces are complete.
            for pid in children(self._holder.pid):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "tini":
                    return pid
            time.sleep(0.005)
        raise TimeoutError("the cell's init did not start")


def children(pid: int) -> list[int]:
    """Pids of the children of `pid`; none when it has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _innermost_pid(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return None


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
