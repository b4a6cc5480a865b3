"""What a rollout's metrics rest on: its state, and what was counted on the way."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from canaryctl.core.events import Event, Judged, TrafficUnproven, WeightProven, WeightRefused
from canaryctl.core.state import State

PROOF_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds: a proof takes about 0.3 s, and seldom more than 2."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """How long proofs took.

    Attributes:
        counts: for each bucket how many fell into it, and those above the last one.
        total: seconds of all of them.
    """

    counts: tuple[int, ...] = (0,) * (len(PROOF_BUCKETS) + 1)
    total: float = 0.0

    def and_one(self, seconds: float) -> Proofs:
        """Give these and one more."""
        place = bisect_left(PROOF_BUCKETS, seconds)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Proofs(counts, self.total + seconds)

    def buckets(self) -> list[tuple[str, float]]:
        """Give them as Prometheus writes them: up to each edge, and all."""
        found, so_far = [], 0
        for edge, count in zip((*map(str, PROOF_BUCKETS), "+Inf"), self.counts, strict=True):
            so_far += count
            found.append((edge, float(so_far)))
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page shows, as it was after one event.

    Attributes:
        number: of the event, from 0; -1 before the first.
        at: when it happened, epoch seconds.
        proofs: of weights.
        refused: changes that NGINX did not take; the weight before stayed in force, proven.
        unproven: changes after which nothing could be proven.
        evaluations: how often the gates were looked at.
    """

    state: State | None = None
    number: int = -1
    at: float = 0.0
    proofs: Proofs = Proofs()
    refused: int = 0
    unproven: int = 0
    evaluations: int = 0

    def after(self, event: Event, state: State) -> Seen:
        """Give what is to be shown after one more event."""
        seen = replace(self, state=state, number=self.number + 1, at=event.at)
        match event:
            case WeightProven():
                return replace(seen, proofs=seen.proofs.and_one(event.took))
            case WeightRefused():
                return replace(seen, refused=seen.refused + 1)
            case TrafficUnproven():
                return replace(seen, unproven=seen.unproven + 1)
            case Judged():
                return replace(seen, evaluations=seen.evaluations + 1)
        return seen
