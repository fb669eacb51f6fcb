"""Sizes and times as the docker CLI has them in its options: `512m`, `1m30s`. What is written is read back exactly."""

import re
from decimal import Decimal

_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?(b|([kmgtp])(?:i?b)?)", re.IGNORECASE)
_SHIFTS = {"p": 50, "t": 40, "g": 30, "m": 20, "k": 10}
_TIME = re.compile(r"(?:\d{1,18}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
#: Nanoseconds of each, largest first.
_TIMES = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}
#: What an engine's numbers can hold.
_MOST = (1 << 63) - 1


def read_size(text: str) -> int:
    """Bytes of a size with its unit: b, k, m, g, t or p, by 1024. Raises ValueError, also for one without a unit."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("Write a number and its unit, such as 512m or 2g.")
    size = int(Decimal(match[1]) * (1 << _SHIFTS.get((match[3] or "").lower(), 0)))
    if size > _MOST:
        raise ValueError("This is more than any engine can count.")
    return size


def size_text(size: int) -> str:
    """`size` bytes in the largest unit that leaves no fraction."""
    unit = next((each for each, shift in _SHIFTS.items() if size and size % (1 << shift) == 0), "")
    return f"{size >> _SHIFTS[unit]}{unit}" if unit else f"{size}b"


def read_time(text: str) -> int:
    """Nanoseconds of a time such as 1m30s, 0.5s or 250ms. Raises ValueError, also for one without a unit."""
    if not _TIME.fullmatch(text.strip()):
        raise ValueError("Write a number and its unit, such as 30s or 1m30s.")
    units = _TIMES | {"µs": 1000}
    time = sum(int(Decimal(amount) * units[unit]) for amount, unit in _PART.findall(text))
    if time > _MOST:
        raise ValueError("This is longer than any engine can wait.")
    return time


def time_text(time: int) -> str:
    """`time` nanoseconds, in as many units as it takes."""
    parts = []
    for unit, length in _TIMES.items():
        amount, time = divmod(time, length)
        parts += [f"{amount}{unit}"] if amount else []
    return "".join(parts) or "0s"
