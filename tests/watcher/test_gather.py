"""Hints: the first at once, a burst as one, the last never lost, and no topic waits for another."""

import asyncio

import pytest

from engines import hints
from engines.watcher.gather import Gatherer

pytestmark = pytest.mark.asyncio


@pytest.fixture
def told(monkeypatch) -> list[str]:
    topics: list[str] = []

    async def announce(_pk: int, topic: str) -> None:
        topics.append(topic)

    monkeypatch.setattr(hints, "announce_change", announce)
    return topics


async def test_a_burst_is_told_at_once_and_once_more_at_its_end(told):
    gatherer = Gatherer(1)
    for _ in range(1000):
        gatherer.add("containers")
    await asyncio.sleep(0.05)
    gatherer.add("containers")
    assert told == ["containers"]
    await asyncio.sleep(0.4)
    assert told == ["containers"] * 2


async def test_topics_do_not_wait_for_each_other(told):
    gatherer = Gatherer(1)
    gatherer.add("state")
    await asyncio.sleep(0.05)
    gatherer.add("containers")
    await asyncio.sleep(0.05)
    assert told == ["state", "containers"]


async def test_a_topic_that_was_quiet_is_told_at_once_again(told):
    gatherer = Gatherer(1)
    gatherer.add("images")
    await asyncio.sleep(0.4)
    gatherer.add("images")
    await asyncio.sleep(0.05)
    assert told == ["images"] * 2
