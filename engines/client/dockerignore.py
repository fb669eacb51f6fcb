"""`.dockerignore`, applied here because an engine leaves it to its client.

Patterns match as in Docker: a pattern also covers what lies below a folder it matches, the last match decides, `!`
takes back. No regular expressions: those of a hostile pattern could take for ever.
"""

from collections.abc import Iterable
from functools import lru_cache

_PATTERNS = 500
_PATTERN_CHARACTERS = 1024

# One element of a segment: a character, any one, any number, or a set of ranges (negated or not).
_ANY = object()
_STAR = object()
_Element = object | str | tuple[bool, tuple[tuple[str, str], ...]]


class PatternInvalid(ValueError):
    """The file cannot be used; the message is one sentence."""


class Ignore:
    """The patterns of one file. `kept` are names that no pattern can take away."""

    def __init__(self, text: str, kept: Iterable[str] = ()) -> None:
        self._kept = frozenset(kept)
        self._rules = [_rule(line) for line in _lines(text)]
        if len(self._rules) > _PATTERNS:
            raise PatternInvalid(f"The .dockerignore holds more than {_PATTERNS} patterns.")
        # Of folders only: the files in one share their ancestors.
        self._covered = lru_cache(4096)(self._deciding)

    def ignores(self, name: str) -> bool:
        """Whether `name`, a clean relative path, stays out of the context."""
        if name in self._kept:
            return False
        folder, _, _ = name.rpartition("/")
        parts = tuple(name.split("/"))
        above = self._covered(folder) if folder else frozenset[int]()
        ignored = False
        for number, (takes_back, pattern) in enumerate(self._rules):
            if number in above or _matches(pattern, parts):
                ignored = not takes_back
        return ignored

    def _deciding(self, folder: str) -> frozenset[int]:
        """The rules that match `folder` or one above it."""
        parts = tuple(folder.split("/"))
        ancestors = [parts[:depth] for depth in range(1, len(parts) + 1)]
        return frozenset(
            number
            for number, (_, pattern) in enumerate(self._rules)
            if any(_matches(pattern, ancestor) for ancestor in ancestors)
        )


def _lines(text: str) -> Iterable[str]:
    for line in text.removeprefix("\ufeff").splitlines():
        # Docker reads # as a comment in the first column only.
        stripped = line.strip()
        if not line.startswith("#") and stripped:
            yield stripped


def _rule(line: str) -> tuple[bool, tuple[str, ...]]:
    if len(line) > _PATTERN_CHARACTERS:
        raise PatternInvalid(f"A pattern in .dockerignore is longer than {_PATTERN_CHARACTERS} characters.")
    takes_back = line.startswith("!")
    parts: list[str] = []
    for part in line.removeprefix("!").strip().split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."}:
            parts += _split_globstar(part)
    for part in parts:
        _elements(part)
    return takes_back, tuple(parts)


def _split_globstar(part: str) -> list[str]:
    # `**.pyc` reaches into folders as `**/*.pyc` does; elsewhere in a part, two stars are as good as one.
    if part.startswith("**") and part.strip("*"):
        return ["**", "*" + part.lstrip("*")]
    return ["**"] if not part.strip("*") and len(part) > 1 else [part]


def _matches(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether the whole of `parts` matches, `**` standing for any number of them."""
    if not pattern:
        return False
    reached = {0}
    for index, part in enumerate(pattern):
        if part == "**":
            # At the end it stands for what is below, not for the folder itself.
            least = min(reached, default=len(parts)) + (1 if index == len(pattern) - 1 else 0)
            reached = set(range(least, len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and _part_matches(part, parts[at])}
        if not reached:
            return False
    return len(parts) in reached


def _part_matches(pattern: str, text: str) -> bool:
    if not any(mark in pattern for mark in "*?[\\"):
        return pattern == text
    return _wildcard_matches(pattern, text)


@lru_cache(8192)
def _wildcard_matches(pattern: str, text: str) -> bool:
    """Greedy, going back to the last star only: at most len(pattern) x len(text) steps."""
    elements = _elements(pattern)
    at = position = 0
    star, resume = -1, 0
    while position < len(text):
        if at < len(elements) and elements[at] is _STAR:
            star, resume, at = at, position, at + 1
        elif at < len(elements) and _fits(elements[at], text[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return all(element is _STAR for element in elements[at:])


def _fits(element: _Element, character: str) -> bool:
    if isinstance(element, tuple):
        negated, ranges = element
        return bool(negated != any(low <= character <= high for low, high in ranges))
    return element is _ANY or bool(element == character)


@lru_cache(1024)
def _elements(pattern: str) -> tuple[_Element, ...]:
    """Raises PatternInvalid for an escape or a set that does not end."""
    elements: list[_Element] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "[":
            element, at = _set(pattern, at + 1)
            elements.append(element)
            continue
        if character == "\\":
            at += 1
            elements.append(_at(pattern, at))
        else:
            elements.append({"*": _STAR, "?": _ANY}.get(character, character))
        at += 1
    return tuple(elements)


def _set(pattern: str, at: int) -> tuple[_Element, int]:
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges: list[tuple[str, str]] = []
    while not ranges or _at(pattern, at) != "]":
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _member(pattern, at + 1)
        ranges.append((low, high))
    return (negated, tuple(ranges)), at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if _at(pattern, at) == "\\":
        at += 1
    return _at(pattern, at), at + 1


def _at(pattern: str, at: int) -> str:
    if at >= len(pattern):
        raise PatternInvalid(f"The pattern {pattern[:100]!r} in .dockerignore does not end as it should.")
    return pattern[at]
