"""The difference of two quantiles, read from histograms, with an interval.

How many of n observations lie at or below a quantile is binomial, whatever their distribution. So
the true quantile lies between two of the ordered observations with a known chance (David and
Nagaraja, "Order Statistics", 3rd ed. 2003, section 7.1). A histogram tells of an observation only
its bucket: the interval's ends are moved outwards to bucket bounds, so that it still holds. It is
therefore never narrower than the buckets, and no difference inside one bucket is ever significant.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from math import inf

from canaryctl.core.comparison.beta import at_least
from canaryctl.core.comparison.difference import Interval, each_of_two


def quantile_interval(
    q: float, buckets: Mapping[float, float], level: float
) -> tuple[float, float]:
    """Give where the true quantile lies, in the unit of the bounds.

    Args:
        q: 0 to 1, exclusive.
        buckets: cumulative counts by upper bound, as ``core.histogram`` has them.
        level: such as 0.99.

    Returns:
        Bucket bounds. The upper end is ``inf`` where there are too few observations, or they lie
        above the highest finite bound. The lowest bucket starts at 0 when its bound is above 0.
    """
    bounds = sorted(buckets)
    counts = [round(c) for c in accumulate((buckets[bound] for bound in bounds), max)]
    n = counts[-1] if counts else 0
    out = (1 - level) / 2
    upper = _rank_above(q, n, out)
    lower = n + 1 - _rank_above(1 - q, n, out)
    nonnegative = bool(bounds) and bounds[0] > 0
    start = 0.0 if nonnegative else -inf
    if lower > 0:
        index = bisect_left(counts, lower)
        start = bounds[index - 1] if index else start
    end = bounds[bisect_left(counts, upper)] if upper <= n else inf
    return start, end


def _rank_above(q: float, n: int, out: float) -> int:
    """Give the lowest rank whose observation is below the quantile with at most that chance.

    ``n + 1``, that is none, where there are too few.
    """
    low, high = 0, n + 1  # P(X ≥ 0) = 1, P(X ≥ n + 1) = 0
    while high - low > 1:
        middle = (low + high) // 2
        if at_least(middle, n, q) <= out:
            high = middle
        else:
            low = middle
    return high


def quantiles_interval(
    q: float, canary: Mapping[float, float], stable: Mapping[float, float], level: float
) -> Interval:
    """Give where the canary's true quantile less stable's lies.

    The ends add up linearly: what a bucket hides is no chance that could cancel out. A bucket holds
    what is above its lower bound, so the difference lies on neither end.
    """
    each = each_of_two(level)
    low, high = quantile_interval(q, canary, each)
    stable_low, stable_high = quantile_interval(q, stable, each)
    return Interval(low - stable_high, high - stable_low, level, is_strict=True)
