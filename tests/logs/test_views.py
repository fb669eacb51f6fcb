"""Pages and downloads of logs, on a real engine."""

import zlib

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient

from engines.client.connect import call, connect
from engines.models import EngineLimits, Grant
from engines.permissions import Role

LINES = 20_000
SCRIPT = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done; echo oops >&2"
WHOLE = b"".join(b"line %d\n" % number for number in range(LINES))


def place(container: str, rest: str = "") -> str:
    return f"/engines/real/containers/{container}/logs/{rest}"


@pytest.fixture
def ended(make, unix_engine):
    """A container that has written its log and ended."""

    def run(name: str, **body) -> str:
        container = make(name, **body)
        call(connect(unix_engine, 60), "POST", f"/containers/{container}/wait")
        return container

    return run


async def fetched(row, path: str) -> tuple[object, bytes]:
    """What a viewer of the engine gets; read as the server does, from the one event loop."""

    def viewer() -> User:
        user = User.objects.create_user("reader")
        Grant.objects.create(engine=row, user=user, role=Role.VIEWER)
        return user

    client = AsyncClient()
    await client.aforce_login(await sync_to_async(viewer)(), backend=settings.AUTHENTICATION_BACKENDS[0])
    answer = await client.get(path)
    if not answer.streaming:
        return answer, answer.content
    return answer, b"".join([block async for block in answer.streaming_content])


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["plain", "gz"])
async def test_the_whole_log_comes_as_a_file(row, ended, kind):
    container = await sync_to_async(ended)(f"download-{kind}", Cmd=["sh", "-c", SCRIPT])
    answer, body = await fetched(row, place(container, f"download/?format={kind}"))
    assert f'filename="download-{kind}-' in answer["Content-Disposition"]
    assert answer["Content-Disposition"].endswith('.log.gz"' if kind == "gz" else '.log"')
    text = zlib.decompress(body, wbits=31) if kind == "gz" else body
    assert text.replace(b"oops\n", b"") == WHOLE
    assert text.count(b"oops\n") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_a_file_holds_what_is_wanted(row, ended):
    container = await sync_to_async(ended)("download-some", Cmd=["sh", "-c", SCRIPT])
    _, body = await fetched(row, place(container, "download/?stdout=0&timestamps=1&since=2020-01-01T00:00:00Z"))
    stamp, text = body.split(b" ")
    assert stamp.startswith(b"20") and stamp.endswith(b"Z") and text == b"oops\n"


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_a_log_of_nothing_is_an_empty_file(row, ended):
    container = await sync_to_async(ended)("download-empty", Cmd=["true"])
    answer, body = await fetched(row, place(container, "download/?format=gz"))
    assert answer.status_code == 200
    assert zlib.decompress(body, wbits=31) == b""


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["since=yesterday", "until=1e9", "stdout=0&stderr=0", "tail=all,"])
def test_what_cannot_be_wanted_is_a_bad_request(enter, make, query):
    container = make("download-bad")
    assert enter("viewer").get(place(container, f"download/?{query}")).status_code == 400


@pytest.mark.django_db
def test_an_engine_that_gives_no_log_is_told_as_a_page(enter, make):
    container = make("download-none", HostConfig={"LogConfig": {"Type": "none"}})
    answer = enter("viewer").get(place(container, "download/"))
    assert answer.status_code == 502
    assert b"logging driver" in answer.content


@pytest.mark.django_db
def test_a_page_names_its_container_by_its_whole_id(enter, make):
    container = make("page-log")
    answer = enter("viewer").get(place("page-log"))
    assert answer.context["sources"] == [
        {
            "id": container,
            "name": "page-log",
            "page": place(container),
            "download": place(container, "download/"),
            "socket": f"/ws{place(container)}",
        }
    ]


@pytest.mark.django_db
def test_several_logs_are_chosen_by_name_or_id_and_one_that_is_not_there_is_told(enter, make):
    first, second = make("many-a"), make("many-b")
    answer = enter("viewer").get(f"/engines/real/logs/?container=many-a&container={second}&container=nowhere")
    assert [source["id"] for source in answer.context["sources"]] == [first, second]
    assert answer.context["missing"] == ["nowhere"]
    chosen = {choice["id"]: choice["chosen"] for choice in answer.context["choices"]}
    assert chosen[first] and chosen[second]
    assert enter("operator").get("/engines/real/logs/").context["sources"] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "status"), [("viewer", 403), ("operator", 200)])
@pytest.mark.parametrize("where", ["logs/", "logs/download/?tail=1", "merged"])
def test_where_logs_are_for_operators_no_page_of_them_opens_to_a_viewer(enter, ended, row, name, status, where):
    container = ended(f"closed-{name}-{len(where)}", Cmd=["true"])
    EngineLimits.objects.create(engine=row, logs_need_operator=True)
    merged = f"/engines/real/logs/?container={container}"
    path = merged if where == "merged" else f"/engines/real/containers/{container}/{where}"
    assert enter(name).get(path).status_code == status
