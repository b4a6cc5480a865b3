"""How far the canary is from stable, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import sqrt


class Good(IntEnum):
    """Which way a difference is an improvement."""

    LOWER = -1
    NEITHER = 0
    HIGHER = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a true value lies.

    Attributes:
        low: its lower end; ``-inf`` when there is none.
        high: its upper end; ``inf`` when there is none.
        level: in how many of 1 such intervals the true value lies, at least: 0.99.
        is_strict: whether it lies between the ends and on neither of them.
    """

    low: float
    high: float
    level: float
    is_strict: bool = False

    @property
    def is_above_zero(self) -> bool:
        """Tell whether the value is surely above 0."""
        return self.low >= 0 if self.is_strict else self.low > 0

    @property
    def is_below_zero(self) -> bool:
        """Tell whether the value is surely below 0."""
        return self.high <= 0 if self.is_strict else self.high < 0

    @property
    def excludes_zero(self) -> bool:
        """Tell whether the value is surely not 0."""
        return self.is_above_zero or self.is_below_zero


@dataclass(frozen=True, slots=True)
class Difference:
    """Canary less stable, of one figure.

    Attributes:
        value: None where one of them has none, or has only a lower end.
        interval: None where none can be given.
        good: which way is an improvement.
    """

    value: float | None
    interval: Interval | None = None
    good: Good = Good.NEITHER

    @property
    def significant(self) -> bool | None:
        """Tell whether it is more than chance; None where that cannot be told."""
        return None if self.interval is None else self.interval.excludes_zero

    @property
    def is_worse(self) -> bool:
        """Tell whether the canary is surely worse."""
        return self._lies(-self.good)

    @property
    def is_improved(self) -> bool:
        """Tell whether the canary is surely better."""
        return self._lies(self.good)

    def _lies(self, way: int) -> bool:
        if self.interval is None or way == 0:
            return False
        return self.interval.is_above_zero if way > 0 else self.interval.is_below_zero


def each_of_two(level: float) -> float:
    """Give the level at which the intervals of two independent samples hold together at ``level``.

    ``(1 - a)² = level``; Šidák 1967, exact for independent ones.
    """
    return sqrt(level)


def of_several(confidence: float, count: int) -> float:
    """Give the level at which ``count`` intervals hold together at ``confidence``, at least.

    Bonferroni's correction: each may miss with ``(1 - confidence) / count``, however they depend
    on each other.
    """
    return 1 - (1 - confidence) / max(count, 1)
