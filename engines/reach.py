"""From a registered engine to a way to talk to it. The only place where a row becomes an Endpoint."""

from django.conf import settings

from engines.client import connect
from engines.client.connect import Client
from engines.client.endpoint import Endpoint, SshMaterial, TlsMaterial, parse
from engines.models import Engine


def endpoint(engine: Engine) -> Endpoint:
    """How to reach `engine`. Until its API version is pinned it is empty, and the engine takes its newest.

    Raises SecretUnreadable when its key material cannot be decrypted.
    """
    address = parse(engine.url)
    tls = TlsMaterial(engine.tls_ca, engine.tls_cert, engine.tls_key) if engine.tls_ca or engine.tls_cert else None
    return Endpoint(
        key=engine.key_id.hex,
        address=address,
        api_version=engine.api_version,
        run_dir=settings.RUN_DIR,
        tls=tls if address.scheme == "tcp" else None,
        ssh=SshMaterial(engine.ssh_key, engine.ssh_host_key) if address.scheme == "ssh" else None,
    )


def client(engine: Engine, timeout: int = 10) -> Client:
    """A docker SDK client of `engine`; sends nothing yet. `timeout` in seconds, per read. Raises EngineError."""
    return connect.connect(endpoint(engine), timeout)
