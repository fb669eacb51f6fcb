"""The gate before every socket: who, on what, with which permission; asked when it opens and again while it is open."""

import asyncio
import contextlib
import contextvars
import json
import logging
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from redis.exceptions import RedisError

from engines import access, hints
from engines.live.database import ask
from engines.permissions import Permission
from engines.trail import write as trail
from engines.web import origin
from engines.web.logins import person_of

log = logging.getLogger(__name__)

ENDED = 1000
UNASKED = 1008
BROKEN = 1011
#: The browser does not read, or its person has too many sockets open: it may come again later.
TOO_MUCH = 1013
LOG_IN = 4401
FORBIDDEN = 4403
NO_SUCH_THING = 4404
#: Nothing is asked of an engine that is disabled here.
DISABLED = 4409
#: The engine was lost: the browser may come again.
ENGINE_LOST = 4502

#: A logout or a withdrawn right closes the socket within this many seconds, though no hint of it arrives.
RECHECK_SECONDS = 4
#: After a hint all sockets ask again, spread over this time.
_SPREAD_SECONDS = 0.3
_SEND_SECONDS = 15
#: Of one person in one process: more than tabs anybody opens, and few enough to be asked again all the time.
_MOST_SOCKETS = 256

_open: Counter[int] = Counter()


#: Closing comes first: a denial is written down by a thread that holds up no other socket's check.
_DENIALS = ThreadPoolExecutor(1, thread_name_prefix="live-denials")


class Refused(Exception):
    """The socket is closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Denied(Refused):
    """`user` may not, or not any more."""

    def __init__(self, code: int, user: User) -> None:
        super().__init__(code)
        self.user = user


class GatedConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A socket with a declared permission. Subclasses say what it is about (`rights`, `deny`), what it sends (`serve`)
    and, where the browser may send something, what becomes of that (`take`).

    The gate is asked when it opens, every few seconds, at each hint that somebody's rights changed, and before each
    message of the browser is taken: what comes after a right was withdrawn is not taken.
    """

    #: A Permission, or `login: <why>` where the rows shown are chosen by what the person may see.
    permission: ClassVar[Permission | str]

    def rights(self, user: User) -> frozenset[object]:
        """What `user` may do now with what the socket is about, `permission` among it. Empty: as if it did not exist.

        Synchronous, as `deny`: one hop into a thread reads all that decides.
        """
        raise NotImplementedError

    def deny(self, user: User) -> None:
        """Write down that `user` was refused, by the gate of the pages about the same thing; its errors are let go."""

    async def serve(self) -> int:
        """Send until there is nothing more to send; the code to close with."""
        raise NotImplementedError

    async def take(self, text: str | None, data: bytes | None) -> None:
        """Take one message of the browser, whose person may send it now. Raises Refused.

        Must not wait for an engine: hints and the browser's goodbye are not heard meanwhile.
        """
        raise Refused(UNASKED)

    async def rights_changed(self) -> None:
        """The person may do more or less than before, but still what the socket takes."""

    async def connect(self) -> None:
        self._life: asyncio.Task[None] | None = None
        self._counted: int | None = None
        self._rights: frozenset[object] | None = None
        self._told = asyncio.Event()
        self._asking = asyncio.Lock()
        #: The code of the first refusal: it is written down once, whoever met it.
        self._refused: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # Accepted before it may be refused: a browser shows the close code of an accepted socket only.
        await self.accept()
        # Without Redis it asks by itself.
        with contextlib.suppress(OSError, RedisError):
            await self.channel_layer.group_add(hints.ACCESS, self.channel_name)
        try:
            trail.ORIGIN.set(origin.of_socket(self.scope))
            await self._ask_gate()
        except Refused as refused:
            await self.close(refused.code)
            return
        except Exception:
            log.exception("a socket could not be checked")
            await self.close(BROKEN)
            return
        self._life = asyncio.create_task(self._live())

    async def disconnect(self, code: int) -> None:
        if self._counted is not None:
            _open[self._counted] -= 1
        if self._life is not None:
            self._life.cancel()
        with contextlib.suppress(OSError, RedisError):
            await self.channel_layer.group_discard(hints.ACCESS, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One message of the browser."""
        if self._refused.done():
            return
        try:
            await self._ask_gate()
            await self.take(text_data, bytes_data)
        except Refused as refused:
            self._refuse(refused.code)
        except Exception:
            log.exception("a socket could not take a message")
            self._refuse(BROKEN)

    async def access_changed(self, message: dict[str, Any]) -> None:
        """A hint: somebody's rights changed, perhaps this one's."""
        self._told.set()

    async def send_frame(self, frame: dict[str, Any]) -> None:
        """Send one JSON frame. Raises Refused when the browser has not read for 15 s."""
        await self.send_text(json.dumps(frame, separators=(",", ":")))

    async def send_text(self, text: str) -> None:
        """Send a frame that is encoded already. Raises as `send_frame`."""
        await self._send_in_time(text_data=text)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame. Raises as `send_frame`."""
        await self._send_in_time(bytes_data=data)

    async def _send_in_time(self, **frame: str | bytes) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self.send(**frame)
        except TimeoutError as error:
            raise Refused(TOO_MUCH) from error

    async def _live(self) -> None:
        tasks = [asyncio.create_task(self.serve()), asyncio.create_task(self._recheck())]
        code = ENDED
        try:
            done, _ = await asyncio.wait([*tasks, self._refused], return_when=asyncio.FIRST_COMPLETED)
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
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_SECONDS):
                    await self._told.wait()
                    await asyncio.sleep(random.uniform(0, _SPREAD_SECONDS))  # noqa: S311 (no secret)
            self._told.clear()
            await self._ask_gate()

    async def _ask_gate(self) -> None:
        """Raises Refused."""
        async with self._asking:
            if self._refused.done():
                raise Refused(self._refused.result())
            try:
                user, rights = await ask(self._check)
                self._count(user)
            except Refused as refused:
                self._refuse(refused.code)
                if isinstance(refused, Denied):
                    _DENIALS.submit(contextvars.copy_context().run, self._write_down, refused.user)
                raise
        before, self._rights = self._rights, rights
        if before is not None and rights != before:
            await self.rights_changed()

    def _refuse(self, code: int) -> None:
        if not self._refused.done():
            self._refused.set_result(code)

    def _count(self, user: User) -> None:
        if self._counted is None:
            if _open[user.pk] >= _MOST_SOCKETS:
                raise Refused(TOO_MUCH)
            self._counted = user.pk
            _open[user.pk] += 1

    def _check(self) -> tuple[User, frozenset[object]]:
        """Who it is, and their rights. Raises Refused."""
        user = self._user()
        rights = self.rights(user)
        if self.permission in rights:
            return user, rights
        known = rights or access.must_enrol(user)
        raise Denied(FORBIDDEN if known else NO_SUCH_THING, user)

    def _write_down(self, user: User) -> None:
        try:
            if access.must_enrol(user):
                trail.refused(Permission.EVENT_VIEW, by=user, sentence="No second factor, which the policy asks for.")
            else:
                with contextlib.suppress(Http404, PermissionDenied):
                    self.deny(user)
        except Exception:
            log.exception("a denial could not be written down")
            connection.close()

    def _user(self) -> User:
        """Who this socket's cookie belongs to, by the session row and the user row of now. Raises Refused.

        `scope["user"]` and `scope["session"]` are what they were at the handshake: after a logout they lie.
        """
        user = person_of(self.scope["cookies"].get(settings.SESSION_COOKIE_NAME))
        if user is None:
            raise Refused(LOG_IN)
        return user
