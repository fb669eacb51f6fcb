"""The gate before every socket: who, on what, with which permission; asked when it opens and again while it is open."""

import asyncio
import json
import logging
from typing import Any, ClassVar

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import User

from engines.accounts.sessions import person_of
from engines.live.database import ask
from engines.permissions import Permission

log = logging.getLogger(__name__)

ENDED = 1000
BROKEN = 1011
TOO_SLOW = 1013
LOG_IN = 4401
FORBIDDEN = 4403
NO_SUCH_THING = 4404

#: A logout or a withdrawn right closes the socket within this many seconds.
RECHECK_SECONDS = 4
_SEND_SECONDS = 15


class Refused(Exception):
    """The socket is closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class GatedConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A socket with a declared permission. Subclasses say what it is about (`admit`) and what it sends (`serve`)."""

    #: A Permission, or `login: <why>` where the rows shown are chosen by what the person may see.
    permission: ClassVar[Permission | str]

    def admit(self, user: User) -> None:
        """Resolve what the socket is about, for `user`, now. Raises Refused. Asked again every few seconds.

        Synchronous: one hop into a thread reads all that decides.
        """
        raise NotImplementedError

    async def serve(self) -> int:
        """Send until there is nothing more to send; the code to close with."""
        raise NotImplementedError

    async def connect(self) -> None:
        self._tasks: list[asyncio.Task[int]] = []
        # Accepted before it may be refused: a browser shows the close code of an accepted socket only.
        await self.accept()
        try:
            await ask(self._check)
        except Refused as refused:
            await self.close(refused.code)
            return
        except Exception:
            log.exception("a socket could not be checked")
            await self.close(BROKEN)
            return
        self._life = asyncio.create_task(self._live())

    async def disconnect(self, code: int) -> None:
        life: asyncio.Task[None] | None = getattr(self, "_life", None)
        if life is not None and life is not asyncio.current_task():
            life.cancel()

    async def send_frame(self, frame: dict[str, Any]) -> None:
        """Send one JSON frame. Raises Refused when the browser has not read for 15 s."""
        await self.send_text(json.dumps(frame, separators=(",", ":")))

    async def send_text(self, text: str) -> None:
        """Send a frame that is encoded already."""
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self.send(text_data=text)
        except TimeoutError as error:
            raise Refused(TOO_SLOW) from error

    async def _live(self) -> None:
        tasks = [asyncio.create_task(self.serve()), asyncio.create_task(self._recheck())]
        code = ENDED
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code = done.pop().result()
        except Refused as refused:
            code = refused.code
        except Exception:
            # Closed, not left open and silent: the browser comes again, and is checked again.
            log.exception("a socket broke")
            code = BROKEN
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.close(code)

    async def _recheck(self) -> int:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            await ask(self._check)

    def _check(self) -> None:
        self.admit(self._user())

    def _user(self) -> User:
        """Who this socket's cookie belongs to, by the session row and the user row of now. Raises Refused.

        `scope["user"]` and `scope["session"]` are what they were at the handshake: after a logout they lie.
        """
        user = person_of(self.scope["cookies"].get(settings.SESSION_COOKIE_NAME))
        if user is None:
            raise Refused(LOG_IN)
        return user
