"""Histograms, read from the increments of their cumulative buckets.

A bucket series ``…_bucket{le="0.5"}`` counts the observations of at most 0.5. Here ``buckets``
are such counts over one window: upper bound → observations at most that high, all instances
together. Buckets of one scrape may disagree by a request or two (the target counted on while it
was being read), and instances may have different bounds; a count below that of a lower bound is
lifted to it before anything is concluded, as Prometheus does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import inf, isnan

from canaryctl.core.counting import total
from canaryctl.core.series import Series, Window

_FEWEST_BUCKETS = 2  # +Inf alone says how many, not how high


def cumulative(
    series: Iterable[Series], window: Window, seen_from: Mapping[str, float] | None = None
) -> dict[float, float]:
    """Count a histogram's observations in a window, per upper bound and in order of bounds.

    ``seen_from`` tells for each instance since when it is seen; see ``counting.increase``.

    Series whose ``le`` is missing or no bound are ignored. So is a bound without any usable sample:
    it is not known to be 0.
    """
    counted = {bound: total(group, window, seen_from) for bound, group in by_bound(series).items()}
    return {bound: found.amount for bound, found in counted.items() if found.newest is not None}


def by_bound(series: Iterable[Series]) -> dict[float, list[Series]]:
    """Group bucket series by their upper bound, in order; those without a bound are left out."""
    groups: dict[float, list[Series]] = {}
    for one in series:
        bound = _bound(one.labels.get("le", ""))
        if bound is not None:
            groups.setdefault(bound, []).append(one)
    return dict(sorted(groups.items()))


def split_by(series: Iterable[Series], label: str) -> dict[str, tuple[Series, ...]]:
    """Group series by a label's value, in order of values; a missing label is the empty string."""
    groups: dict[str, list[Series]] = {}
    for one in series:
        groups.setdefault(one.labels.get(label, ""), []).append(one)
    return {value: tuple(group) for value, group in sorted(groups.items())}


def quantile(q: float, buckets: Mapping[float, float]) -> float | None:
    """Estimate a quantile (``q`` from 0 to 1) in the unit of the bounds, seconds for durations.

    Reads as Prometheus' ``histogram_quantile`` does: observations are taken to lie evenly inside
    their bucket, the lowest bucket starts at 0 when its bound is above 0 and is read as its bound
    when not, and in the +Inf bucket the answer is the highest finite bound (see ``beyond``).
    https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    It differs at 0 alone: the 0-quantile is looked for in the lowest bucket that holds anything,
    where Prometheus takes the lowest of all, and says NaN when that is empty.

    Returns:
        None when there is nothing to estimate from: no observations, no +Inf bucket, or no other.

    Raises:
        ValueError: ``q`` lies outside 0 to 1.
    """
    place = _place(q, buckets)
    if place is None:
        return None
    bounds, counts, index = place
    if index == len(bounds) - 1:
        return bounds[index - 1]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    inside = (q * counts[-1] - below) / (counts[index] - below)
    return start + (bounds[index] - start) * inside


def beyond(q: float, buckets: Mapping[float, float]) -> bool:
    """Tell whether a quantile lies in the +Inf bucket, so that ``quantile`` is only its lower end.

    The true value is then above the highest finite bound, by how much nobody knows: a limit at
    or below that bound is broken, and of a higher one the histogram cannot tell.

    Raises:
        ValueError: ``q`` lies outside 0 to 1.
    """
    place = _place(q, buckets)
    return place is not None and place[2] == len(place[0]) - 1


def count(buckets: Mapping[float, float]) -> float:
    """Give the number of observations: the +Inf bucket, 0.0 when there is none."""
    return max(buckets.values()) if inf in buckets else 0.0


def above(bound: float, buckets: Mapping[float, float]) -> float:
    """Count observations that are surely above ``bound``, such as requests slower than a limit.

    Those are the ones above the lowest finite bucket bound that is at least ``bound``: exact when
    ``bound`` is a bucket bound, else too low, never too high. 0.0 therefore also when no finite
    bound is that high: then the histogram cannot tell, and ``beyond`` is what to ask.
    """
    bounds, counts = _monotone(buckets)
    if inf not in buckets:
        return 0.0
    index = bisect_left(bounds, bound)
    return counts[-1] - counts[min(index, len(counts) - 1)]


def estimated_above(bound: float, buckets: Mapping[float, float]) -> float:
    """Estimate the observations above ``bound``, evenly inside a bucket as ``quantile`` does.

    ``quantile(q)`` lies above a bound exactly when more than ``1 - q`` of all is estimated so.
    Of a bound above the highest finite one, all in the +Inf bucket count as above.
    """
    bounds, counts = _monotone(buckets)
    if inf not in buckets:
        return 0.0
    index = bisect_left(bounds, bound)
    if bounds[index] == inf or bounds[index] == bound or (index == 0 and bounds[0] <= 0):
        held = index - 1 if bounds[index] == inf else index
        return counts[-1] - (counts[held] if held >= 0 else 0.0)
    start, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    inside = max(0.0, bound - start) / (bounds[index] - start)
    return counts[-1] - below - (counts[index] - below) * inside


def _place(q: float, buckets: Mapping[float, float]) -> tuple[list[float], list[float], int] | None:
    """Find the bucket that holds the q-quantile: the lowest that reaches its rank."""
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies between 0 and 1, not {q}; p95 is 0.95")
    bounds, counts = _monotone(buckets)
    if len(bounds) < _FEWEST_BUCKETS or bounds[-1] != inf or counts[-1] <= 0:
        return None
    rank = q * counts[-1]
    index = next(i for i, reached in enumerate(counts) if reached >= rank and reached > 0)
    return bounds, counts, index


def _monotone(buckets: Mapping[float, float]) -> tuple[list[float], list[float]]:
    bounds = sorted(buckets)
    return bounds, list(accumulate((buckets[bound] for bound in bounds), max))


def _bound(text: str) -> float | None:
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if isnan(bound) or bound == -inf else bound
