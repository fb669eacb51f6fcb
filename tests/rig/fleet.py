"""A fleet for demonstrations: three private engines with sample containers in them, and a registry they share."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from engines.client.connect import Client, connect
from engines.client.endpoint import Endpoint
from engines.client.errors import translated
from tests.rig.hosts import Host, host
from tests.rig.images import BASE, build_samples
from tests.rig.registry import Registry
from tests.rig.remains import private_directory

#: Engine -> its sample containers: name -> (image, what is done after the start).
_CONTAINERS = {
    "unix": {"harbour-log": ("logger", ""), "harbour-web": ("web", ""), "harbour-idle": ("sleeper", "pause")},
    "tls": {"quay-web": ("web", ""), "quay-sick": ("unhealthy", ""), "quay-crash": ("crash", "wait")},
    "ssh": {"pier-log": ("logger", ""), "pier-idle": ("sleeper", "stop")},
}
_REGISTRY_IMAGE = "demo/web"


@dataclass(frozen=True)
class Member:
    """One engine of the fleet. `url` and the PEM texts of `endpoint` are what the registration form takes."""

    name: str
    url: str
    endpoint: Endpoint
    host: Host


class Fleet:
    """Use as a context manager, in the main thread: leaving it, or killing this process, removes everything.

    `run_dir` is private to the caller and short; `members` and `registry` are there once it is entered.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._stack = ExitStack()
        self.members: list[Member] = []
        self.registry = ""

    def __enter__(self) -> "Fleet":
        try:
            self.registry = self._start_registry()
            for kind, containers in _CONTAINERS.items():
                made = self._stack.enter_context(host(kind, self._run_dir, name=f"demo-{kind}"))
                self.members.append(Member(f"demo-{kind}", str(made.endpoint.address), made.endpoint, made))
                _fill(connect(made.endpoint, timeout=60), containers)
            self._push(connect(self.members[0].endpoint, timeout=60))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def describe(self) -> str:
        """A few lines for a person: addresses, and where `save` puts the key material."""
        lines = [f"{member.name:<10} {member.url}" for member in self.members]
        return "\n".join([*lines, f"registry   {self.registry} (holds {_REGISTRY_IMAGE}:1)"])

    def save(self, directory: Path) -> list[Path]:
        """Write the key material as files of mode 0600 into `directory`, for pasting into the form; their paths."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        texts = {}
        for member in self.members:
            if tls := member.endpoint.tls:
                texts |= {"ca.pem": tls.ca, "cert.pem": tls.cert, "key.pem": tls.key}
            if ssh := member.endpoint.ssh:
                texts |= {"ssh_key": ssh.key, "ssh_host_key": ssh.host_key + "\n"}
        for name, text in texts.items():
            with os.fdopen(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
        return [directory / name for name in texts]

    def _start_registry(self) -> str:
        directory = private_directory("registry")
        self._stack.callback(shutil.rmtree, directory)
        return self._stack.enter_context(Registry(directory)).host

    def _push(self, client: Client) -> None:
        with translated(client.timeout):
            for source, name in ((BASE, "demo/busybox"), ("web:latest", _REGISTRY_IMAGE)):
                client.tag(source, f"{self.registry}/{name}", "1")
                client.push(f"{self.registry}/{name}", "1", auth_config={})
                client.remove_image(f"{self.registry}/{name}:1")


def _fill(client: Client, containers: dict[str, tuple[str, str]]) -> None:
    build_samples(client)
    with translated(client.timeout):
        for name, (image, then) in containers.items():
            made = client.create_container(image, name=name)["Id"]
            client.start(made)
            if then == "pause":
                client.pause(made)
            if then == "stop":
                client.stop(made)
            if then == "wait":
                client.wait(made)
