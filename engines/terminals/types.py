"""What is asked of a terminal, and how one ends."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.permissions import Permission

#: What one may choose in the page; the first takes bash where there is one.
SHELLS = ("auto", "/bin/sh", "/bin/bash", "/bin/ash", "/bin/zsh")
_AUTO = ("/bin/sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?")
_COMMAND_CHARACTERS = 4096
_MOST_WORDS = 64
_FOLDER_CHARACTERS = 1024


class Unasked(ValueError):
    """What is asked cannot be done; `field` names what to correct, the message is one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Size:
    """Of a terminal, in characters."""

    columns: int = 80
    rows: int = 24

    @classmethod
    def of(cls, columns: object, rows: object) -> "Size":
        """Raises Unasked."""
        if not all(isinstance(each, int) and 1 <= each <= 1000 for each in (columns, rows)):
            raise Unasked("size", "A terminal has 1 to 1000 columns and rows.")
        return cls(int(str(columns)), int(str(rows)))


@dataclass(frozen=True)
class Asked:
    """A command to run in a container; without `words` its own first process is attached to.

    `user` and `folder` are the container's own where empty. `typed`: something can be typed to it.
    """

    words: tuple[str, ...] = ()
    user: str = ""
    folder: str = ""
    tty: bool = True
    typed: bool = True
    size: Size = Size()

    @property
    def permission(self) -> Permission:
        return Permission.CONTAINER_EXEC if self.words else Permission.CONTAINER_ATTACH

    @property
    def command(self) -> str:
        """As a shell would write it, in short."""
        if self.words == _AUTO:
            return "bash || sh"
        return shlex.join(self.words) if self.words else "attach"

    @property
    def parameters(self) -> dict[str, object]:
        """For the audit trail."""
        given = {"command": self.command, "user": self.user, "folder": self.folder} if self.words else {}
        return {name: value for name, value in given.items() if value}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> "Asked":
        """Of a browser's first message. Raises Unasked."""
        size = Size.of(message.get("cols"), message.get("rows"))
        if message.get("mode") == "attach":
            return cls(size=size)
        shell = message.get("shell", "auto")
        words = _shell(str(shell)) if shell in SHELLS else split(message.get("command"))
        user, folder = user_of(message.get("user", "")), folder_of(message.get("folder", ""))
        return cls(words, user, folder, message.get("tty") is not False, size=size)


@dataclass(frozen=True)
class Ending:
    """Why a terminal ended: `reason` is one word for programs, the sentence is for people.

    exited · left · idle · withdrawn · gone · lost · full · broken · stopped · unopened
    """

    reason: str
    sentence: str
    exit_code: int | None = None


@dataclass(frozen=True)
class Ran:
    """What a short command showed. `exit_code` is None when it did not end in time, and was ended."""

    out: str
    err: str
    exit_code: int | None
    seconds: float
    #: More came than is kept.
    cut: bool = False


def _shell(name: str) -> tuple[str, ...]:
    return _AUTO if name == "auto" else (name,)


def split(text: object) -> tuple[str, ...]:
    """The words of a command, as a shell splits them. Raises Unasked."""
    if not isinstance(text, str) or not text.strip():
        raise Unasked("command", "Type the command that is to run.")
    if len(text) > _COMMAND_CHARACTERS or "\0" in text:
        raise Unasked("command", f"A command has at most {_COMMAND_CHARACTERS} characters, none of them NUL.")
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise Unasked("command", "A quote in this command is not closed.") from error
    if not words or not words[0] or len(words) > _MOST_WORDS:
        raise Unasked("command", f"A command has 1 to {_MOST_WORDS} words.")
    return words


def user_of(text: object) -> str:
    """A user of the container by name or number, with a group after a colon. Raises Unasked."""
    if not isinstance(text, str) or (text and not _USER.fullmatch(text)):
        raise Unasked("user", "A user is a name or number, such as www-data, 1000 or 1000:1000.")
    return text


def folder_of(text: object) -> str:
    """An absolute path. Raises Unasked."""
    if not isinstance(text, str) or (text and not text.startswith("/")) or "\0" in text:
        raise Unasked("folder", "A folder is an absolute path, such as /srv/app.")
    if len(text) > _FOLDER_CHARACTERS:
        raise Unasked("folder", f"A path here has at most {_FOLDER_CHARACTERS} characters.")
    return text
