"""Pages of operations."""

import uuid

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import Client

from engines.models import LogChunk, Operation

pytestmark = pytest.mark.django_db


@pytest.fixture
def operation(engine) -> Operation:
    made = Operation.objects.create(
        engine=engine,
        engine_name="Harbour",
        kind="image.build",
        title="Build <b>shop</b>",
        created_by_name="somebody",
        status="RUNNING",
        fence=uuid.uuid4(),
    )
    for number in range(1, 4):
        LogChunk.objects.create(operation=made, seq=number, text=f"line {number} <script>\n")
    return made


async def whole(reply) -> list[str]:
    return [part.decode() async for part in reply.streaming_content]


def login(user) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def test_the_list_is_narrowed_by_what_is_asked_and_takes_few_queries(
    cast, operation, engine, django_assert_max_num_queries
):
    for number in range(60):
        Operation.objects.create(engine=engine, engine_name="Harbour", kind="image.pull", title=f"Pull {number}")
    client = login(cast["viewer"])
    with django_assert_max_num_queries(17):
        page = client.get("/operations/?status=RUNNING")
    assert b"Build &lt;b&gt;shop" in page.content
    assert b"Pull 1" not in page.content
    part = client.get("/operations/?q=pull+59", headers={"HX-Request": "true"})
    assert b"Pull 59" in part.content
    assert b"<html" not in part.content


def test_a_stranger_sees_no_operation_and_no_count(cast, operation):
    client = login(cast["stranger"])
    assert b"shop" not in client.get("/operations/").content
    assert client.get("/operations/indicator/").content.strip() == b""
    assert client.get(f"/operations/{operation.pk}/log.txt").status_code == 404


def test_what_a_build_printed_is_only_text(cast, operation):
    page = login(cast["viewer"]).get(f"/operations/{operation.pk}/").content
    assert b"line 3 &lt;script&gt;" in page
    assert b"<script>\n" not in page


def test_the_log_is_downloaded_as_it_stands_while_it_runs(cast, operation):
    reply = login(cast["viewer"]).get(f"/operations/{operation.pk}/log.txt")
    assert reply["Content-Type"] == "text/plain; charset=utf-8"
    assert "".join(async_to_sync(whole)(reply)) == "".join(f"line {number} <script>\n" for number in (1, 2, 3))


def test_others_operations_are_cancelled_by_a_manager_only(cast, operation):
    for name, status in (("viewer", 403), ("operator", 403), ("builder", 403), ("manager", 302)):
        assert login(cast[name]).post(f"/operations/{operation.pk}/cancel/").status_code == status
    operation.refresh_from_db()
    assert operation.cancelled_by_name == "manager"


def test_an_operation_of_a_removed_engine_is_kept_for_administrators(cast, operation, engine):
    engine.delete()
    assert login(cast["administrator"]).get(f"/operations/{operation.pk}/").status_code == 200
    assert login(cast["manager"]).get(f"/operations/{operation.pk}/").status_code == 404


def test_nothing_is_run_again_on_a_disabled_engine(cast, operation, engine):
    Operation.objects.update(status="FAILED")
    type(engine).objects.update(enabled=False)
    client = login(cast["builder"])
    assert "Run again" not in client.get(f"/operations/{operation.pk}/").content.decode()
    assert client.post(f"/operations/{operation.pk}/repeat/").status_code == 403
    assert Operation.objects.count() == 1
