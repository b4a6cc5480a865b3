"""Whether stable breaks its own limit: then the trouble is not the canary's alone."""

from __future__ import annotations

from canaryctl.core.sequential.batch import Counts
from canaryctl.core.sequential.compare import alone
from canaryctl.core.sequential.stake import Schedule, Stake
from canaryctl.core.sequential.terms import Terms
from canaryctl.core.sequential.trailing import Trailing

SURE = 20.0
"""The e-value against stable from which the rollout holds."""
LEAST_HOLD = 120.0
"""Seconds: stable has to be within its limit for so long before the rollout goes on."""
FACTORS = (1.2, 2.0, 5.0, 20.0, 100.0)


class Incident:
    """The state of one gate's stable side."""

    __slots__ = ("_limit", "_recent", "_schedule", "_stake", "since")

    def __init__(self, terms: Terms) -> None:
        self._limit = terms.limit
        self._recent = Trailing(LEAST_HOLD, 2)
        self._stake = Stake([1.0] * len(FACTORS))
        self._schedule = Schedule()
        self.since: float | None = None

    @property
    def on(self) -> bool:
        """Whether stable breaks its limit now."""
        return self.since is not None

    def take(self, at: float, stable: Counts | None) -> bool:
        """Take stable's batch in, and tell whether it breaks its limit."""
        if stable is not None and stable.total > 0:
            self._recent.add(at, stable.total, stable.over)
            share = self._schedule.due(at, 0.0)
            if share:
                self._stake.invest(share)
            if stable.over > 0 or self.since is None:
                logs = alone(stable.over, stable.total, self._limit, FACTORS)
                self._stake.grow([max(log, -50.0) for log in logs])
        if self.since is None:
            if self._stake.value >= SURE:
                self.since = at
        elif at >= self.since + LEAST_HOLD and self._recovered(at):
            self.since = None
            self._stake, self._schedule = Stake([1.0] * len(FACTORS)), Schedule()
        return self.on

    def _recovered(self, at: float) -> bool:
        total, over = self._recent.sums(at)
        return total > 0 and over <= self._limit * total
