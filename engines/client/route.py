"""The way to an engine, for the SDK and for the async client alike: a URL, and a socket or TLS context where needed."""

from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext

from engines.client.endpoint import Address, Endpoint
from engines.client.errors import EngineError, describe, fault
from engines.client.ssh import forward
from engines.client.tls import client_context


@dataclass(frozen=True)
class Route:
    """`base_url` has no trailing slash and no API version. `unix_socket` is connected to instead of its host."""

    base_url: str
    unix_socket: Path | None = None
    ssl: SSLContext | None = None
    through_ssh: bool = False

    def told(self, error: BaseException, timeout: float) -> EngineError:
        """What `error` is about, which came before any reply. `timeout` in seconds, for the sentence."""
        cause = describe(error, timeout)
        # Through SSH the local socket always answers; what lies behind shows only as a connection that ends.
        return fault("ssh-socket") if self.through_ssh and cause.code == "cut" else cause


def route(endpoint: Endpoint) -> Route:
    """How to reach `endpoint`. Blocks, up to 10 s, while a way through SSH is opened; raises EngineError."""
    address = endpoint.address
    if address.scheme == "unix":
        return Route("http://localhost", unix_socket=Path(address.path))
    if address.scheme == "ssh":
        return Route("http://localhost", unix_socket=forward(endpoint), through_ssh=True)
    if endpoint.tls is None:
        return Route(f"http://{_authority(address)}")
    return Route(f"https://{_authority(address)}", ssl=client_context(endpoint.tls))


def _authority(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
