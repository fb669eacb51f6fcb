"""A certificate authority for one TLS engine, with every certificate that is right or wrong for it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme

from engines.client.endpoint import TlsMaterial


@dataclass(frozen=True)
class Issued:
    """PEM texts of a certificate and its key."""

    cert: str
    key: str


class Authority:
    """Issues certificates; each instance is another CA."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.pem = self._ca.cert_pem.bytes().decode()

    def issue(self, *names: str, not_after: datetime | None = None) -> Issued:
        """A certificate for host names or addresses, good for servers and clients."""
        made = self._ca.issue_cert(*names, not_after=not_after)
        chain = "".join(part.bytes().decode() for part in made.cert_chain_pems)
        return Issued(chain, made.private_key_pem.bytes().decode())

    def client_material(self) -> TlsMaterial:
        """What the console needs for an engine whose certificate is of this CA and that trusts it."""
        issued = self.issue("console@example.org")
        return TlsMaterial(ca=self.pem, cert=issued.cert, key=issued.key)

    def server_flags(self, directory: Path, address: str) -> list[str]:
        """dockerd's flags for mutual TLS at `address`; writes the files they name."""
        issued = self.issue(address)
        for name, text in (("ca.pem", self.pem), ("cert.pem", issued.cert), ("key.pem", issued.key)):
            (directory / name).write_text(text)
        return [
            *("-H", f"tcp://{address}:2376", "--tlsverify", "--tlscacert", f"{directory}/ca.pem"),
            *("--tlscert", f"{directory}/cert.pem", "--tlskey", f"{directory}/key.pem"),
        ]
