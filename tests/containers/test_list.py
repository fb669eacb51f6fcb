"""How the list looks, grouped and as each person likes it; and what it never shows or does."""

import html
import re

import pytest

from engines.containers import listing
from engines.containers.layout import COLUMNS
from engines.containers.listing import Choice, chosen, grouped, paged
from engines.containers.rows import Look, bodies, rows
from engines.containers.types import Container
from engines.models import ListChoice
from tests.containers.test_views import HTMX, text

LIST = "/engines/real/containers/"
OUR_TAGS = {"tbody", "tr", "td", "th", "a", "div", "span", "code", "input", "button", "svg", "use"}
EVIL = "<script>alert(1)</script>\"'&\u202e\x00\x1b[31m"


def look(**changed) -> Look:
    verbs = dict.fromkeys(("start", "stop", "unpause", "remove"), True)
    return Look(**{"base": "/c/", "host": "h", "may": verbs, "values": True, **changed})


def entry(**changed) -> dict:
    return {
        "Id": "a" * 64,
        "Names": ["/web"],
        "Image": "busybox:local",
        "State": "running",
        "Status": "Up 2 hours",
        "Created": 1,
        "Command": "run --password hunter2",
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
        "Mounts": [{"Type": "bind"}, {"Type": "volume"}],
        "SizeRw": 2_000_000,
        "NetworkSettings": {"Networks": {"b": {"IPAddress": "10.0.0.2"}, "a": {"IPAddress": "", "x": 1}, "c": None}},
        **changed,
    }


def cells(container: Container, key: str, **changed) -> str:
    made = rows([container], [key], {"": look(**changed)})
    return html.unescape(re.sub("<[^>]*>", "", made.split('<td class="state">')[1]))


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("project", "shop"),
        ("service", "web"),
        ("ip", "10.0.0.2"),
        ("networks", "a, b"),
        ("command", "run --password hunter2"),
        ("mounts", "2"),
        ("size", "2.0 MB"),
        ("status", "Up 2 hours"),
        ("labels", "com.docker.compose.service=web"),
    ],
)
def test_each_column_says_what_the_engine_does(key, shown):
    assert shown in cells(Container.from_api(entry()), key)


def test_arguments_are_hidden_from_those_who_could_not_read_them_inside():
    container = Container.from_api(entry())
    assert "hunter2" not in rows([container], list(COLUMNS), {"": look(values=False)})
    assert "run ••••••" in cells(container, "command", values=False)


def test_a_hostile_engine_writes_no_markup_whatever_the_columns():
    names = ("Image", "State", "Status", "Command")
    networks = {"Networks": {EVIL: {"IPAddress": EVIL}}}
    labels = {EVIL: EVIL, "com.docker.compose.project": EVIL, "com.docker.compose.service": EVIL}
    bad = Container.from_api(
        entry(Names=[f"/{EVIL}"], Id=EVIL, Labels=labels, NetworkSettings=networks, **dict.fromkeys(names, EVIL))
    )
    for made in (
        rows([bad], ["engine", *COLUMNS], {"": look(engine=EVIL)}),
        bodies(grouped([bad]), list(COLUMNS), {"": look()}, width=9),
    ):
        assert "<script" not in made
        assert set(re.findall(r"<(\w+)", made)) <= OUR_TAGS


def test_wrong_types_become_nothing():
    odd = {
        "Command": 3,
        "Mounts": "x",
        "SizeRw": -5,
        "NetworkSettings": {"Networks": [1]},
        "Labels": [],
        "Status": None,
    }
    container = Container.from_api(entry(**odd))
    assert (container.command, container.mounts, container.size_bytes, container.networks) == ("", 0, 0, ())
    rows([container], list(COLUMNS), {"": look()})


def some(*names: str, **labels: str) -> list[Container]:
    project = "com.docker.compose.project"
    return [
        Container.from_api(entry(Id=name, Names=[f"/{name}"], Labels={project: labels.get(name, "")})) for name in names
    ]


def test_groups_stand_in_the_order_of_their_names_and_what_has_none_last():
    found = grouped(chosen(some("a", "b", "c", "d", a="zoo", c="Bar", d="zoo"), Choice()).rows)
    assert [(name, [each.name for each in members]) for name, members in found] == [
        ("Bar", ["c"]),
        ("zoo", ["a", "d"]),
        ("", ["b"]),
    ]


def test_a_project_narrows_exactly_and_a_page_beyond_the_last_is_the_last():
    every = some(*(f"n{number:03}" for number in range(250)), n000="shop", n001="shop-2")
    assert [each.name for each in chosen(every, Choice(project="shop")).rows] == ["n000"]
    pages = [paged(chosen(every, Choice()), page) for page in (1, 3, 99)]
    assert [(made.rows[0].name, len(made.rows), made.page) for made in pages] == [
        ("n000", 100, 1),
        ("n200", 50, 3),
        ("n200", 50, 3),
    ]


@pytest.mark.django_db
def test_a_person_s_columns_stay_in_their_order_and_are_nobody_else_s(enter, make):
    make("boat", Labels={"com.docker.compose.project": "fleet"})
    viewer, operator = enter("viewer"), enter("operator")
    chosen_columns = ["grouped", "command", "status", "<script>", "image"]
    assert viewer.post(f"{LIST}columns/", {"column": chosen_columns}).status_code == 302
    page = text(viewer.get(LIST))
    heads = re.findall(r"<th class=\"[^\"]*\"[^>]*>(?:<a[^>]*>)?([A-Z]\w+)", page)
    assert heads == ["Name", "State", "Command", "Status", "Image"]
    assert 'data-group="fleet"' in page and "sleep ••••••" in page
    assert 'data-group="fleet"' not in text(viewer.get(f"{LIST}?grouped=0"))
    assert "Command</th>" not in text(operator.get(LIST))
    viewer.post(f"{LIST}columns/", {"usual": "1"})
    assert not ListChoice.objects.exists()
    assert "Command</th>" not in text(viewer.get(LIST))


@pytest.mark.django_db
def test_sizes_are_asked_for_only_where_they_are_shown(enter, make, monkeypatch):
    make("boat")
    asked: list[object] = []
    real = listing.call
    monkeypatch.setattr(
        listing, "call", lambda *args, **kwargs: (asked.append(kwargs["params"]), real(*args, **kwargs))[1]
    )
    viewer = enter("viewer")
    viewer.get(LIST)
    viewer.post(f"{LIST}columns/", {"column": ["size"]})
    viewer.get(LIST)
    assert asked == [{"all": "1"}, {"all": "1", "size": "1"}]


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_engine_that_fails_while_the_page_is_made_is_still_a_page_that_says_so(enter, tmp_path, row, headers):
    row.url = f"unix://{tmp_path}/none.sock"
    row.save()
    reply = enter("viewer").get(LIST, headers=headers)
    assert reply.status_code == 502
    assert "There is no socket at this path." in text(reply)


@pytest.mark.django_db(transaction=True)
def test_a_bulk_pauses_and_lets_go_on(enter, unix_engine, make):
    ids = [make("tug-a"), make("tug-b")]
    operator = enter("operator")
    for verb, word in (("pause", "paused"), ("unpause", "goes on")):
        told = text(operator.post(f"{LIST}bulk/", {"verb": verb, "id": ids}, headers=HTMX))
        assert "2 done" in told and f"tug-b {word}." in told
