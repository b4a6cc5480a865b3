"""Evidence that is exact: the canary's bad requests against stable's, batch by batch.

Where stable is a control: given ``m`` bad requests of both, the canary's number is binomial with
chance at most ``w = rn / (rn + n')`` as long as its rate is at most ``r`` times stable's, whatever
that rate is and however it moves from batch to batch. A likelihood ratio against a higher chance
has mean at most 1. Where there is no control (all traffic is on the canary), a Poisson likelihood
ratio against the limit takes its place: ``E[k^X] <= exp(np(k - 1))`` for a binomial ``X``.
"""

from __future__ import annotations

from math import log

from canaryctl.core.sequential.batch import Counts
from canaryctl.core.sequential.stake import EVERY, Schedule, Stakes
from canaryctl.core.sequential.terms import Terms

MOST_LIKELY = 0.9
"""No alternative is above this fraction of requests."""


def paired(canary: Counts, stable: Counts, terms: Terms) -> list[float]:
    """Give the log likelihood ratios of a batch with a control, one for each alternative."""
    return paired_logs(
        canary.bad, canary.total, stable.bad, stable.total, terms.ratio, terms.factors
    )


def paired_logs(
    bad: float,
    total: float,
    stable_bad: float,
    stable_total: float,
    ratio: float,
    factors: tuple[float, ...],
) -> list[float]:
    """Give ``x ln(θ/π) + x' ln((1 - θ)/(1 - π))`` for each multiple of the allowed ratio."""
    if total <= 0 or stable_total <= 0 or bad + stable_bad <= 0:
        return [0.0] * len(factors)
    ours = ratio * total
    allowed = ours + stable_total
    logs = []
    for factor in factors:
        shrunk = log(allowed / (factor * ours + stable_total))
        logs.append(bad * (log(factor) + shrunk) + stable_bad * shrunk)
    return logs


def alone(over: float, total: float, limit: float, factors: tuple[float, ...]) -> list[float]:
    """Give ``x ln k - n p (k - 1)`` for each multiple of the limit."""
    logs = []
    for factor in factors:
        multiple = min(factor, max(MOST_LIKELY / limit, 1.0))
        logs.append(over * log(multiple) - total * limit * (multiple - 1))
    return logs


class Comparison:
    """The exact evidence of one gate."""

    __slots__ = ("_schedule", "_stakes", "_terms")

    def __init__(self, terms: Terms, every: float = EVERY) -> None:
        """``every``: seconds after which a little more is staked."""
        self._terms = terms
        self._stakes = Stakes(terms.odds)
        self._schedule = Schedule(every, first=0.0)

    def take(self, at: float, stage: float, canary: Counts, stable: Counts | None) -> float:
        """Take a batch in and give the e-value. Without ``stable`` the limit is the control."""
        share = self._schedule.due(at, stage)
        if share:
            self._stakes.later.invest(share)
        if canary.total <= 0:
            return self._stakes.value
        terms = self._terms
        if stable is None:
            logs = alone(canary.over, canary.total, terms.limit, terms.factors)
        else:
            logs = paired(canary, stable, terms)
        self._stakes.grow(logs, logs)
        return self._stakes.value
