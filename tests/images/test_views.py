"""The pages of images on a real engine."""

import html
import time

import pytest
from django.http import QueryDict

from engines import reach
from engines.client.connect import connect
from engines.images.queries import Choice, chosen
from engines.images.types import Image
from engines.models import Engine, Operation
from engines.operations import tasks

pytestmark = pytest.mark.django_db


def text(reply) -> str:
    return html.unescape(reply.content.decode())


def test_the_list_shows_what_the_engine_has_and_offers_what_the_role_may(enter):
    viewer, builder = (
        text(enter("viewer").get("/engines/real/images/")),
        text(enter("builder").get("/engines/real/images/")),
    )
    assert "busybox:local" in viewer
    assert "containers/create/?image=" not in viewer
    assert "containers/create/?image=busybox%3Alocal" in builder
    assert "/images/pull/" in builder


def test_a_part_is_only_the_rows(enter):
    part = text(enter("viewer").get("/engines/real/images/?q=nothing", headers={"HX-Request": "true"}))
    assert "No image matches" in part
    assert "<html" not in part


def test_a_pull_is_an_operation_and_the_same_form_twice_starts_one(enter, monkeypatch):
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)
    fields = {"reference": "busybox", "form_token": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}
    client = enter("builder")
    first, second = (client.post("/engines/real/images/pull/", fields) for _ in range(2))
    operation = Operation.objects.get()
    assert first["Location"] == second["Location"] == f"/operations/{operation.pk}/"
    assert (operation.kind, operation.spec) == ("image.pull", {"reference": "busybox:latest"})


@pytest.mark.parametrize(
    "bad", ["", "UPPER", "a b", "x:", "../../networks/bridge", "a@sha256:123", "-a", "a" * 600, "a\x00b"]
)
def test_what_is_no_reference_is_told_at_the_field(enter, bad):
    reply = enter("builder").post("/engines/real/images/pull/", {"reference": bad})
    assert reply.status_code == 422
    assert 'class="errors"' in text(reply)
    assert not Operation.objects.exists()


def test_an_operator_may_not_pull(enter):
    client = enter("operator")
    assert client.get("/engines/real/images/pull/").status_code == 403
    assert client.post("/engines/real/images/pull/", {"reference": "a"}).status_code == 403


def test_a_hung_engine_costs_the_page_ten_seconds_and_gives_a_sentence(enter, row, fresh_host):
    Engine.objects.update(url=str(fresh_host.endpoint.address))
    client = enter("viewer")
    fresh_host.engine.suspend()
    try:
        began = time.monotonic()
        reply = client.get("/engines/real/images/")
        took = time.monotonic() - began
    finally:
        fresh_host.engine.resume()
    assert reply.status_code == 502
    assert took < 11
    assert "The engine did not answer within 10 s." in text(reply)
    assert "not overloaded or hanging" in text(reply)


def test_an_engine_that_is_gone_is_told_in_a_part_as_well(enter, row, fresh_host):
    Engine.objects.update(url=str(fresh_host.endpoint.address))
    fresh_host.engine.kill()
    reply = enter("viewer").get("/engines/real/images/", headers={"HX-Request": "true"})
    assert reply.status_code == 502
    assert "Check" in text(reply)
    assert "<html" not in text(reply)


def test_a_list_costs_one_call(enter, row, monkeypatch):
    made = []
    monkeypatch.setattr(reach, "client", lambda engine: made.append(connect(reach.endpoint(engine))) or made[-1])
    assert enter("viewer").get("/engines/real/images/?q=busy&sort=-size").status_code == 200
    assert [request.path for each in made for request in each.requests] == [f"/v{row.api_version}/images/json"]


@pytest.mark.parametrize(
    ("name", "status"), [("anonymous", 302), ("stranger", 404), ("viewer", 200), ("operator", 200), ("manager", 200)]
)
def test_who_sees_the_list(enter, name, status):
    assert enter(name).get("/engines/real/images/").status_code == status


@pytest.mark.parametrize("name", ["stranger", "anonymous"])
def test_who_may_not_see_the_engine_cannot_pull(enter, name):
    reply = enter(name).post("/engines/real/images/pull/", {"reference": "a"})
    assert reply.status_code in {302, 404}
    assert not Operation.objects.exists()


@pytest.mark.parametrize("reply", [{}, None, "x", 5, [None, 5, "x", [], {}], [{"Id": None}] * 3])
def test_a_hostile_list_is_no_error_page(enter, pretender, reply):
    client = enter("viewer")
    Engine.objects.update(url=str(pretender(reply=reply).address))
    assert client.get("/engines/real/images/").status_code in {200, 502}


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None, 1], True, -1, 1 << 80])
def test_wrong_types_become_nothing(value):
    for key in ("Id", "RepoTags", "RepoDigests", "Created", "Size", "Containers"):
        Image.from_api({key: value})


def test_filter_sort_and_sums():
    every = [
        Image("sha256:aa", ("b:1",), (), 10, 5),
        Image("sha256:bb", (), ("a@sha256:1",), 30, 50),
        Image("sha256:cc", ("c:1", "d:1"), (), 20, 500),
    ]
    assert [image.name for image in chosen(every, Choice()).rows] == ["b:1", "c:1", "a"]
    assert [image.name for image in chosen(every, Choice(sort="size")).rows] == ["c:1", "a", "b:1"]
    assert [image.name for image in chosen(every, Choice(q="d:1")).rows] == ["c:1"]
    assert [image.name for image in chosen(every, Choice(show="dangling")).rows] == ["a"]
    assert (chosen(every, Choice()).size, chosen(every, Choice()).dangling) == (555, 1)
    # The chips count what the words find, the sums are of all.
    found = chosen(every, Choice(q="b:", show="dangling"))
    assert (found.rows, found.found, found.dangling, found.total, found.size) == ([], 1, 0, 3, 555)


@pytest.mark.parametrize(
    ("query", "order"),
    [("", "ascending"), ("-name", "descending"), ("size", "descending"), ("-size", "ascending")],
)
def test_a_column_s_arrow_tells_how_its_values_run(query, order):
    choice = Choice.from_query(QueryDict(f"sort={query}"))
    assert [now for _, _, now, _ in choice.heads() if now] == [order]


def test_what_is_typed_goes_into_the_address(enter):
    client = enter("viewer")
    for query in ("?q=busy", "?q=a+b%26c&show=dangling&sort=-size"):
        part = client.get(f"/engines/real/images/{query}", headers={"HX-Request": "true"})
        assert part["HX-Replace-Url"] == query
    part = client.get("/engines/real/images/?q=&show=&sort=name", headers={"HX-Request": "true"})
    assert part["HX-Replace-Url"] == "/engines/real/images/"
