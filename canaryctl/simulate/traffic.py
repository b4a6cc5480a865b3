"""Traffic becomes counters, and counters become what an evaluation sees."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from canaryctl.core.sequential.batch import Attempts, Counts
from canaryctl.simulate.draw import binomial, poisson
from canaryctl.simulate.world import Change, Family, Moment

TICK = 5.0


@dataclass(slots=True)
class Side:
    """One version's increments: requests, errors, slower than p95, slower than the limit."""

    total: int = 0
    errors: int = 0
    slow: int = 0
    over: int = 0

    def add(self, other: Side) -> None:
        """Count another side's increments in."""
        self.total += other.total
        self.errors += other.errors
        self.slow += other.slow
        self.over += other.over

    def as_errors(self) -> Counts:
        """As an error gate sees it."""
        return Counts(self.total, self.errors, self.errors)

    def as_latency(self) -> Counts:
        """As a latency gate sees it."""
        return Counts(self.total, self.slow, self.over)


@dataclass(slots=True)
class Tick:
    """What one tick of five seconds showed. None: no new sample."""

    at: float
    into: float
    weight: float
    canary: Side | None
    stable: Side | None
    attempts: Attempts | None
    up: bool | None
    restarts: int


class Traffic:
    """Draws one rollout's traffic.

    Attributes:
        hurt: requests of the canary that failed so far.
        slow: those that took longer than the limit.
        served: those it answered.
        harmed_at: end of the first tick in which a defect failed a request.
    """

    def __init__(self, family: Family, rps: float, rng: Random) -> None:
        self.family = family
        self.rps = rps
        self._rng = rng
        self._change: Change = family.make(rng, rps)
        self._kept = [self._nothing(), self._nothing()]
        self._restarts = 0
        self.hurt = 0.0
        self.slow = 0.0
        self.served = 0
        self.harmed_at: float | None = None

    def tick(self, at: float, into: float, weight: float) -> Tick:
        """Let five seconds pass that end at ``at``."""
        now = Moment(at, into, weight, canary_errors=self.family.errors)
        now.stable_errors = self.family.errors
        self._change(now)
        rng, family = self._rng, self.family
        share = now.share if now.share >= 0 else weight
        requests = self.rps * TICK * now.traffic
        attempts = poisson(rng, requests * share)
        refused = binomial(rng, attempts, min(1.0, now.refused + now.down / TICK))
        canary = self._side(attempts - refused, now.canary_errors, now.canary_latency, now.tail)
        direct = poisson(rng, requests * (1 - share))
        stable = self._side(direct + refused, now.stable_errors, now.stable_latency, 0.0)
        self.hurt += canary.errors
        self.slow += canary.over
        self.served += canary.total
        worse = now.canary_errors > 5 * now.stable_errors or now.down or now.refused
        if worse and self.harmed_at is None and (canary.errors or refused):
            self.harmed_at = at
        counted = None
        if family.attempts:
            counted = Attempts(attempts, refused, direct + refused, 0)
        if now.restarted:
            self._restarts += 1
            self._kept[0] = self._nothing()
        up: bool | None = None
        if now.canary_seen:
            up = now.down < TICK
        return Tick(
            at,
            into,
            weight,
            self._sampled(0, canary, seen=now.canary_seen and now.down < TICK),
            self._sampled(1, stable, seen=now.stable_seen),
            counted,
            up,
            self._seen_restarts(seen=now.canary_seen),
        )

    def _nothing(self) -> Side:
        return Side()

    def _side(self, total: int, errors: float, latency: float, tail: float) -> Side:
        rng, family = self._rng, self.family
        slow = family.slower(latency, limit=False)
        over = family.slower(latency, limit=True)
        if tail:
            slow, over = slow + tail * (1 - slow), over + tail * (1 - over)
        behind = binomial(rng, total, slow)
        return Side(
            total,
            binomial(rng, total, errors),
            behind,
            binomial(rng, behind, over / slow) if slow else 0,
        )

    def _sampled(self, which: int, side: Side, *, seen: bool) -> Side | None:
        kept = self._kept[which]
        kept.add(side)
        if not seen:
            return None
        self._kept[which] = self._nothing()
        return kept

    def _seen_restarts(self, *, seen: bool) -> int:
        if not seen:
            return 0
        found, self._restarts = self._restarts, 0
        return found
