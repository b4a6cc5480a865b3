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


class Schedule:
    """When money goes in: at the first batch, at each later stage, and a little every while."""

    __slots__ = ("_every", "_next", "_stage")

    def __init__(self, every: float = 30.0) -> None:
        self._every = every
        self._stage: float | None = None
        self._next = 0.0

    def due(self, at: float, stage: float) -> float:
        """Give the share to invest now. ``stage`` identifies the stage: its proven time."""
        if self._stage != stage:
            first = self._stage is None
            self._stage, self._next = stage, at + self._every
            return FIRST if first else STAGE
        if at >= self._next:
            self._next = at + self._every
            return PER_MINUTE * self._every / 60
        return 0.0
