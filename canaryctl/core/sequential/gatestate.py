"""Everything known of one gate."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

from canaryctl.core.sequential.batch import Counts, Evaluation
from canaryctl.core.sequential.compare import Comparison
from canaryctl.core.sequential.estimate import Estimate, visible
from canaryctl.core.sequential.incident import Incident
from canaryctl.core.sequential.minutes import MINUTE, Minutes
from canaryctl.core.sequential.terms import Terms

PATIENCE = 15.0
"""Seconds that a canary's batch waits for stable's of the same time."""
FORGIVEN = 5
"""Restarts in a rollout after which latency is warmed up once more; later ones are not."""


@dataclass(frozen=True, slots=True)
class GateView:
    """How far one gate is.

    Attributes:
        name: the gate's.
        against: log e-value against the canary.
        support: log e-value for it: against being over the limit.
        total: requests of the canary that its own estimate rests on.
        over: how many of them are over the limit.
        limit: the fraction that may be.
        within: whether that is within the limit, up to chance.
        stable_ill: whether stable breaks this limit.
        usual: stable's usual fraction of ``bad``.
        slow: what is counted are slow requests, not failed ones.
    """

    name: str
    against: float
    support: float
    total: float
    over: float
    limit: float
    within: bool
    stable_ill: bool
    usual: float
    slow: bool = False


class GateState:
    """The evidence of one gate: exact and robust, the lesser of both counts."""

    __slots__ = (
        "_comparison",
        "_exact",
        "_minutes",
        "_restart",
        "_stage",
        "_traffic_since",
        "_waiting",
        "_waiting_since",
        "_warm_at",
        "_warmed",
        "estimate",
        "fresh",
        "incident",
        "terms",
        "value",
        "weight",
    )

    def __init__(self, terms: Terms, weight: float, minute: float = MINUTE) -> None:
        self.terms = terms
        self.weight = weight
        self.value = 1.0
        self.estimate = Estimate()
        self.incident = Incident(terms)
        self._comparison = Comparison(terms, minute / 2)
        self._minutes = Minutes(terms, minute)
        self._exact = 1.0
        self._waiting: Counts | None = None
        self._waiting_since = 0.0
        self._traffic_since: tuple[float, float] | None = None
        self._restart: float | None = None
        self._warmed = 0
        self._warm_at = -inf
        self._stage: float | None = None
        self.fresh = 0.0

    def learn(self, minute: Counts) -> None:
        """Take one closed minute of stable's history in."""
        ill = minute.over > 2 * self.terms.limit * minute.total
        self._minutes.usual.learn(minute.total, minute.bad, minute.over, ill=ill)

    def look_at_stable(self, seen: Evaluation) -> bool:
        """Take stable's side in, and tell whether it breaks its limit."""
        found = seen.gates.get(self.terms.name)
        return self.incident.take(seen.at, found.stable if found else None)

    def take(self, seen: Evaluation, *, control: bool, ill: bool, restarted: float | None) -> float:
        """Take an evaluation in and give the e-value against the canary."""
        found = seen.gates.get(self.terms.name)
        if found is None:
            return self.value
        canary = found.canary
        if canary is not None and self._cold(seen, canary, restarted):
            canary = None
        if self._stage != seen.since:
            self._stage, self.fresh = seen.since, 0.0
        if canary is not None and not ill:
            self.fresh += canary.total
        self.estimate.take(seen.at, canary, ill=ill)
        canary, beside = self._matched(seen.at, canary, found.stable, control=control)
        if canary is not None:
            stable = found.stable if beside else None
            self._exact = self._comparison.take(seen.at, seen.since, canary, stable)
        robust = self._minutes.take(
            seen.at,
            seen.since,
            canary,
            found.stable,
            control=beside,
            ill=self.incident.on,
            tender=seen.at < self._warm_at + self.terms.warm_up,
        )
        self.value = min(self._exact, robust)
        return self.value

    def _cold(self, seen: Evaluation, canary: Counts, restarted: float | None) -> bool:
        if self.terms.warm_up <= 0:
            return False
        if self._traffic_since is None or self._traffic_since[0] != seen.since:
            if canary.total <= 0:
                return True
            self._traffic_since = (seen.since, max(seen.since, seen.at - 5.0))
        begun = self._traffic_since[1]
        if restarted is not None and restarted != self._restart:
            self._restart = restarted
            self._warmed += 1
        if self._restart is not None and self._warmed <= FORGIVEN:
            begun = max(begun, self._restart)
        self._warm_at = begun + self.terms.warm_up
        return seen.at < self._warm_at

    def _matched(
        self, at: float, canary: Counts | None, stable: Counts | None, *, control: bool
    ) -> tuple[Counts | None, bool]:
        """Give what is judged now, and whether stable stands beside it."""
        if not control:
            return canary, False
        if canary is not None and self._waiting is not None:
            old = self._waiting
            canary = Counts(old.total + canary.total, old.bad + canary.bad, old.over + canary.over)
        elif canary is None:
            canary = self._waiting
        if stable is not None:
            self._waiting = None
            return canary, True
        if canary is None:
            return None, True
        if self._waiting is None:
            self._waiting_since = at
        self._waiting = canary
        if at - self._waiting_since < PATIENCE:
            return None, True
        self._waiting = None
        return canary, False

    def visible(self, needed: float) -> float | None:
        """Give the smallest fraction of bad requests that would have been caught with 90 %."""
        total, _ = self.estimate.counted
        allowed = max(self.terms.floor, self.terms.ratio * self._minutes.usual.bad)
        return visible(total, allowed, needed - log(self.weight) + 2.0)

    def view(self) -> GateView:
        """Give how far this gate is."""
        total, over = self.estimate.counted
        return GateView(
            name=self.terms.name,
            against=log(self.value),
            support=self.estimate.evidence_within(self.terms.limit),
            total=total,
            over=over,
            limit=self.terms.limit,
            within=self.estimate.within(self.terms.limit),
            stable_ill=self.incident.on,
            usual=self._minutes.usual.bad,
            slow=self.terms.slow,
        )
