"""Why a container stopped: each way to end has its sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from engines.diagnosis.types import Event
from engines.diagnosis.verdict import Act, Death, causes, meaning

END = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(action: str, **attributes: str) -> Event:
    return Event(END, action, attributes)


def test_an_exit_code_says_what_it_means():
    assert "reported success" in meaning(0)
    assert "not found" in meaning(127)
    assert "SIGSEGV" in meaning(139)
    assert "its own code 42" in meaning(42)
    assert "its own code 100000" in meaning(100000)


def test_memory_comes_before_the_signal_that_followed_from_it():
    found = causes(Death(137, END, oom_killed=True, memory_limit="16.0 MiB"))
    assert "up to its limit of 16.0 MiB" in found[0]
    assert "SIGKILL" in found[-1]


def test_the_engine_s_own_word_comes_first():
    assert causes(Death(127, END, error="exec: no such file"))[0] == "The engine could not run it: exec: no such file"


def test_who_stopped_it_is_named_and_its_stubbornness_told():
    act = Act("container.stop", END - timedelta(seconds=10), END, "mara")
    death = Death(137, END, events=[event("kill", signal="15"), event("kill", signal="9")], acts=[act])
    found = causes(death)
    assert found[0] == "mara stopped it through this console."
    assert "did not end when it was asked to" in found[1]


def test_who_may_not_read_the_trail_learns_no_name():
    assert causes(Death(0, END, acts=[Act("container.kill", END, END, "")]))[0].startswith("Somebody sent a signal")


@pytest.mark.parametrize("name", ["container.start", "container.exec"])
def test_an_act_that_ends_nothing_is_no_cause(name):
    assert causes(Death(1, END, acts=[Act(name, END, END, "mara")])) == [meaning(1)]


def test_an_act_long_before_or_after_is_no_cause():
    for began in (END - timedelta(minutes=5), END + timedelta(minutes=1)):
        act = Act("container.stop", began, began + timedelta(seconds=1), "mara")
        assert causes(Death(0, END, acts=[act])) == [meaning(0)]


def test_a_signal_that_this_console_did_not_send_is_told():
    assert "past this console" in causes(Death(143, END, events=[event("kill", signal="15")]))[0]
