"""TLS to an engine: its certificate is always verified, against the given CA alone when one is given."""

import os
import ssl
from datetime import UTC, datetime
from typing import Any

import requests
import urllib3
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from requests.adapters import HTTPAdapter

from engines.client.endpoint import MaterialInvalid, TlsMaterial
from engines.client.errors import fault

_MATERIAL_CHARACTERS = 1 << 16


class TlsAdapter(HTTPAdapter):
    """Connects with the given context and nothing else: requests would add the CAs of certifi to it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: object, proxies: object = None, cert: object = None
    ) -> urllib3.HTTPConnectionPool:
        pool: urllib3.HTTPConnectionPool = self.poolmanager.connection_from_url(request.url)
        return pool

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Nothing is left to set: the context verifies."""


def client_context(material: TlsMaterial) -> ssl.SSLContext:
    """A context that trusts `material.ca` alone, or the system's CAs when it is empty. Raises EngineTlsError."""
    # This protocol verifies certificate and name from the start.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As the docker CLI does: any given certificate is an anchor, be it an intermediate one.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        if material.ca:
            context.load_verify_locations(cadata=material.ca)
        else:
            context.load_default_certs()
        if material.cert:
            _load_identity(context, material)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise fault("tls-material") from error
    return context


def check_material(material: TlsMaterial, now: datetime | None = None) -> None:
    """Raises MaterialInvalid for what could never work, with the form field it is about."""
    now = now or datetime.now(UTC)
    if material.ca:
        for authority in _certificates("tls_ca", material.ca):
            _require_in_time("tls_ca", authority, now)
    if material.cert and not material.key:
        raise MaterialInvalid("tls_key", "Give the private key of the client certificate as well.")
    if material.key and not material.cert:
        raise MaterialInvalid("tls_cert", "Give the certificate that belongs to the private key as well.")
    if material.cert:
        _check_identity(material, now)


def _load_identity(context: ssl.SSLContext, material: TlsMaterial) -> None:
    # OpenSSL reads these from a file only; this one is in memory, and gone when closed.
    with open(os.memfd_create("identity"), "w") as file:
        file.write(f"{material.cert}\n{material.key}\n")
        file.flush()
        # Without a password given, OpenSSL would ask on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")


def _check_identity(material: TlsMaterial, now: datetime) -> None:
    certificate = _certificates("tls_cert", material.cert)[0]
    _require_in_time("tls_cert", certificate, now)
    _require_client_use(certificate)
    if _public(_private_key(material.key)) != _public(certificate):
        raise MaterialInvalid("tls_key", "This private key does not belong to the client certificate.")
    try:
        client_context(TlsMaterial(cert=material.cert, key=material.key))
    except Exception as error:
        raise MaterialInvalid("tls_cert", "OpenSSL refuses this certificate or key: it may be too weak.") from error


def _certificates(field: str, text: str) -> list[x509.Certificate]:
    if len(text) > _MATERIAL_CHARACTERS:
        raise MaterialInvalid(field, "This is larger than 64 KiB: paste the certificate alone.")
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        found = " It holds a private key." if "PRIVATE KEY" in text else ""
        expected = "This is not a certificate in PEM format: it starts with -----BEGIN CERTIFICATE-----."
        raise MaterialInvalid(field, expected + found) from error


def _require_in_time(field: str, certificate: x509.Certificate, now: datetime) -> None:
    if certificate.not_valid_after_utc < now:
        raise MaterialInvalid(field, f"This certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}.")
    if certificate.not_valid_before_utc > now:
        raise MaterialInvalid(
            field, f"This certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}."
        )


def _require_client_use(certificate: x509.Certificate) -> None:
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    if not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(uses):
        raise MaterialInvalid("tls_cert", "This certificate was not issued for clients (clientAuth is missing).")


def _private_key(text: str) -> PrivateKeyTypes:
    if len(text) > _MATERIAL_CHARACTERS:
        raise MaterialInvalid("tls_key", "This is larger than 64 KiB: paste the private key alone.")
    try:
        return load_pem_private_key(text.encode(), password=None)
    except TypeError as error:
        raise MaterialInvalid("tls_key", "This private key has a passphrase: give it without one.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        sentence = "This is not a private key in PEM format: it starts with -----BEGIN … PRIVATE KEY-----."
        raise MaterialInvalid("tls_key", sentence) from error


def _public(holder: PrivateKeyTypes | x509.Certificate) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
