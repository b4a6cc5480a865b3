"""Evidence that withstands company: minute by minute, with the spread that stable shows.

A minute's count under a random rate of relative variance ``t`` is negative binomial, and

    ln LR = x ln k + (x + 1/t) ln((1 + tμ) / (1 + tkμ))

compares ``k`` times what is allowed with what is allowed (``μ``). For small counts this is the
Poisson likelihood ratio; for large ones a single minute gives at most about ``x/(tμ)``, so that
only lasting harm convicts. Its mean is at most 1 for any rate spread by a gamma law of relative
variance up to ``t``, the constant rate included. On top of that, where there is much traffic,
what is not ``gross`` counts for at most ``BRIEF_MOST`` in any three minutes: a burst does not
convict.
"""

from __future__ import annotations

from math import inf, log, sqrt

from canaryctl.core.sequential.batch import Counts
from canaryctl.core.sequential.compare import MOST_LIKELY
from canaryctl.core.sequential.spread import Usual
from canaryctl.core.sequential.stake import FIRST, PER_MINUTE, STAGE, Stake
from canaryctl.core.sequential.terms import Terms
from canaryctl.core.sequential.trailing import Trailing

MINUTE = 60.0
BRIEF = 3
"""Minutes whose evidence together is bounded, unless it is gross."""
BRIEF_MOST = 5.0
MOST_GROSS = 3.0
SUDDENLY = 20.0
"""Seconds in which what is gross shows as well as in the whole minute."""
BUSY = 1.0
"""Allowed events a minute from which the bound holds. Below, waiting for minutes would cost more
users than it saves canaries: so few requests rarely show a burst at all."""


def minute_log(count: float, mean: float, factor: float, spread: float) -> float:
    """Give the log likelihood ratio of one minute's count against its allowed mean."""
    shape = 1.0 / spread
    return count * log(factor) + (count + shape) * log(
        (1 + spread * mean) / (1 + spread * factor * mean)
    )


def is_gross(bad: float, total: float, least: float) -> bool:
    """Tell whether the fraction is ``least`` or more, chance allowed for."""
    mean = least * total
    return total > 0 and bad >= mean + sqrt(mean)


def beyond_worst(bad: float, total: float, worst: float) -> bool:
    """Tell whether it is more than a minute as bad as stable's worst of late explains."""
    mean = worst * total
    return bad >= 2 * mean + 4 * sqrt(mean) + 2


class Minutes:
    """The robust evidence of one gate."""

    __slots__ = (
        "_bad",
        "_before",
        "_began",
        "_control",
        "_recent",
        "_stable_bad",
        "_stable_over",
        "_stable_total",
        "_stage",
        "_stake",
        "_terms",
        "_total",
        "usual",
        "value",
    )

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.usual = Usual(terms)
        self._stake = Stake(terms.odds)
        self._stage: float | None = None
        self._began = -inf
        self._total = self._bad = 0.0
        self._stable_total = self._stable_bad = self._stable_over = 0.0
        self._control = True
        self._before: list[list[float]] = []
        self._recent = Trailing(SUDDENLY, 2, cells=4)
        self.value = 1.0

    def take(
        self,
        at: float,
        stage: float,
        canary: Counts | None,
        stable: Counts | None,
        *,
        control: bool,
        ill: bool,
    ) -> float:
        """Take a batch in and give the e-value.

        Args:
            at: epoch seconds.
            stage: identifies the stage: when its weight was proven.
            canary: what is to be judged; None while warming up or without a sample.
            stable: what stable showed.
            control: whether ``stable`` stands beside the canary; else its history does.
            ill: stable breaks its own limits, so that this minute says nothing usual of it.
        """
        if stage != self._stage or at >= self._began + MINUTE:
            self._close(at, stage, ill=ill)
        moved = False
        if stable is not None:
            self._stable_total += stable.total
            self._stable_bad += stable.bad
            self._stable_over += stable.over
            moved = stable.bad > 0
        if canary is not None and canary.total > 0:
            self._total += canary.total
            bad = canary.bad if control else canary.over
            self._bad += bad
            self._recent.add(at, canary.total, bad)
            moved = moved or canary.bad > 0
        self._control = control
        if moved and self._total > 0:
            self.value = self._stake.value_with(self._logs(at, control=control))
        return self.value

    def _close(self, at: float, stage: float, *, ill: bool) -> None:
        if self._total > 0:
            logs = self._logs(at, control=self._control)
            self._stake.grow(logs)
            self._before = [*self._before, [max(one, 0.0) for one in logs]][-(BRIEF - 1) :]
        self.usual.learn(self._stable_total, self._stable_bad, self._stable_over, ill=ill)
        if self._stage is None:
            self._stake.invest(FIRST)
        else:
            self._stake.invest(STAGE if stage != self._stage else PER_MINUTE)
        self._stage, self._began = stage, at
        self._total = self._bad = 0.0
        self._stable_total = self._stable_bad = self._stable_over = 0.0
        self.value = self._stake.value

    def _logs(self, at: float, *, control: bool) -> list[float]:
        terms, usual = self._terms, self.usual
        if control:
            # Stable's present minute counts where it is surely worse than usual.
            surely = self._stable_bad - 1.5 * sqrt(self._stable_bad)
            now = surely / self._stable_total if surely > 0 else 0.0
            allowed = max(terms.floor, terms.ratio * usual.bad, terms.ratio * now)
        else:
            allowed = max(terms.limit, terms.ratio * usual.over if usual.known else 0.0)
        allowed = min(allowed, MOST_LIKELY)
        mean, spread = self._total * allowed, usual.spread
        least = max(terms.gross, 1.5 * allowed)
        total, bad = self._recent.sums(at)
        gross = any(
            is_gross(x, n, least) and beyond_worst(x, n, min(usual.worst, MOST_GROSS * terms.gross))
            for x, n in ((bad, total), (self._bad, self._total))
        )
        ceiling = MOST_LIKELY / allowed
        logs = [
            minute_log(self._bad, mean, min(factor, ceiling), spread) for factor in terms.factors
        ]
        quiet = self._total * terms.limit < BUSY and usual.worst < terms.gross / 8
        if gross or quiet:
            return logs
        spent = [sum(column) for column in zip(*self._before, strict=True)] or [0.0] * len(logs)
        return [
            min(one, max(BRIEF_MOST - gone, 0.0)) for one, gone in zip(logs, spent, strict=True)
        ]
