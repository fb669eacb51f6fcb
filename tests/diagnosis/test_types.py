"""Replies of engines that lie: nothing here raises, and nothing grows without bound."""

import json

import pytest

from engines.diagnosis.types import Event, Health, Processes, Tree, harmless, moment

WRONG = [None, 3, "text", [], {}, [None], {"a": None}, -1, True, float("nan"), 1 << 70]


def walk(nodes):
    for node in nodes:
        yield node
        yield from walk(node.children)


def test_a_tree_has_a_path_to_every_value():
    tree = Tree({"State": {"Pid": 3, "Dead": False}, "Mounts": [{"Source": "/x"}], "Labels": {"a.b": None}})
    values = {node.path: node.value for node in walk(tree.nodes) if node.kind != "branch"}
    assert values == {
        ".State.Pid": "3",
        ".State.Dead": "false",
        ".Mounts[0].Source": "/x",
        '.Labels["a.b"]': "null",
    }
    assert not tree.cut


def test_a_tree_ends_where_an_engine_does_not():
    deep: object = "end"
    for _ in range(400):
        deep = [deep]
    assert len(list(walk(Tree({"deep": deep}).nodes))) < 40
    wide = Tree({str(number): number for number in range(20_000)})
    assert wide.cut
    assert len(wide.nodes) < 7_000


@pytest.mark.parametrize("value", WRONG)
def test_wrong_types_become_nothing(value):
    Health.from_api({"State": {"Health": value}, "Config": {"Healthcheck": value}})
    Health.from_api({"State": {"Health": {"Log": [value], "Status": value, "FailingStreak": value}}})
    Health.from_api(
        {"State": {"Health": {"Log": [{"Start": value, "End": value, "ExitCode": value, "Output": value}]}}}
    )
    Processes.from_api({"Titles": value, "Processes": value})
    Processes.from_api({"Titles": ["PID"], "Processes": [value]}).sorted("PID", descending=True)
    Event.from_api({"timeNano": value, "Action": value, "Actor": value})
    Event.from_api({"timeNano": 1, "Action": "die", "Actor": {"Attributes": value}})
    assert moment(value) is None


def test_processes_sort_by_number_where_they_are_numbers():
    listed = Processes.from_api({"Titles": ["PID", "CMD"], "Processes": [["10", "b"], ["9", "a"], ["100", "c"]]})
    assert [row[0] for row in listed.sorted("PID", descending=False).rows] == ["9", "10", "100"]
    assert [row[1] for row in listed.sorted("CMD", descending=True).rows] == ["c", "b", "a"]
    assert listed.sorted("nothing", descending=False) == listed


def test_the_next_probe_is_an_interval_after_the_last_one():
    reply = {
        "State": {
            "Health": {
                "Status": "unhealthy",
                "FailingStreak": 4,
                "Log": [
                    {"Start": "2026-01-01T00:00:00Z", "End": "2026-01-01T00:00:01Z", "ExitCode": 1, "Output": "no"},
                    {"Start": "2026-01-01T00:00:31Z", "End": "2026-01-01T00:00:33Z", "ExitCode": 0, "Output": "yes"},
                ],
            }
        },
        "Config": {"Healthcheck": {"Test": ["CMD-SHELL", "test -f /ok"], "Interval": 5_000_000_000}},
    }
    health = Health.from_api(json.loads(json.dumps(reply)))
    assert (health.test, health.tone, health.probes[0].output) == ("test -f /ok", "danger", "yes")
    assert health.probes[0].seconds == 2
    assert health.next_at.isoformat() == "2026-01-01T00:00:38+00:00"


def test_a_disabled_health_check_is_none():
    config = {"Healthcheck": {"Test": ["NONE"]}}
    assert Health.from_api({"State": {"Health": {"Status": "none"}}, "Config": config}) is None


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b]0;title\x07kept", "kept"),
        ("\x1b]52;c;c2VjcmV0\x1b\\kept", "kept"),
        ("a\u202eb\0c", "a\\u202eb\\u0000c"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_a_line_shows_nothing_it_hides(line, shown):
    assert harmless(line) == shown
