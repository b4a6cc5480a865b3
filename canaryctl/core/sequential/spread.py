"""What stable shows: its usual fraction of bad requests, and how it scatters from minute to minute.

Requests fail in company. If a minute's rate is itself random with mean ``p`` and relative variance
``t``, a minute's count has variance ``μ + tμ²`` instead of ``μ``. ``t`` is measured on stable by
moments over closed calm minutes, shrunk towards what the terms assume. Minutes far beyond that are
bursts: how often they begin, how likely they go on and how bad the worst was is counted.
"""

from __future__ import annotations

from math import sqrt

from canaryctl.core.sequential.terms import Terms

KEPT = 0.965
"""What a minute keeps of its weight after the next: half a life of some 20 minutes."""
REMEMBERED = 0.993
"""The same for the worst minute: rare ones are remembered for longer."""
ASSUMED = 2.0
"""How much the assumed spread weighs: as much as so many minutes of one expected event."""
MOST_SPREAD = 6.0
MOST_TIMES = 25.0
BRIEF_ILL = 3
RARELY = 30.0
"""Minutes in which one burst is assumed until stable has shown how often they begin."""
STAYS = 0.45
"""Chance, assumed like that, that a bad minute is followed by another."""
STAYS_WEIGHS = 3.0
"""Bad minutes that assumption weighs as much as."""


class Usual:
    """Stable's usual rates and their spread. See ``learn``."""

    __slots__ = (
        "_bad",
        "_bad_minutes",
        "_begun",
        "_ill",
        "_in_burst",
        "_minutes",
        "_over",
        "_scatter",
        "_squares",
        "_stayed",
        "_terms",
        "_total",
        "worst",
    )

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._total = self._bad = self._over = 0.0
        self._scatter = self._squares = 0.0
        self._ill = 0
        self._minutes = self._begun = self._bad_minutes = self._stayed = 0.0
        self._in_burst = False
        self.worst = 0.0

    @property
    def bad(self) -> float:
        """Stable's fraction of ``bad``, on the high side while little is known."""
        return self._rate(self._bad, self._terms.floor)

    @property
    def over(self) -> float:
        """Stable's fraction of ``over``, on the high side while little is known."""
        return self._rate(self._over, self._terms.limit)

    @property
    def known(self) -> float:
        """Requests of stable behind the rates (older ones count less)."""
        return self._total

    @property
    def spread(self) -> float:
        """Relative variance of a calm minute's rate."""
        terms = self._terms
        measured = (ASSUMED * terms.spread + self._scatter) / (ASSUMED + self._squares)
        return min(max(measured, terms.least_spread), MOST_SPREAD)

    @property
    def begins(self) -> float:
        """Chance that a burst begins in a minute, on the high side while little is known."""
        return (self._begun + 1.0) / (self._minutes + RARELY)

    @property
    def stays(self) -> float:
        """Chance that a burst lasts for another minute."""
        return (self._stayed + STAYS * STAYS_WEIGHS) / (self._bad_minutes + STAYS_WEIGHS)

    def learn(self, total: float, bad: float, over: float, *, ill: bool) -> None:
        """Take one closed minute of stable in.

        One in which stable breaks its limit (``ill``) says nothing of its usual rate, but that such
        minutes happen; of a longer incident only the first ones count.
        """
        if total <= 0:
            return
        self._ill = self._ill + 1 if ill else 0
        self.worst *= REMEMBERED
        if self._ill <= BRIEF_ILL:
            self._scattered(total, bad)
        if ill:
            return
        self._total = KEPT * self._total + total
        self._bad = KEPT * self._bad + bad
        self._over = KEPT * self._over + over

    def _scattered(self, total: float, bad: float) -> None:
        if self._total <= 0:
            return
        mean = total * (self._bad + 0.5) / (self._total + 0.01 * total)
        self._counted(burst=bad >= mean + 4 * sqrt(mean) + 1)
        if self._in_burst:
            self.worst = max(self.worst, bad / total)
            return
        seen = min(bad, MOST_TIMES * mean)
        self._scatter = KEPT * self._scatter + (seen - mean) ** 2 - mean
        self._squares = KEPT * self._squares + mean * mean

    def _counted(self, *, burst: bool) -> None:
        """Count how often bursts begin, and how often they go on."""
        if self._in_burst:
            self._bad_minutes += 1
            self._stayed += burst
        else:
            self._minutes += 1
            self._begun += burst
        self._in_burst = burst

    def _rate(self, events: float, assumed: float) -> float:
        return (events + 1.0) / (self._total + 1.0 / assumed)
