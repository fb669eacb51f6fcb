"""Paths inside a container: which may be asked for, and how they travel in addresses and are shown.

Names are bytes. Those that are no UTF-8 are kept as surrogates, percent-encoded in addresses, and never guessed at.
"""

import posixpath
import re
from urllib.parse import parse_qs, quote

_MOST_BYTES = 4096
_NAME_BYTES = 255
_ESCAPE = "surrogateescape"
#: What would move the cursor, hide or turn around what stands beside it.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_UNSEEN_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class PathInvalid(ValueError):
    """No path or name that may be asked for; the message is one sentence."""


def require_path(text: str) -> str:
    """`text` as an absolute path in its shortest form. Raises PathInvalid."""
    if not text.startswith("/"):
        raise PathInvalid("Give a path from the container's root, such as /etc.")
    if "\0" in text or len(text.encode(errors=_ESCAPE)) > _MOST_BYTES:
        raise PathInvalid(f"A path has at most {_MOST_BYTES} bytes and no NUL.")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    # With links on the way it does not lead where it seems to.
    if ".." in parts:
        raise PathInvalid("Give the path without “..”.")
    return "/" + "/".join(parts)


def require_name(text: str) -> str:
    """`text` as the name of something new in a folder. Raises PathInvalid."""
    if text in {"", ".", ".."} or "/" in text:
        raise PathInvalid("A name is not empty, is neither “.” nor “..”, and holds no slash.")
    if _UNSEEN.search(text):
        raise PathInvalid("The name holds characters that cannot be seen.")
    if len(text.encode()) > _NAME_BYTES:
        raise PathInvalid(f"A name has at most {_NAME_BYTES} bytes.")
    return text


def asked(query_string: str, name: str = "path") -> list[str]:
    """The values of `name` in a query string, bytes that are no UTF-8 included."""
    try:
        found = parse_qs(query_string, errors=_ESCAPE, max_num_fields=1000, separator="&")
    except ValueError as error:
        raise PathInvalid("There are too many parameters.") from error
    return found.get(name, [])


def encoded(path: str) -> str:
    """`path` for a query string."""
    return quote(path.encode(errors=_ESCAPE), safe="/")


def is_text(path: str) -> bool:
    """Whether `path` is UTF-8: only then can it be told to a program."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def parent(path: str) -> str:
    return posixpath.dirname(path)


def name(path: str) -> str:
    return posixpath.basename(path)


def inside(folder: str) -> str:
    """The folder itself, though a link leads to it."""
    return folder.rstrip("/") + "/."


def join(folder: str, name: str) -> str:
    return posixpath.join(folder, name)


def crumbs(path: str) -> list[tuple[str, str]]:
    """Name and path of every folder above `path`, the root first, and of itself."""
    parts = path.strip("/").split("/") if path != "/" else []
    return [("/", "/"), *((visible(part), "/" + "/".join(parts[: at + 1])) for at, part in enumerate(parts))]


def visible(name: str) -> str:
    """`name` with what cannot be seen written out, such as `\\n` or `\\u202e`."""
    return _UNSEEN.sub(_written, name)


def visible_text(text: str) -> str:
    """The same of what a file holds: lines and tabs stay, and what joins letters."""
    return _UNSEEN_IN_TEXT.sub(_written, text)


def _written(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(match[0]) or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    )
