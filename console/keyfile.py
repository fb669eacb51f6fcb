"""Key files under the data directory: made once with mode 0600, refused when others may read them."""

import base64
import os
import secrets
import stat
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read_or_create(path: Path) -> str:
    """The key in `path` as URL-safe base64 text of 32 random bytes, made on first use.

    Raises ImproperlyConfigured when group or others may read the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # O_EXCL: of several processes that start at once exactly one makes the key.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return _read(path)


def _read(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ImproperlyConfigured(f"{path}: other users may read this key file; run chmod 600 on it")
    key = path.read_text().strip()
    if len(key) != 44:
        raise ImproperlyConfigured(f"{path}: not a key (44 characters of URL-safe base64 expected)")
    return key
