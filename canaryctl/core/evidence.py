"""Whether chance explains what was counted."""

from __future__ import annotations

from math import erfc, exp, lgamma, log, log1p, sqrt

CHANCE = 1e-4
"""A limit counts as broken when chance alone gives such a count less often."""

LARGE = 1_000_000_000
"""Trials from which the normal approximation is exact enough, and summing takes too long."""


def tail(bad: float, total: float, limit: float) -> float:
    """Give P(X ≥ bad) for X ~ Binomial(total, limit): how often chance alone shows this much.

    Args:
        bad: events counted against, 0 to ``total``.
        total: trials.
        limit: the chance of one bad event that is still allowed, 0 to 1.

    The terms are summed from ``bad`` upwards in logarithms, each from the one before
    (ratio ``(n - k)/(k + 1) · p/(1 - p)``), until they no longer matter.
    """
    n, k = round(total), round(bad)
    if k <= 0 or limit >= 1:
        return 1.0
    if limit <= 0 or k > n:
        return 0.0
    if k < n * limit - 8 * sqrt(n * limit):
        return 1.0  # so far below the mean that the first terms are too small to begin with
    if n > LARGE:
        return 0.5 * erfc((k - 0.5 - n * limit) / sqrt(2 * n * limit * (1 - limit)))
    odds = limit / (1 - limit)
    term = exp(
        lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(limit) + (n - k) * log1p(-limit)
    )
    summed = 0.0
    while k <= n:
        summed += term
        ratio = (n - k) / (k + 1) * odds
        term *= ratio
        k += 1
        if ratio < 1 and term <= summed * 1e-12:
            break
    return min(summed, 1.0)


def beyond_chance(bad: float, total: float, limit: float) -> bool:
    """Tell whether ``bad`` of ``total`` is more than a rate of ``limit`` explains."""
    return tail(bad, total, limit) < CHANCE
