"""A pasted command as the words that a shell would make of it. Nothing is expanded, looked up or run."""

import re
from dataclasses import dataclass

#: Of so many characters at most: each that is not closed would be looked for to the end of the text.
_EXPANDS = re.compile(
    r"\$(?:\((?:[^()]|\([^()]{0,99}\)){0,199}+\)|\{[^}]{0,199}\}|[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])|`[^`\n]{0,199}`"
)
#: As the last character of a line, it goes on: of sh, of PowerShell, and of the command prompt of Windows.
_CONTINUED = re.compile(r"[\\`^][ \t]*(?:\n|$)")
_ENDS = frozenset(";|&<>()\n")
_ESCAPE = re.compile(r"x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}


@dataclass(frozen=True)
class Word:
    """`expands`: a shell would have put something else in the place of a part of it."""

    text: str
    expands: bool = False


@dataclass(frozen=True)
class Command:
    """The words of the first command, what of the text is left after it, and whether a quotation mark is open."""

    words: tuple[Word, ...]
    rest: str = ""
    unclosed: bool = False


def first_command(text: str) -> Command:
    """Of `text`, which may begin with empty lines and comments."""
    return _Reader(text.replace("\r\n", "\n").replace("\r", "\n")).command()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._words: list[Word] = []
        # The word being read, None between two.
        self._word: list[str] | None = None
        self._expands = self._unclosed = False

    def command(self) -> Command:
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in _ENDS and (self._words or self._word is not None or character != "\n"):
                break
            if character == "#" and self._word is None:
                self._skip_comment()
            elif match := _CONTINUED.match(self._text, self._at):
                self._at = match.end()
            elif character.isspace():
                self._end_word()
                self._at += 1
            else:
                self._read(character)
        rest = self._text[self._at :].strip()
        if rest[:1] in {"<", ">"} and self._word is not None and "".join(self._word).isdecimal():
            # The number of a stream.
            self._word = None
        self._end_word()
        return Command(tuple(self._words), rest, self._unclosed)

    def _read(self, character: str) -> None:
        if character == "'":
            self._quoted("'", self._at + 1)
        elif self._text.startswith("$'", self._at):
            self._ansi()
        elif character == '"' or self._text.startswith('$"', self._at):
            self._double(self._at + (2 if character == "$" else 1))
        elif character == "\\":
            self._add(self._text[self._at + 1 : self._at + 2])
            self._at += 2
        else:
            self._expands |= character == "~" and self._word is None
            self._plain_or_expanding()

    def _plain_or_expanding(self) -> None:
        match = _EXPANDS.match(self._text, self._at)
        if match:
            self._expands = True
        self._add(match[0] if match else self._text[self._at])
        self._at = match.end() if match else self._at + 1

    def _quoted(self, mark: str, begin: int) -> None:
        end = self._text.find(mark, begin)
        self._unclosed |= end < 0
        self._add(self._text[begin : end if end >= 0 else None])
        self._at = end + 1 if end >= 0 else len(self._text)

    def _double(self, begin: int) -> None:
        self._add("")
        self._at = begin
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == '"':
                self._at += 1
                return
            if character == "\\" and self._text[self._at + 1 : self._at + 2] in {"$", "`", '"', "\\"}:
                self._add(self._text[self._at + 1])
                self._at += 2
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
            else:
                self._plain_or_expanding()
        self._unclosed = True

    def _ansi(self) -> None:
        self._add("")
        self._at += 2
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == "'":
                return
            match = _ESCAPE.match(self._text, self._at) if character == "\\" else None
            if match is None:
                self._add(character)
            else:
                self._add(_unescaped(match))
                self._at = match.end()
        self._unclosed = True

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = end if end >= 0 else len(self._text)

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
        self._word.append(text)

    def _end_word(self) -> None:
        if self._word is not None:
            self._words.append(Word("".join(self._word), self._expands))
        self._word, self._expands = None, False


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits or match[4]:
        code = int(digits, 16) if digits else int(match[4], 8)
        return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
    return _ESCAPED.get(match[5], match[5])
