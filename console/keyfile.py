"""Key files under the data directory: made once with mode 0600, refused when others may read them."""

import base64
import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from django.core.exceptions import ImproperlyConfigured


class RotationRuns(Exception):
    """Another process is changing these keys."""


def read_or_create(path: Path) -> str:
    """The key in `path` as URL-safe base64 text of 32 random bytes, made on first use.

    Raises ImproperlyConfigured when group or others may read the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # A link is made whole or not at all: of several processes that start at once exactly one makes the key.
        with _written(path) as new, contextlib.suppress(FileExistsError):
            path.hardlink_to(new)
    return _read(path)


class Ring(Sequence[str]):
    """The key in `path`, which encrypts, and during a rotation the one before it: `<name>.old.key` beside it.

    The files are read again at every use, so that a process which is running follows a rotation without a restart.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = path.with_suffix(".old.key")
        read_or_create(path)
        self._keys()

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._keys()[index]

    def __len__(self) -> int:
        return len(self._keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other rotations out. Raises RotationRuns."""
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RotationRuns from error
            yield
        finally:
            os.close(directory)

    def turn(self) -> None:
        """Put a new key first, and keep the present one behind it; both stay as they are when that is done already.

        Wherever this is interrupted, both files hold keys and the next call goes on.
        """
        if len(self) > 1:
            return
        self._old.unlink(missing_ok=True)
        self._old.hardlink_to(self._path)
        with _written(self._path) as new:
            new.replace(self._path)

    def retire(self) -> None:
        """Remove the old key for good."""
        self._old.unlink(missing_ok=True)
        _sync(self._path.parent)

    def _keys(self) -> list[str]:
        # In this order: what was sealed with a key that is already read as the old one would find no key otherwise.
        keys = [_read(self._path)]
        with contextlib.suppress(FileNotFoundError):
            keys.append(_read(self._old))
        # The same file twice is a rotation that has only begun.
        return list(dict.fromkeys(keys))


@contextlib.contextmanager
def _written(path: Path) -> Iterator[Path]:
    """A new key on disk under a name of its own, to be given the name `path`; removed afterwards if it was not."""
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
            file.flush()
            # Before anything is sealed with it: what was sealed must not outlive its key in a power cut.
            os.fsync(file.fileno())
        yield made
    finally:
        made.unlink(missing_ok=True)
        _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ImproperlyConfigured(f"{path}: other users may read this key file; run chmod 600 on it")
    key = path.read_text().strip()
    if len(key) != 44:
        raise ImproperlyConfigured(f"{path}: not a key (44 characters of URL-safe base64 expected)")
    return key
