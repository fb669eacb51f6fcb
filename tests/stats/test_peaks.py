"""The most memory a container was seen to use outlives it."""

from dataclasses import replace

from engines.stats import peaks
from engines.stats.types import Sample

SAMPLE = Sample(
    "a" * 64, 1, 0.0, 1, memory=10, memory_limit=100, peak=0, rx=0, tx=0, read=0, write=0, pids=1, used=0, spent=0
)


def test_the_most_is_kept():
    for memory in (10, 30, 20):
        peaks.saw(replace(SAMPLE, memory=memory))
    assert peaks.peak(SAMPLE.id) == 30
    peaks.saw(replace(SAMPLE, peak=50))
    assert peaks.peak(SAMPLE.id) == 50
    assert peaks.peak("b" * 64) == 0


def test_no_more_containers_are_kept_than_fit(monkeypatch):
    monkeypatch.setattr(peaks, "_MOST", 2)
    for letter in "cde":
        peaks.saw(replace(SAMPLE, id=letter * 64))
    assert peaks.peak("e" * 64) == 10
    assert peaks.peak("c" * 64) == 0
