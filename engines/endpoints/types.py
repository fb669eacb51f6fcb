"""What the endpoint pages work with."""

from dataclasses import dataclass, field
from datetime import datetime

from engines.client.probe import Probe

TLS_FIELDS = ("tls_ca", "tls_cert", "tls_key")
#: The form fields of key material, under the names they have in the table.
MATERIAL_FIELDS = (*TLS_FIELDS, "ssh_key")
#: Which of them each kind of address uses.
FIELDS_OF_SCHEME: dict[str, tuple[str, ...]] = {"unix": (), "tcp": TLS_FIELDS, "ssh": ("ssh_key",)}


@dataclass(frozen=True)
class Registration:
    """An engine as it shall be stored: valid, `url` in its canonical spelling, unused key material empty."""

    name: str
    slug: str
    url: str
    tags: tuple[str, ...] = ()
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = field(default="", repr=False)
    ssh_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class HostKey:
    """A key of an SSH host: `line` is `<type> <base64>`, `fingerprint` starts with `SHA256:`."""

    line: str
    fingerprint: str

    @property
    def kind(self) -> str:
        """`ED25519`, `RSA` or `ECDSA`, as ssh-keygen calls it."""
        return self.line.partition(" ")[0].removeprefix("ssh-").partition("-")[0].upper()


@dataclass(frozen=True)
class Contact:
    """One try to reach an engine: `probe` when it answered, else `sentence`, `advice` and the fault's `code`.

    `host_keys` are those an SSH host shows now, when they are not confirmed yet or not those confirmed.
    """

    probe: Probe | None = None
    sentence: str = ""
    advice: str = ""
    code: str = ""
    host_keys: tuple[HostKey, ...] = ()

    @property
    def shown(self) -> str:
        """The fingerprints as one text: what a person confirms."""
        return " ".join(key.fingerprint for key in self.host_keys)


@dataclass(frozen=True)
class Certificate:
    """When the first certificate of a stored PEM text expires; `tone` says whether that needs somebody."""

    label: str
    until: datetime
    tone: str
