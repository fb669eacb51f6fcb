"""What engines say, read tolerantly."""

import pytest

from engines.watcher.reading import Event, Reading


def test_a_reading_takes_what_a_card_shows():
    reading = Reading.from_api(
        {"ServerVersion": "29.1", "NCPU": 4, "MemTotal": 1 << 30, "ContainersRunning": 3, "Images": 7, "Extra": []}
    )
    assert (reading.version, reading.cpus, reading.memory_bytes, reading.running) == ("29.1", 4, 1 << 30, 3)


@pytest.mark.parametrize("value", [None, [], {}, "x", -1, True, 1 << 70, 1.5])
def test_wrong_types_become_nothing(value):
    reading = Reading.from_api({"NCPU": value, "ServerVersion": value if not isinstance(value, str) else 5})
    assert (reading.cpus, reading.version) == (0, "")


@pytest.mark.parametrize(
    ("kind", "action", "topic"),
    [
        ("container", "start", "containers"),
        ("container", "health_status: healthy", "containers"),
        ("container", "exec_create: sh -c test", ""),
        ("container", "exec_die", ""),
        ("container", "top", ""),
        ("image", "pull", "images"),
        ("volume", "create", "volumes"),
        ("network", "connect", "networks"),
        ("plugin", "enable", ""),
    ],
)
def test_only_what_a_list_shows_is_hinted(kind, action, topic):
    assert Event.from_api({"Type": kind, "Action": action}).topic == topic


def test_the_cursor_is_the_next_nanosecond():
    assert Event("", 1_700_000_000_999_999_999).cursor == "1700000001.000000000"
    assert Event("", 0).cursor == ""
