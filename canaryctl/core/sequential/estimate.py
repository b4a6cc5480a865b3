"""A gate's own estimate: within its limit or not, what speaks for the canary, what was visible."""

from __future__ import annotations

from math import erfc, exp, lgamma, log, sqrt

from canaryctl.core.sequential.batch import Counts

DOUBT = 0.05
"""An estimate is over its limit when chance alone explains it less often than this."""
MINUTE = 60.0
BETTER = (0.05, 0.3, 0.6)
LARGE = 400.0


def poisson_tail(count: float, mean: float) -> float:
    """Give P(X >= count) for a Poisson X: exact below a few hundred, then normal."""
    events = round(count)
    if events <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if mean > LARGE:
        return 0.5 * erfc((events - 0.5 - mean) / sqrt(2 * mean))
    term = exp(events * log(mean) - mean - lgamma(events + 1))
    summed, index = 0.0, events
    while True:
        summed += term
        index += 1
        term *= mean / index
        if index > mean and term <= summed * 1e-9:
            return min(summed, 1.0)


class Estimate:
    """Requests of the whole rollout so far, without the minutes of a shared incident.

    A minute counts once the next one has begun and stable was well in both, because an incident is
    noticed later than it begins.
    """

    __slots__ = ("_began", "_open", "_waiting", "over", "total")

    def __init__(self) -> None:
        self.total = self.over = 0.0
        self._open = [0.0, 0.0]
        self._waiting = [0.0, 0.0]
        self._began: float | None = None

    def take(self, at: float, canary: Counts | None, *, ill: bool) -> None:
        """Take a batch in; ``ill`` while stable breaks a limit of its own."""
        if ill:
            self._open, self._waiting = [0.0, 0.0], [0.0, 0.0]
            return
        if self._began is None or at >= self._began + MINUTE:
            self.total += self._waiting[0]
            self.over += self._waiting[1]
            self._waiting, self._open = self._open, [0.0, 0.0]
            self._began = at
        if canary is not None:
            self._open[0] += canary.total
            self._open[1] += canary.over

    @property
    def counted(self) -> tuple[float, float]:
        """Requests, and those over the limit, the last two minutes included."""
        return (
            self.total + self._waiting[0] + self._open[0],
            self.over + self._waiting[1] + self._open[1],
        )

    def within(self, limit: float) -> bool:
        """Tell whether the estimate is within the limit, up to what chance explains."""
        total, over = self.counted
        return over <= limit * total or poisson_tail(over, limit * total) >= DOUBT

    def evidence_within(self, limit: float) -> float:
        """Give the log e-value against a fraction of ``limit`` or more."""
        return evidence_within(*self.counted, limit)


def evidence_within(total: float, over: float, limit: float) -> float:
    """Give the log e-value of ``over`` in ``total`` against a fraction of ``limit`` or more."""
    logs = [over * log(share) + total * limit * (1 - share) for share in BETTER]
    most = max(logs)
    return most + log(sum(exp(one - most) for one in logs) / len(logs))


def visible(total: float, allowed: float, needed: float) -> float | None:
    """Give the smallest fraction that ``total`` requests would have shown with 90 %.

    Args:
        total: requests of the canary.
        allowed: the fraction that is not held against it.
        needed: the log e-value that convicts, the cost of not knowing the size included.

    Returns:
        None when not even a canary that fails always would have been caught.
    """
    mean = total * allowed

    def caught(rate: float) -> bool:
        expected = total * rate
        low = expected - 1.28 * sqrt(expected * max(1 - rate, 0.0))
        return low > max(mean, 0.5) and low * log(low / mean) - (low - mean) >= needed

    if total <= 0 or not caught(1.0):
        return None
    low, high = allowed, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if caught(middle) else (middle, high)
    return high
