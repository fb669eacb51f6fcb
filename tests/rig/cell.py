"""A cell: mount, network, pid and host-name namespaces held by one process. Killing that process removes all in it."""

import contextlib
import ctypes
import itertools
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path

from tests.rig.remains import private_directory, remove_groups, sweep, thaw

#: An address of this machine that every plugged cell can reach; see `own_host_address`.
HOST = "10.231.255.1"
_NEEDED = ("unshare", "nsenter", "tini", "dockerd", "ip", "busybox", "sshd", "ssh", "docker-registry")
# A user's PATH may lack the folders where Debian puts daemons.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def missing() -> list[str]:
    """What this machine lacks for private engines; empty when they can run."""
    lacks = [name for name in _NEEDED if shutil.which(name, path=_PATH) is None]
    if os.geteuid() != 0:
        lacks.append("root")
    return lacks


def own_host_address() -> None:
    """Give this machine the address HOST, once; it stays, and nothing outside the machine can reach it."""
    subprocess.run(["ip", "addr", "replace", f"{HOST}/32", "dev", "lo"], check=True, timeout=30)


class Cell:
    """Namespaces and a short-named directory. Use as a context manager, in the main thread.

    If this process is killed outright the kernel ends it all; what then is left goes when the next cell is made.
    """

    def __init__(self, name: str) -> None:
        sweep()
        self.name = name
        self.directory = private_directory(name)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
            + ["--", "tini", "--", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,
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

    def spawn(self, argv: list[str], log: Path) -> int:
        """Run `argv` inside, in the background, until the cell closes; its pid outside. Output goes to `log`."""
        # From a shell that exits, so that the cell's init becomes the parent and no nsenter is left waiting.
        inner = int(self.shell(f"{shlex.join(argv)} >>{log} 2>&1 </dev/null & echo $!"))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for pid in children(self.init):
                if _innermost_pid(pid) == inner:
                    return pid
            time.sleep(0.005)
        raise TimeoutError(f"{argv[0]} did not start: {log.read_text()[-2000:]}")

    def plug(self) -> str:
        """Join the cell to this machine; its address inside, which this machine reaches.

        The cell gets no default route, so that look-ups in it fail at once instead of hanging.
        """
        switch = _switch()
        inside = switch.connect(self)
        self.shell(
            f"ip addr add {inside}/24 dev eth0 && ip link set eth0 up && ip route add {HOST}/32 via {switch.outside}"
        )
        return inside

    def close(self) -> None:
        thaw(self.directory)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.init, signal.SIGKILL)
        self._holder.wait(10)
        remove_groups(self.directory)
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


class _Switch:
    """The one cable between this machine and all cells of this process, and the switch at its far end.

    Each new address of a machine makes browsers drop what they are loading: the machine gets one, at the beginning.
    """

    def __init__(self) -> None:
        # Other test runs on this machine have switches as well: the name decides who has which addresses.
        for number in (secrets.randbelow(255) for _ in range(100)):
            cable = f"rig{number}"
            made = subprocess.run(
                f"ip link add {cable} type veth peer name {cable}c".split(), capture_output=True, timeout=30
            )
            if made.returncode == 0:
                break
        else:
            raise OSError(f"no cable could be made: {made.stderr.decode()}")
        self._net, self._plugs = f"10.231.{number}", itertools.count(2)
        self.outside = f"{self._net}.1"
        self._cell = Cell("switch")
        for command in (
            f"ip link set {cable}c netns {self._cell.init}",
            f"ip link set {cable} addrgenmode none",
            f"ip addr add {self.outside}/24 dev {cable}",
            f"ip link set {cable} up",
        ):
            subprocess.run(command.split(), check=True, timeout=30)
        self._cell.shell(
            f"ip link add switch type bridge && ip link set {cable}c master switch && ip link set switch up"
            f" && ip link set {cable}c up"
        )

    def connect(self, cell: Cell) -> str:
        """Give `cell` an eth0; the address it is to have."""
        plug = next(self._plugs)
        if plug > 254:
            raise OSError("this process has had as many cells as its switch has addresses")
        # Of the switch's network, but with process ids as this machine has them.
        enter = ["nsenter", "-t", str(self._cell.init), "-n", "--"]
        for command in (
            f"ip link add plug{plug} type veth peer name eth0 netns {cell.init}",
            f"ip link set plug{plug} master switch",
            f"ip link set plug{plug} up",
        ):
            subprocess.run(enter + command.split(), check=True, timeout=30)
        return f"{self._net}.{plug}"


@cache
def _switch() -> _Switch:
    return _Switch()


def prepare() -> None:
    """Make the cable of this process now, before a browser loads anything."""
    _switch()


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


def die_with_parent() -> None:
    """For preexec_fn: the kernel kills the child when the thread that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
