"""A Docker Engine in a cell, reached over its unix socket, and over TCP with or without TLS when asked."""

import contextlib
import http.client
import os
import signal
import socket
import time
from pathlib import Path

from tests.rig.cell import Cell


class RigEngine:
    """dockerd in `cell`; `socket` is its path outside and inside alike. Flags are dockerd's."""

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
        self.pid = self._cell.spawn(self._argv(), self._directory / "log")
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.alive():
            if self.answers():
                return
            time.sleep(0.02)
        raise TimeoutError((self._directory / "log").read_text()[-2000:])

    def stop(self, timeout: float = 30) -> None:
        """End it as a service manager does: SIGTERM, and wait."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """Crash: SIGKILL. Its containers' processes live on until the next start."""
        self._end(signal.SIGKILL, 10)

    def restart(self) -> None:
        self.stop()
        self.start()

    def alive(self) -> bool:
        """Whether its process runs, hanging or not."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
        except OSError:
            return False

    def answers(self) -> bool:
        """Whether GET /_ping gives 200 within two seconds."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(2)
        try:
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def suspend(self) -> None:
        """Hang: connections are still accepted, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        return (self._directory / "log").read_text()

    def _end(self, number: signal.Signals, timeout: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        deadline = time.monotonic() + timeout
        # Until it is reaped: a zombie's other threads may still hold its sockets open.
        while Path(f"/proc/{self.pid}").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("dockerd did not end")
            time.sleep(0.01)

    def _argv(self) -> list[str]:
        directory = self._directory
        return [
            *("dockerd", "--config-file", f"{directory}/daemon.json", "--data-root", f"{directory}/data"),
            *("--exec-root", f"{directory}/x", "--pidfile", f"{directory}/pid", "-H", f"unix://{self.socket}"),
            *("--storage-driver", "overlay2", "--cgroup-parent", f"/{self._cell.directory.name}-e", *self._flags),
        ]
