"""What the traffic does: the truth behind the counters, tick by tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, log, sqrt
from random import Random

TAIL = 1.6448536269514722
"""The 95th percentile of a standard normal."""


@dataclass(slots=True)
class Moment:
    """The truth at one tick. Fractions and factors; ``None`` weight means: as set.

    Attributes:
        at: seconds since the rollout began.
        into: seconds since this stage's weight was set.
        weight: the canary's share as set.
        traffic: factor on the requests a second.
        share: the share that takes effect.
        canary_errors: fraction of the canary's requests that fail.
        stable_errors: the same for stable.
        canary_latency: factor on each latency of the canary.
        stable_latency: the same for stable.
        tail: fraction of the canary's requests that take ten times as long.
        refused: fraction of attempts at the canary that are refused.
        down: seconds of this tick during which the canary does not run.
        restarted: it came up anew in this tick.
        canary_seen: the canary's sample of this tick arrives.
        stable_seen: stable's sample arrives.
    """

    at: float
    into: float
    weight: float
    traffic: float = 1.0
    share: float = -1.0
    canary_errors: float = 0.001
    stable_errors: float = 0.001
    canary_latency: float = 1.0
    stable_latency: float = 1.0
    tail: float = 0.0
    refused: float = 0.0
    down: float = 0.0
    restarted: bool = False
    canary_seen: bool = True
    stable_seen: bool = True


Change = Callable[[Moment], None]


@dataclass(frozen=True)
class Family:
    """A kind of traffic.

    Attributes:
        name: how it is called.
        make: gives for one rollout (its own random numbers, the requests a second) the function
            that shapes each moment.
        healthy: the canary is no worse than stable.
        errors: base rate on both sides, for the theoretical minimum.
        bad: the defect's own rate where it is constant from the start.
        sigma: spread of the logarithm of latencies.
        limit_ratio: the latency limit as a multiple of stable's p95.
        attempts: NGINX's counts per attempt exist.
        special: neither false rollbacks nor promotion tell whether it went well.
    """

    name: str
    make: Callable[[Random, float], Change]
    healthy: bool = True
    errors: float = 0.001
    bad: float | None = None
    sigma: float = 0.5
    limit_ratio: float = 1.4
    attempts: bool = True
    special: str = ""

    def slower(self, factor: float, *, limit: bool) -> float:
        """Give the fraction slower than stable's p95 (or the limit) for a factor on latency."""
        bound = TAIL + (log(self.limit_ratio) / self.sigma if limit else 0.0)
        return 0.5 * erfc((bound - log(factor) / self.sigma) / sqrt(2)) if factor > 0 else 0.0
