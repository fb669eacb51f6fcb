"""Template tags of the pages: icons, times, sizes, states."""

import re
from datetime import UTC, datetime
from functools import lru_cache

import lucide
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from console import assets

register = template.Library()

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
#: State -> tone of the badge. The word is always shown beside it, and the shape differs by tone.
_TONES = {
    "UP": "success",
    "DOWN": "danger",
    "UNKNOWN": "neutral",
    "QUEUED": "neutral",
    "RUNNING": "info",
    "SUCCEEDED": "success",
    "FAILED": "danger",
    "CANCELLED": "neutral",
    "LOST": "warning",
}


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """A Lucide icon, decoration only. Raises for a name that does not exist."""
    return _icon(str(name), size)


@lru_cache(maxsize=256)
def _icon(name: str, size: int) -> SafeString:
    # Made once: the library reads its archive each time.
    text: str = lucide._render_icon(name, size, aria_hidden="true", **{"class": "icon"})
    return mark_safe(text)  # noqa: S308 (made by the icon library of constants)


@register.simple_tag
def importmap() -> SafeString:
    """The import map, allowed by its hash in the Content-Security-Policy."""
    text = assets.import_map()
    return mark_safe(f'<script type="importmap">{text}</script>')  # noqa: S308 (names of our own files)


@register.simple_tag
def badge(state: str, label: str = "", tone: str = "") -> SafeString:
    """A state as colour, shape and word."""
    return format_html(
        '<span class="badge {}">{}</span>', tone or _TONES.get(str(state), "neutral"), label or str(state).lower()
    )


@register.filter
def tone(state: str) -> str:
    """The tone of a state's colour."""
    return _TONES.get(str(state), "neutral")


@register.filter
def ago(moment: datetime | int | float | None) -> SafeString | str:
    """How long ago, with the exact time on hover; a dash for never. Numbers are seconds since the epoch."""
    if isinstance(moment, int | float):
        moment = datetime.fromtimestamp(moment, UTC) if 0 < moment < 1 << 40 else None
    if moment is None:
        return "—"
    exact = timezone.localtime(moment)
    words = since_words((timezone.now() - moment).total_seconds())
    shown = exact.strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', exact.isoformat(), shown, words)


def since_words(seconds: float) -> str:
    """`seconds` in words, such as `3 min ago`."""
    for size, word in (
        (86400 * 365, "y"),
        (86400 * 30, "mo"),
        (86400 * 7, "w"),
        (86400, "d"),
        (3600, "h"),
        (60, "min"),
    ):
        if seconds >= size:
            return f"{int(seconds // size)} {word} ago"
    return "just now" if seconds < 5 else f"{int(seconds)} s ago"


@register.filter
def duration(seconds: float | None) -> str:
    """`seconds` as a short duration, such as `1 min 5 s`."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def elapsed(operation: object) -> str:
    """How long an operation took, or has been running."""
    started, finished = getattr(operation, "started_at", None), getattr(operation, "finished_at", None)
    return "—" if started is None else duration(((finished or timezone.now()) - started).total_seconds())


@register.filter
def size(count: int | None) -> str:
    """`count` bytes in decimal units, as the docker CLI shows images."""
    return _scaled(count, 1000, _UNITS)


@register.filter
def memory(count: int | None) -> str:
    """`count` bytes in binary units, as memory is counted."""
    return _scaled(count, 1024, _BINARY_UNITS)


def _scaled(count: int | None, step: int, units: tuple[str, ...]) -> str:
    if count is None or count < 0:
        return "—"
    value, unit = float(count), 0
    while value >= step and unit < len(units) - 1:
        value, unit = value / step, unit + 1
    return f"{value:.0f} {units[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {units[unit]}"


@register.filter
def plain_version(version: str) -> str:
    """A version without what a packager added: `20.10.24` of `20.10.24+dfsg1`."""
    return re.split(r"[+~-]", version or "", maxsplit=1)[0]


@register.filter
def split_words(text: str) -> list[str]:
    """The words of `text`, to loop over."""
    return text.split()


@register.filter
def short_id(text: str) -> str:
    """The first 12 characters of an id, without its algorithm."""
    return str(text).removeprefix("sha256:")[:12]
