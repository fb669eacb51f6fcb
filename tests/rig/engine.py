"""A Docker Engine in a cell, reached over its unix socket."""

import http.client
import os
import shlex
import signal
import socket
import time

from tests.rig.cell import Cell


class RigEngine:
    """dockerd in `cell`; `socket` is its path outside and inside alike."""

    def __init__(self, cell: Cell, name: str = "e", *flags: str) -> None:
        self._cell = cell
        self._directory = cell.directory / name
        self._directory.mkdir()
        (self._directory / "daemon.json").write_text("{}")
        self._flags = flags
        self.socket = self._directory / "d.sock"
        self.pid = 0

    def start(self, timeout: float = 30) -> None:
        """Start dockerd and wait until it answers. Raises TimeoutError with the end of its log."""
        # In the background of a shell that exits, so that the cell's init becomes the parent and nsenter is gone.
        inner = self._cell.shell(f"{shlex.join(self._argv())} >>{self._directory}/log 2>&1 </dev/null & echo $!")
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.pid = self.pid or self._cell.process(int(inner)) or 0
            if self.pid and self.answers():
                return
            time.sleep(0.02)
        raise TimeoutError((self._directory / "log").read_text()[-2000:])

    def answers(self) -> bool:
        """Whether GET /_ping gives 200 within two seconds."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(2)
        try:
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def suspend(self) -> None:
        """Hang: connections are still accepted, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _argv(self) -> list[str]:
        directory = self._directory
        return [
            *("dockerd", "--config-file", f"{directory}/daemon.json", "--data-root", f"{directory}/data"),
            *("--exec-root", f"{directory}/x", "--pidfile", f"{directory}/pid", "-H", f"unix://{self.socket}"),
            *("--storage-driver", "overlay2", "--cgroup-parent", f"/rig-{self._cell.name}-e", *self._flags),
        ]
