"""Do two shares differ? Fisher's exact test, one-sided."""

from __future__ import annotations

from math import exp, lgamma


def more_often(bad: int, total: int, bad_there: int, total_there: int) -> float:
    """Give the chance of so many bad ones here or more, were both as good as each other.

    With ``bad + bad_there`` bad ones among all, their number here is hypergeometric
    (Fisher 1935, The Logic of Inductive Inference).

    Args:
        bad: of ``total`` here; 0 to ``total``.
        total: 0 and up.
        bad_there: of ``total_there``; 0 to ``total_there``.
        total_there: 0 and up.
    """
    all_bad, everything = bad + bad_there, total + total_there
    whole = _log_choose(everything, all_bad)
    most = min(all_bad, total)
    terms = (
        _log_choose(total, k) + _log_choose(total_there, all_bad - k) - whole
        for k in range(max(bad, all_bad - total_there), most + 1)
    )
    return min(1.0, sum(map(exp, terms)))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
