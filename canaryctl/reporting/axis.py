"""Where an axis has its marks, and where a value stands on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log10

from canaryctl.reporting.shown import tick

_STEPS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
)
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of values drawn over a stretch of the picture; ``low`` is drawn at ``start``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Give where a value stands; what lies outside stands at the edge."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def times(began: float, ended: float, most: int) -> Iterator[tuple[float, str]]:
    """Give at most ``most`` marks of a time axis, at round moments, with what is written there."""
    span = max(ended - began, 1.0)
    step = float(next((one for one in _STEPS if span / one <= most), ceil(span / most)))
    mark = ceil(began / step) * step
    while mark <= ended:
        yield mark, tick(mark, step, span)
        mark += step


def marks(high: float, most: int = 4) -> tuple[float, ...]:
    """Give round values from 0 to at most ``high``, about ``most`` of them."""
    if high <= 0:
        return (0.0,)
    rough = high / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * one for one in _NICE if power * one >= rough * (1 - 1e-9))
    return tuple(step * i for i in range(floor(high / step * (1 + 1e-9)) + 1))
