"""`/ws/engines/<slug>/containers/<id>/terminal/`: a terminal in a container. `id` is the whole one.

The browser's first message is {"type":"start","mode":"exec"|"attach","shell","command","user","folder","tty","cols",
"rows"} or {"type":"resume","session","seen","cols","rows"}. Then binary messages are what is typed, at most 256 KiB of
them beyond what was {"type":"taken"}; {"type":"resize","cols","rows"}; {"type":"seen","bytes"}, how many bytes of what
was shown it has got: the server sends at most 128 KiB beyond that; {"type":"stay"}, as good as typing; {"type":"end"}.

The server sends {"type":"started","session","command","tty","recorded","reads","from","to","accepted"}: `from` is
the number of the first byte shown that follows, what lies before `to` was shown before, and `accepted` is how many
bytes typed have come in; binary, what is shown;
{"type":"taken","bytes"}; {"type":"idle","seconds_left"}, null when somebody typed; {"type":"ended","reason",
"sentence","exit_code"}; and instead of started {"type":"refused","field","sentence"}. The session's key is a secret
of this browser, its login and this container: it is never part of an URL.
"""

import asyncio
import functools
import json
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection

from engines import access
from engines.client.errors import EngineError
from engines.client.ids import IdInvalid, require_name
from engines.live.engine import OneEngineConsumer
from engines.live.gate import ENDED, ENGINE_LOST, FORBIDDEN, NO_SUCH_THING, TOO_MUCH, UNASKED, Refused
from engines.models import Engine
from engines.permissions import Permission
from engines.secrets import SecretUnreadable
from engines.terminals import actions, session
from engines.terminals.session import Session, TooMany, TooMuch
from engines.terminals.types import Asked, Size, Unasked
from engines.web.gate import require, resolve
from engines.web.logins import person_of

#: Nothing was typed for too long.
IDLE = 4408
_FIRST_MESSAGE_SECONDS = 20
#: How an ending is told by the close code; others are 1000.
_CODES = {"idle": IDLE, "lost": ENGINE_LOST}

Message = dict[str, Any]


class _NotOpened(Exception):
    """Why there is no terminal, as one sentence; `field` is what to correct, `code` closes the socket."""

    def __init__(self, sentence: str, field: str = "", code: int = ENDED) -> None:
        super().__init__(sentence)
        self.field, self.code = field, code


class TerminalConsumer(OneEngineConsumer):
    """One browser's terminal: opens it or comes back to it, and passes on both ways."""

    permission = Permission.CONTAINER_EXEC

    async def connect(self) -> None:
        self._session: Session | None = None
        #: What it takes to stay, once it is known which container and what was asked.
        self._needs: access.Needs = lambda: frozenset({Permission.CONTAINER_EXEC})
        self._first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        await super().connect()

    def _kept(self, held: frozenset[Permission], engine: Engine) -> frozenset[Permission]:
        return held if held >= self._needs() else held - {self.permission}

    def deny(self, user: User) -> None:
        engine = resolve(user, self._slug, self.permission)
        for permission in sorted(self._needs()):
            require(user, permission, engine, subject=self._container)

    async def serve(self) -> int:
        """Open it or come back to it, then show what comes until it ends."""
        try:
            async with asyncio.timeout(_FIRST_MESSAGE_SECONDS):
                first = await self._first
        except TimeoutError as error:
            raise Refused(UNASKED) from error
        try:
            if first.get("type") == "resume":
                opened = await self._resume(first)
            else:
                opened = await self._open(first)
            return await self._show(opened)
        except _NotOpened as told:
            await self.send_frame({"type": "refused", "field": told.field, "sentence": str(told)})
            return told.code
        finally:
            if self._session is not None:
                self._session.leave(self)
                if self._refused.done():
                    self._session.end(session.WITHDRAWN)

    async def take(self, text: str | None, data: bytes | None) -> None:
        try:
            if text is not None:
                self._take_message(_parsed(text))
            elif self._session is None or data is None:
                raise Refused(UNASKED)
            else:
                self._session.type(data)
        except (Unasked, TooMuch) as error:
            raise Refused(UNASKED) from error

    def _take_message(self, message: Message) -> None:
        kind = message.get("type")
        if not self._first.done():
            if kind not in {"start", "resume"}:
                raise Refused(UNASKED)
            self._first.set_result(message)
        elif self._session is None:
            raise Refused(UNASKED)
        elif kind == "resize":
            self._session.resize(Size.of(message.get("cols"), message.get("rows")))
        elif kind == "seen" and isinstance(message.get("bytes"), int):
            self._session.see(message["bytes"])
        elif kind == "stay":
            self._session.stay()
        elif kind == "end":
            self._session.end(session.LEFT)
        else:
            raise Refused(UNASKED)

    async def _open(self, message: Message) -> Session:
        """A new terminal. Raises _NotOpened, Refused."""
        try:
            begin = functools.partial(self._opening, Asked.from_message(message))
            self._session = opened = Session(begin, self._owner, self._may)
            opened.join(self, 0)
            await opened.start()
            return opened
        except asyncio.CancelledError:
            # Nobody knows how to come back to it.
            opened.end(session.WITHDRAWN if self._refused.done() else session.UNOPENED)
            raise
        except Unasked as error:
            raise _NotOpened(str(error), error.field) from error
        except PermissionDenied as error:
            raise _NotOpened(str(error), code=FORBIDDEN) from error
        except IdInvalid as error:
            raise Refused(NO_SUCH_THING) from error
        except (EngineError, SecretUnreadable) as error:
            raise _NotOpened(str(error)) from error
        except TooMany as error:
            raise _NotOpened(f"You have {session.MOST} terminals open. End one of them first.") from error
        except OSError as error:
            raise _NotOpened("Its recording cannot be written, so this terminal was not opened.") from error

    async def _resume(self, message: Message) -> Session:
        """The terminal that the browser had. Raises _NotOpened, Refused."""
        found = session.found(message.get("session"), self._owner)
        if found is None:
            raise _NotOpened("That terminal has ended.", "session")
        self._needs = found.opening.needs
        # It may take more than the socket was opened with.
        await self._ask_gate()
        self._session = found
        seen = message.get("seen")
        found.join(self, seen if isinstance(seen, int) else None)
        try:
            found.resize(Size.of(message.get("cols"), message.get("rows")))
        except Unasked as error:
            raise Refused(UNASKED) from error
        return found

    async def _show(self, opened: Session) -> int:
        """Until it ends, or is shown elsewhere."""
        shown, taken, seconds_left = opened.seen, 0, None
        await self.send_frame(_started(opened))
        while opened.viewer is self:
            changed, ending = opened.changed, opened.ending
            while data := opened.after(shown):
                await self.send_bytes(data)
                shown += len(data)
            if opened.taken != taken:
                taken = opened.taken
                await self.send_frame({"type": "taken", "bytes": taken})
            if opened.seconds_left != seconds_left:
                seconds_left = opened.seconds_left
                await self.send_frame({"type": "idle", "seconds_left": seconds_left})
            if ending is not None:
                told = {"reason": ending.reason, "sentence": ending.sentence, "exit_code": ending.exit_code}
                await self.send_frame({"type": "ended", **told})
                return _CODES.get(ending.reason, ENDED)
            await changed.wait()
        if opened.viewer is None:
            # It does not read. It may come again.
            raise Refused(TOO_MUCH)
        await self.send_frame({"type": "ended", "reason": "elsewhere", "sentence": "", "exit_code": None})
        return ENDED

    def _opening(self, asked: Asked) -> actions.Opening:
        try:
            user = self._user()
            engine = Engine.objects.get(slug=self._slug)
            opening = actions.opened(engine, require_name(self._container), asked, by=user)
            self._needs = opening.needs
            return opening
        finally:
            # Of this thread: nobody else closes it.
            connection.close()

    def _may(self) -> bool:
        """Whether the owner still may, while no socket is there to be asked for. In a thread."""
        try:
            user, engine = person_of(self._login), Engine.objects.filter(slug=self._slug, enabled=True).first()
            return user is not None and engine is not None and access.held(user, engine) >= self._needs()
        finally:
            connection.close()

    @property
    def _owner(self) -> tuple[object, ...]:
        return (self._counted, self._login, self._slug, self._container)

    @property
    def _login(self) -> str:
        login: str = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        return login


def _started(opened: Session) -> Message:
    opening = opened.opening
    return {
        "type": "started",
        "session": opened.key,
        "command": opening.asked.command,
        "tty": opening.tty,
        "recorded": opening.recording is not None,
        "reads": opening.reads_input,
        "from": opened.seen,
        "to": opened.shown,
        "accepted": opened.accepted,
    }


def _parsed(text: str) -> Message:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(UNASKED) from error
    if not isinstance(message, dict):
        raise Refused(UNASKED)
    return message
