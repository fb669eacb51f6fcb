"""How a measurement is printed: what, figure, peer, ratio, target, and whether the target is met."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One measured figure. `ratio` is to the peer of the same run, or the figure itself where there is none."""

    number: str
    what: str
    figure: str
    ratio: float
    target: float
    unit: str = "x"
    least: bool = False

    @property
    def met(self) -> bool:
        return self.ratio >= self.target if self.least else self.ratio <= self.target

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        verdict = "met" if self.met else "MISSED"
        return (
            f"{self.number:4} {self.what:62} {self.figure:44} {self.ratio:9.3f} {self.unit:3}"
            f" target {sign} {self.target:g}  {verdict}"
        )


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: list[float]) -> float:
    return quantile(values, 0.5)
