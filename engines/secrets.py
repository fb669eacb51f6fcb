"""Encryption at rest. A ciphertext is bound to its place, so that it cannot be moved to another row or field."""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_PREFIX = "v1:"


class SecretUnreadable(Exception):
    """No key opens this ciphertext at this place: a wrong key, a changed value, or a value moved here."""


def encrypt(plaintext: str, *, place: str, keys: Sequence[str]) -> str:
    """`plaintext` under the first of `keys` (URL-safe base64 of 32 bytes), bound to `place` (`table.pk.field`)."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher(keys[0]).encrypt(nonce, plaintext.encode(), place.encode())
    return _PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode()


def decrypt(ciphertext: str, *, place: str, keys: Sequence[str]) -> str:
    """The plaintext, tried with each of `keys`. Raises SecretUnreadable."""
    sealed = _unwrap(ciphertext)
    for key in keys:
        try:
            return _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode()).decode()
        except InvalidTag:
            continue
    raise SecretUnreadable(f"The secret at {place} cannot be read with the keys of this console.")


def _unwrap(ciphertext: str) -> bytes:
    if not ciphertext.startswith(_PREFIX):
        raise SecretUnreadable("The stored secret has an unknown format.")
    try:
        sealed = base64.b64decode(ciphertext.removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretUnreadable("The stored secret is damaged.") from error
    if len(sealed) <= _NONCE_BYTES:
        raise SecretUnreadable("The stored secret is cut short.")
    return sealed


def _cipher(key: str) -> AESGCM:
    return AESGCM(base64.urlsafe_b64decode(key))
