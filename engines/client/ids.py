"""Names and ids that go into an Engine API path, checked first.

The SDK quotes neither `/` nor `..`: an id of `../networks/x` would reach another resource.
"""

import re
from dataclasses import dataclass

_WHOLE_ID = re.compile(r"[0-9a-f]{64}")
_HEX_ID = re.compile(r"[0-9a-f]{12,64}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128}")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_PATH_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_PATH_SEGMENT = re.compile(r"[A-Za-z0-9_.:@+\[\]-]+")
_REFERENCE_BYTES = 255


class IdInvalid(ValueError):
    """The text cannot be an id or name of this kind; the message is one sentence."""


@dataclass(frozen=True)
class Reference:
    """An image reference as written; `domain`, `tag` and `digest` are empty where it names none."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Domain and path, as in `registry.example/team/app`."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def require_name(text: str) -> str:
    """`text` as the id or name of a container, network or volume. Raises IdInvalid."""
    if not _NAME.fullmatch(text):
        raise IdInvalid(
            "An id or name holds letters, digits, dot, dash and underscore, and starts with a letter or digit."
        )
    return text


def require_whole_id(text: str) -> str:
    """`text` as the whole id of a container. Raises IdInvalid."""
    if not _WHOLE_ID.fullmatch(text):
        raise IdInvalid("Give the container's whole id: 64 hex digits.")
    return text


def require_image(text: str) -> str:
    """`text` as an image id (with or without `sha256:`) or reference. Raises IdInvalid."""
    return text if is_image_id(text) else str(parse_reference(text))


def is_image_id(text: str) -> bool:
    """Whether `text` is an image's id, which no registry knows, or the beginning of one."""
    return bool(_DIGEST.fullmatch(text) or _HEX_ID.fullmatch(text))


def require_segments(text: str) -> str:
    """`text` as one or more segments of a path, none of which leads elsewhere. Raises IdInvalid."""
    if not all(_PATH_SEGMENT.fullmatch(part) and part.strip(".") for part in text.split("/")):
        raise IdInvalid("This cannot be an id or name: it would lead to another path of the Engine API.")
    return text


def parse_reference(text: str) -> Reference:
    """An image reference by the grammar of distribution/reference: `[domain/]path[:tag][@digest]`. Raises IdInvalid."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise IdInvalid("The digest after @ is not one, such as sha256: and 64 hex digits.")
    # A colon before the last slash belongs to the domain's port.
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        head, colon, tag = rest, "", ""
    if colon and not _TAG.fullmatch(tag):
        raise IdInvalid("The tag holds at most 128 letters, digits, dots, dashes and underscores.")
    domain, path = _split_domain(head)
    if domain and not _DOMAIN.fullmatch(domain):
        raise IdInvalid("The registry's name before the first slash is not a host name.")
    if not all(_PATH_PART.fullmatch(part) for part in path.split("/")):
        raise IdInvalid(
            "The image's name holds lower-case letters and digits, with dots, dashes or underscores between."
        )
    if len(head) > _REFERENCE_BYTES:
        raise IdInvalid(f"The image's name is longer than {_REFERENCE_BYTES} characters.")
    if not domain and re.fullmatch(r"[0-9a-f]{64}", path):
        raise IdInvalid("64 hex digits are an image's id, not a name.")
    return Reference(domain, path, tag, digest)


def _split_domain(head: str) -> tuple[str, str]:
    first, slash, rest = head.partition("/")
    # As Docker decides: only what looks like a host is one; `team/app` has none.
    if slash and (any(mark in first for mark in ".:[") or first == "localhost" or first != first.lower()):
        return first, rest
    return "", head
