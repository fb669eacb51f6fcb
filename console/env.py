"""Typed readers of the environment. Every setting can also come from a file named by `<NAME>_FILE`."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str) -> str:
    """The value of `name`, or the stripped content of the file named by `<name>_FILE`, or `default`.

    Raises ImproperlyConfigured when the file cannot be read: a secret that silently turns into the default
    would be worse than not starting.
    """
    file = os.environ.get(f"{name}_FILE")
    if file is None:
        return os.environ.get(name, default)
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {file}: {error.strerror}") from error


def flag(name: str, default: bool) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off (any case). Raises ImproperlyConfigured otherwise."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name}: {value!r} is neither true nor false")


def words(name: str, default: str) -> list[str]:
    """A comma-separated list without empty members."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def number(name: str, default: int, least: int = 0) -> int:
    """A whole number of at least `least`. Raises ImproperlyConfigured otherwise."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise ImproperlyConfigured(f"{name}: {value!r} is not a whole number of at least {least}")
    return int(value)
