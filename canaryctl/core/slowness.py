"""Histogram increments become trials: how many requests were slower than two bounds.

One bound is the gate's limit. The other is the bucket bound nearest to stable's own quantile,
where a canary that is a little slower shows first. It is chosen from what was seen before, and
stays for a stage, so that no choice depends on what it judges.
"""

from __future__ import annotations

from math import inf, log

from canaryctl.core import histogram
from canaryctl.core.accounts import Account
from canaryctl.core.observation import Buckets
from canaryctl.core.sequential.batch import Counts

LEAST = 20.0
"""Observations of stable from which its quantile is known well enough to choose a bound."""


class Slowness:
    """The bounds of one account."""

    def __init__(self, account: Account) -> None:
        self._limit = account.limit
        self._allowed = account.terms.limit
        self._known: dict[float, float] = {}
        self._bound: float | None = None

    def enter(self) -> None:
        """Begin a stage: the bound is chosen anew."""
        self._bound = None

    def learn(self, stable: Buckets) -> None:
        """Take stable's increments in."""
        for bound, count in stable.items():
            self._known[bound] = self._known.get(bound, 0.0) + count

    def counts(self, buckets: Buckets) -> Counts:
        """Give the requests of one batch, and those slower than either bound.

        Inside a bucket observations are taken to lie evenly, as everywhere in canaryctl.
        """
        if not buckets:
            return Counts(0.0, 0.0, 0.0)
        if self._bound is None:
            self._bound = self._chosen()
        over = histogram.estimated_above(self._limit, buckets)
        bad = over if self._bound is None else histogram.estimated_above(self._bound, buckets)
        return Counts(histogram.count(buckets), bad, over)

    def _chosen(self) -> float | None:
        known = histogram.count(self._known)
        finite = [bound for bound in self._known if bound < inf]
        if known < LEAST or not finite:
            return None

        def distance(bound: float) -> float:
            slower = histogram.estimated_above(bound, self._known)
            return abs(log((slower + 0.5) / known / self._allowed))

        return min(finite, key=distance)
