"""A registry on this machine, which every plugged cell reaches at the address HOST."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import bcrypt

from tests.rig.cell import HOST, die_with_parent, own_host_address
from tests.rig.ports import free_port

_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {directory}/store}}
  delete: {{enabled: true}}
http:
  addr: {host}
  secret: rig
"""
_AUTH = "auth: {{htpasswd: {{realm: rig, path: {directory}/htpasswd}}}}\n"


class Registry:
    """docker-registry, as a context manager; `host` is `address:port`. Asks for a login when `user` is given."""

    def __init__(self, directory: Path, user: str = "", password: str = "") -> None:
        own_host_address()
        self.host = f"{HOST}:{free_port(HOST)}"
        self._directory = directory
        config = _CONFIG.format(directory=directory, host=self.host)
        if user:
            hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()
            (directory / "htpasswd").write_text(f"{user}:{hashed}\n")
            config += _AUTH.format(directory=directory)
        (directory / "config.yml").write_text(config)
        self._log = (directory / "log").open("wb")
        self._process = subprocess.Popen(
            ["docker-registry", "serve", f"{directory}/config.yml"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=die_with_parent,
        )

    def __enter__(self) -> "Registry":
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                # No proxy: the environment's must not see an address of this machine.
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{self.host}/v2/", timeout=2)
                return self
            except urllib.error.HTTPError as error:
                if error.code == 401:
                    return self
                raise
            except OSError:
                time.sleep(0.02)
        self.close()
        raise TimeoutError((self._directory / "log").read_text()[-2000:])

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
