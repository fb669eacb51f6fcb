"""A host with one engine in it, of each kind: how it is reached, and the engine to be tormented."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines.client.connect import connect, get_json, negotiate
from engines.client.endpoint import Address, Endpoint, SshMaterial, TlsMaterial
from tests.rig.cell import HOST, Cell
from tests.rig.certs import Authority
from tests.rig.engine import RigEngine
from tests.rig.images import import_base
from tests.rig.sshd import Sshd

KINDS = ("unix", "tls", "ssh", "plain")


@dataclass(frozen=True)
class Host:
    """`authority` is the CA of a TLS engine, `ip` the cell's address as seen from this machine."""

    endpoint: Endpoint
    engine: RigEngine
    cell: Cell
    ip: str
    authority: Authority | None = None


@contextmanager
def host(kind: str, run_dir: Path, name: str = "") -> Iterator[Host]:
    """A running engine of one of KINDS that holds busybox:local. Raises TimeoutError when it does not come up."""
    with Cell(name or kind) as cell:
        ip = cell.plug()
        authority = Authority() if kind == "tls" else None
        engine = RigEngine(cell, "e", *_flags(kind, cell, ip, authority))
        address, tls, ssh = Address("unix", path=str(engine.socket)), None, None
        if kind == "ssh":
            address, ssh = _ssh(cell, ip, engine)
        if kind in {"tls", "plain"}:
            address = Address("tcp", host=ip, port=2376 if authority else 2375)
            tls = authority.client_material() if authority else None
        engine.start()
        yield Host(_agreed(address, run_dir, tls, ssh), engine, cell, ip, authority)


def _flags(kind: str, cell: Cell, ip: str, authority: Authority | None) -> list[str]:
    registry = ["--insecure-registry", f"{HOST}/32"]
    if authority:
        return registry + authority.server_flags(cell.directory, ip)
    # Said outright, or dockerd waits for 15 s to make its point.
    return registry + (["-H", f"tcp://{ip}:2375", "--tls=false"] if kind == "plain" else [])


def _ssh(cell: Cell, ip: str, engine: RigEngine) -> tuple[Address, SshMaterial]:
    sshd = Sshd(cell, ip, engine.socket)
    sshd.start()
    return sshd.address, sshd.material


def _agreed(address: Address, run_dir: Path, tls: TlsMaterial | None, ssh: SshMaterial | None) -> Endpoint:
    def at(version: str) -> Endpoint:
        return Endpoint(address.scheme + "-" + address.host, address, version, run_dir, tls, ssh)

    endpoint = at(negotiate(get_json(connect(at("")), "/version")))
    import_base(connect(endpoint, timeout=60))
    return endpoint
