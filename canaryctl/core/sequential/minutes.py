"""Evidence that withstands company: minute by minute, with the spread that stable shows.

A minute's count under a random rate of relative variance ``t`` is negative binomial, and

    ln LR = x ln k + (x + 1/t) ln((1 + tμ) / (1 + tkμ))

compares ``k`` times what is allowed with what is allowed (``μ``). For small counts this is the
Poisson likelihood ratio. Its mean is at most 1 for any rate spread by a gamma law of relative
variance up to ``t``, the constant rate included. ``t`` is that of stable's calm minutes; the others
are bursts, and ``bursts.Bursts`` takes off what a canary that bursts as stable does explains: caps
only lower, so that both hypotheses are kept. Two things are not capped:

- what is beyond any burst (``GROSS``): half of the requests failing cannot wait for minutes;
- where there is hardly traffic and stable is not known to burst, a defect that is there from the
  first request on: few bad ones are what a burst looks like too, and to tell them apart would cost
  more users than a small defect may cost.
"""

from __future__ import annotations

from math import inf, log, sqrt

from canaryctl.core.sequential.batch import Counts
from canaryctl.core.sequential.bursts import Bursts
from canaryctl.core.sequential.compare import MOST_LIKELY
from canaryctl.core.sequential.spread import Usual
from canaryctl.core.sequential.stake import PER_MINUTE, STAGE, Stakes
from canaryctl.core.sequential.terms import Terms
from canaryctl.core.sequential.trailing import Trailing

MINUTE = 60.0
GROSS = 5.0
"""Times ``Terms.gross``: no burst is as bad, unless stable itself has shown one (15 % errors)."""
MOST_GROSS = 0.25
SUDDENLY = 10.0
"""Seconds in which what is gross shows as well as in the whole minute."""
BUSY = 2.0
"""Events a minute that the limit allows from which there is more than hardly traffic."""


def minute_log(count: float, mean: float, factor: float, spread: float) -> float:
    """Give the log likelihood ratio of one minute's count against its allowed mean."""
    shape = 1.0 / spread
    return count * log(factor) + (count + shape) * log(
        (1 + spread * mean) / (1 + spread * factor * mean)
    )


def is_gross(bad: float, total: float, least: float) -> bool:
    """Tell whether the fraction is ``least`` or more, chance allowed for."""
    mean = least * total
    return total > 0 and bad >= mean + 2 * sqrt(mean) + 2


def beyond_worst(bad: float, total: float, worst: float) -> bool:
    """Tell whether it is more than a minute as bad as stable's worst of late explains."""
    mean = worst * total
    return bad >= 2 * mean + 4 * sqrt(mean) + 2


class Minutes:
    """The robust evidence of one gate."""

    __slots__ = (
        "_allowed",
        "_bad",
        "_began",
        "_bursts",
        "_control",
        "_minute",
        "_recent",
        "_stable_bad",
        "_stable_over",
        "_stable_total",
        "_stage",
        "_stakes",
        "_tender",
        "_terms",
        "_total",
        "usual",
        "value",
    )

    def __init__(self, terms: Terms, minute: float = MINUTE) -> None:
        """``minute``: seconds of what is called a minute here; less in a rollout of seconds."""
        self._terms = terms
        self._minute = minute
        self.usual = Usual(terms)
        self._stakes = Stakes(terms.odds)
        self._stage: float | None = None
        self._began = -inf
        self._allowed = terms.floor
        self._total = self._bad = 0.0
        self._stable_total = self._stable_bad = self._stable_over = 0.0
        self._control = True
        self._tender = False
        self._bursts = Bursts(len(terms.factors))
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
        tender: bool = False,
    ) -> float:
        """Take a batch in and give the e-value.

        Args:
            at: epoch seconds.
            stage: identifies the stage: when its weight was proven.
            canary: what is to be judged; None while warming up or without a sample.
            stable: what stable showed.
            control: whether ``stable`` stands beside the canary; else its history does.
            ill: stable breaks its own limits, so that this minute says nothing usual of it.
            tender: the warm-up is over, but not for so long that the canary is warm for sure.
        """
        if stage != self._stage or at >= self._began + self._minute:
            self._close(at, stage, ill=ill)
        self._tender = self._tender or tender
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
            logs, capped = self._logs(at, control=control)
            self.value = self._stakes.value_with(self._first(at, logs, capped), capped)
        return self.value

    def _first(self, at: float, logs: list[float], capped: list[float]) -> list[float]:
        terms = self._terms
        minute = self._total * self._minute / max(at - self._began, min(SUDDENLY, self._minute))
        quiet = minute * terms.limit < BUSY and self.usual.worst < terms.gross / 8
        return logs if quiet and not self._tender else capped

    def _close(self, at: float, stage: float, *, ill: bool) -> None:
        if self._total > 0:
            logs, capped = self._logs(at, control=self._control)
            self._stakes.grow(self._first(at, logs, capped), capped)
            self._bursts.close(logs, self._levels, self.usual, tender=self._tender)
        self.usual.learn(self._stable_total, self._stable_bad, self._stable_over, ill=ill)
        if self._stage is not None:
            self._stakes.later.invest(STAGE if stage != self._stage else PER_MINUTE)
        if stage != self._stage:
            self._bursts.mix()
        self._stage, self._began = stage, at
        self._total = self._bad = 0.0
        self._tender = False
        self._stable_total = self._stable_bad = self._stable_over = 0.0
        self.value = self._stakes.value

    @property
    def _levels(self) -> int:
        """How many of the alternatives a burst may be as bad as."""
        terms = self._terms
        worst = max(self.usual.worst, min(GROSS * terms.gross, MOST_GROSS))
        worst = 1.0 if self._tender else worst
        return max(sum(one * self._allowed < worst for one in terms.factors), 1)

    def _logs(self, at: float, *, control: bool) -> tuple[list[float], list[float]]:
        """Give what speaks for each alternative, and what is left of it if bursts are usual."""
        terms, usual = self._terms, self.usual
        if control:
            # Stable's present minute counts where it is surely worse than usual.
            surely = self._stable_bad - 1.5 * sqrt(self._stable_bad)
            # A source may show bad ones before it shows any request.
            there = surely > 0 and self._stable_total > 0
            now = surely / self._stable_total if there else 0.0
            allowed = max(terms.floor, terms.ratio * usual.bad, terms.ratio * now)
        else:
            allowed = max(terms.limit, terms.ratio * usual.over if usual.known else 0.0)
        allowed = self._allowed = min(allowed, MOST_LIKELY)
        mean, spread = self._total * allowed, usual.spread
        ceiling = MOST_LIKELY / allowed
        logs = [
            minute_log(self._bad, mean, min(factor, ceiling), spread) for factor in terms.factors
        ]
        least = min(max(GROSS * terms.gross, 1.5 * allowed), MOST_GROSS)
        total, bad = self._recent.sums(at)
        if not self._tender and any(
            is_gross(x, n, least) and beyond_worst(x, n, usual.worst)
            for x, n in ((bad, total), (self._bad, self._total))
        ):
            return logs, logs
        usually = self._bursts.explained(logs, self._levels, self.usual, tender=self._tender)
        return logs, [min(one, one - usually) for one in logs]
