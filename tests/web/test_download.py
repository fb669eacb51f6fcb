"""A download goes on as long as its person may have it, and begins only when the engine has begun."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, StreamingHttpResponse
from django.test import Client, RequestFactory

from engines.client.errors import EngineReplied
from engines.models import Engine, Grant
from engines.permissions import Permission
from engines.web import download as module
from engines.web.download import Withdrawn, download

EXPORT = frozenset({Permission.CONTAINER_EXPORT})

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def always_asked(monkeypatch):
    monkeypatch.setattr(module, "RECHECK_SECONDS", 0)


@pytest.fixture
def request_of(cast):
    def make(name: str) -> HttpRequest:
        client = Client()
        client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
        request = RequestFactory().get("/")
        request.COOKIES[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
        request.user = cast[name]
        return request

    return make


async def blocks(closed: list[bool], *, before: object = None) -> AsyncGenerator[bytes, None]:
    try:
        for number in range(4):
            if number == 2 and callable(before):
                await asyncio.to_thread(before)
            yield b"%d" % number
    finally:
        closed.append(True)


def taken(request, engine, source, needs=lambda: EXPORT, **how) -> tuple[StreamingHttpResponse, list[bytes]]:
    """The answer and its body, made in a thread and read on the loop, as the server does both."""

    def start() -> StreamingHttpResponse:
        name, kind = "a\r\nb.tar", "application/x-tar"
        return download(request, engine, needs, source, name=name, kind=kind, **how)

    async def read() -> tuple[StreamingHttpResponse, list[bytes]]:
        answer = await sync_to_async(start)()
        return answer, [part async for part in answer.streaming_content]

    return asyncio.run(read())


def test_all_of_it_comes_as_an_attachment_that_no_browser_shows_as_a_page(engine, request_of):
    closed: list[bool] = []
    answer, body = taken(request_of("operator"), engine, blocks(closed))
    assert body == [b"0", b"1", b"2", b"3"]
    assert closed == [True]
    assert answer["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer["Content-Disposition"]
    assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("change", ["grant", "disabled", "session", "engine"])
def test_what_is_withdrawn_meanwhile_cuts_it_and_lets_the_engine_go(engine, cast, request_of, change):
    request, closed = request_of("operator"), []

    def withdraw() -> None:
        if change == "grant":
            Grant.objects.filter(user=cast["operator"]).delete()
        elif change == "disabled":
            User.objects.filter(pk=cast["operator"].pk).update(is_active=False)
        elif change == "engine":
            Engine.objects.update(enabled=False)
        else:
            User.objects.filter(pk=cast["operator"].pk).update(password="another")

    with pytest.raises(Withdrawn):
        taken(request, engine, blocks(closed, before=withdraw))
    assert closed == [True]


def test_what_the_console_keeps_itself_goes_on_though_the_engine_is_disabled(engine, request_of):
    closed: list[bool] = []

    def disable() -> None:
        Engine.objects.update(enabled=False)

    _, body = taken(request_of("operator"), engine, blocks(closed, before=disable), disabled_too=True)
    assert len(body) == 4


def test_who_has_not_what_it_takes_by_now_does_not_get_the_rest(engine, request_of):
    request, closed, needs = request_of("operator"), [], set(EXPORT)

    def tighten() -> None:
        needs.add(Permission.CONTAINER_ENTER_DANGEROUS)

    with pytest.raises(Withdrawn):
        taken(request, engine, blocks(closed, before=tighten), lambda: frozenset(needs))
    assert closed == [True]


def test_an_engine_that_fails_at_once_is_told_before_anything_is_sent(engine, request_of):
    async def failing() -> AsyncGenerator[bytes, None]:
        raise EngineReplied(404, "No such container: x")
        yield b""

    with pytest.raises(EngineReplied):
        taken(request_of("operator"), engine, failing())
