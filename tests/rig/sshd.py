"""An SSH server in a cell, in front of the engine there."""

import socket
import subprocess
import time
from pathlib import Path

from engines.client.endpoint import Address, SshMaterial
from tests.rig.cell import Cell

_CONFIG = """\
Port 22
HostKey {directory}/host
PidFile none
AuthorizedKeysFile {directory}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""


def key_pair(path: Path) -> tuple[str, str]:
    """A new ed25519 pair in `path` and `path`.pub: the private key, and the public one as `<type> <base64>`."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True, timeout=30)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


class Sshd:
    """`address` and `material` lead root to /var/run/docker.sock of the cell, which is made to be `engine_socket`."""

    def __init__(self, cell: Cell, host: str, engine_socket: Path) -> None:
        self._cell = cell
        self._directory = cell.directory / "ssh"
        self._directory.mkdir()
        self.address = Address("ssh", host=host, port=22, user="root")
        user_key, _ = key_pair(self._directory / "user")
        _, host_key = key_pair(self._directory / "host")
        self.material = SshMaterial(key=user_key, host_key=host_key)
        (self._directory / "config").write_text(_CONFIG.format(directory=self._directory))
        # An own /run: the machine's may lack /run/sshd, and may hold a docker.sock that is not ours.
        cell.shell(
            f"mount -t tmpfs tmpfs /run && mkdir -p /run/sshd /run/containerd && ln -s {engine_socket} /run/docker.sock"
        )

    def start(self) -> None:
        argv = ["/usr/sbin/sshd", "-D", "-e", "-f", f"{self._directory}/config"]
        self._cell.spawn(argv, self._directory / "log")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with socket.create_connection((self.address.host, self.address.port), 1):
                    return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError((self._directory / "log").read_text()[-2000:])
