"""Downloads that take their time: what an engine gives, passed on as it comes, as long as the person may have it."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from engines import access
from engines.models import Engine
from engines.web.gate import person
from engines.web.logins import person_of

#: A logout or a withdrawn right ends a download within this many seconds.
RECHECK_SECONDS = 4
#: A file of an engine is never shown by the browser as a page of this console.
_POLICY = "default-src 'none'; sandbox"

Blocks = AsyncGenerator[bytes, None]


class Withdrawn(Exception):
    """The person may not have the rest: the connection is cut, which a browser tells as a failed download."""


def download(
    request: HttpRequest,
    engine: Engine,
    needs: access.Needs,
    blocks: Blocks,
    *,
    name: str,
    kind: str,
    disabled_too: bool = False,
) -> StreamingHttpResponse:
    """An attachment called `name`, of the media type `kind`, made of `blocks`. For views behind the gate.

    While it runs it ends for who is not held to have what it `needs` any more, and when the engine is disabled, unless
    it goes on `disabled_too`.

    The first block is taken here, so that an engine that fails at once becomes a page: raises what `blocks` raises.
    What fails later cuts the connection. Nothing is kept: a browser that reads slowly slows the engine.
    """
    first = async_to_sync(_first)(blocks)
    body = _passed_on(first, blocks, _Holder(request, engine, needs, disabled_too))
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "Content-Security-Policy": _POLICY,
    }
    return StreamingHttpResponse(body, content_type=kind, headers=headers)


class _Holder:
    """Who the download is for, asked again while it runs."""

    def __init__(self, request: HttpRequest, engine: Engine, needs: access.Needs, disabled_too: bool) -> None:
        self._login = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        self._user, self._engine, self._needs = person(request), engine, needs
        self._disabled_too = disabled_too

    def may(self) -> bool:
        try:
            user, engine = person_of(self._login), Engine.objects.filter(pk=self._engine.pk).first()
            if user != self._user or engine is None or not (engine.enabled or self._disabled_too):
                return False
            return access.held(self._user, engine) >= self._needs()
        finally:
            # Of this thread: nobody else closes it.
            connection.close()


async def _first(blocks: Blocks) -> bytes:
    return await anext(blocks, b"")


async def _passed_on(first: bytes, blocks: Blocks, holder: _Holder) -> Blocks:
    asked = time.monotonic()
    async with aclosing(blocks):
        yield first
        async for block in blocks:
            if time.monotonic() - asked >= RECHECK_SECONDS:
                if not await sync_to_async(holder.may, thread_sensitive=False)():
                    raise Withdrawn
                asked = time.monotonic()
            yield block
