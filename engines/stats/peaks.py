"""The most memory that each container was seen to use, by this process since it began: for when it has ended."""

from collections import OrderedDict

from engines.stats.types import Sample

#: The containers seen last are kept.
_MOST = 10_000

_peaks: OrderedDict[str, int] = OrderedDict()


def saw(sample: Sample) -> None:
    """Keep it, if it is the most so far: what the engine says was the most, else what is used now."""
    _peaks[sample.id] = max(_peaks.pop(sample.id, 0), sample.peak, sample.memory)
    while len(_peaks) > _MOST:
        _peaks.popitem(last=False)


def peak(container: str) -> int:
    """In bytes; 0 where it was never looked at. `container` is its whole id."""
    return _peaks.get(container, 0)
