"""Betting on a defect whose beginning is unknown.

One unit is staked against the hypothesis that the canary is healthy. A part of what is left
goes in at the first batch, at each later stage, and a little all the time, so that a defect
that begins late meets fresh money. Each part is multiplied by likelihood ratios with conditional
mean at most 1 for a healthy canary; what is left keeps its value. So the whole is an e-process,
and by Ville's inequality it ever reaches ``1/a`` with probability at most ``a``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

FIRST = 0.7
STAGE = 0.25
PER_MINUTE = 0.024
EVERY = 30.0
"""Seconds between two of the small investments."""
MOST = 700.0
"""Logarithms are kept below this, so that nothing overflows however bad it is."""


class Stake:
    """What is left, and what each alternative has grown to."""

    __slots__ = ("_odds", "left", "parts")

    def __init__(self, odds: Sequence[float]) -> None:
        """Begin with nothing invested. ``odds``: how the alternatives share each investment."""
        whole = sum(odds)
        self._odds = [one / whole for one in odds]
        self.left = 1.0
        self.parts = [0.0] * len(odds)

    def invest(self, share: float) -> None:
        """Put a share of what is left on the alternatives."""
        moved = self.left * share
        self.left -= moved
        self.parts = [
            part + moved * odds for part, odds in zip(self.parts, self._odds, strict=True)
        ]

    def grow(self, logs: list[float]) -> None:
        """Multiply each part by ``exp`` of its logarithm."""
        self.parts = [
            min(part * exp(min(log, MOST)), 1e290)
            for part, log in zip(self.parts, logs, strict=True)
        ]

    @property
    def value(self) -> float:
        """The e-value."""
        return self.left + sum(self.parts)

    def value_with(self, logs: list[float]) -> float:
        """The e-value if each part were multiplied so."""
        return self.left + sum(
            part * exp(min(log, MOST / 2)) if part < 1e130 else part  # noqa: PLR2004  no overflow
            for part, log in zip(self.parts, logs, strict=True)
        )


class Stakes:
    """Two of them: for a defect that is there from the first batch, and for a later one.

    Each is an e-process, so their average with fixed weights is. A later one has to be found soon
    above all if it is gross, so that its stake is divided more evenly.
    """

    __slots__ = ("first", "later")

    def __init__(self, odds: Sequence[float]) -> None:
        """Put all of the first on the alternatives, and none of the other yet."""
        even = sum(odds) / len(odds)
        self.first = Stake(odds)
        self.first.invest(1.0)
        self.later = Stake([(one + even) / 2 for one in odds])

    def grow(self, first: list[float], later: list[float]) -> None:
        """Multiply the parts of each."""
        self.first.grow(first)
        self.later.grow(later)

    @property
    def value(self) -> float:
        """The e-value."""
        return FIRST * self.first.value + (1 - FIRST) * self.later.value

    def value_with(self, first: list[float], later: list[float]) -> float:
        """The e-value if the parts were multiplied so."""
        return FIRST * self.first.value_with(first) + (1 - FIRST) * self.later.value_with(later)


class Schedule:
    """When money goes in: at the first batch, at each later stage, and a little every while."""

    __slots__ = ("_every", "_first", "_next", "_stage")

    def __init__(self, every: float = EVERY, *, first: float = FIRST) -> None:
        self._every, self._first = every, first
        self._stage: float | None = None
        self._next = 0.0

    def due(self, at: float, stage: float) -> float:
        """Give the share to invest now. ``stage`` identifies the stage: its proven time."""
        if self._stage != stage:
            first = self._stage is None
            self._stage, self._next = stage, at + self._every
            return self._first if first else STAGE
        if at >= self._next:
            self._next = at + self._every
            return PER_MINUTE / 2
        return 0.0
