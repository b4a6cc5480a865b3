"""What a stage makes of the evidence: back, hold, go on, wait longer, or end without a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import log

from canaryctl.core.sequential.judge import Assessment, Judge

CONFIDENT = log(20.0)
"""Log evidence for the canary, gate by gate, that ends a stage early."""
LEAST_EARLY = 30.0
"""Seconds beyond the longest warm-up that even an early end takes."""
MOST_EARLY = 5.0
GAP = 30.0
"""Seconds: a longer gap between two looks with data was not observed."""


class Move(StrEnum):
    """What to do now."""

    WAIT = "wait"
    HOLD = "hold"
    EXTEND = "extend"
    ADVANCE = "advance"
    BACK = "back"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds of a stage.

    Attributes:
        extend_to: a stage over a limit without enough evidence lasts at most so many times
            its length.
        hold_for: seconds that stable's own trouble may hold the rollout, all stages together.
        early: a stage may end once evidence shows the canary within its limits.
    """

    extend_to: float = 3.0
    hold_for: float = 1800.0
    early: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A move, with its reason, and for how long the stage has been observed (seconds)."""

    move: Move
    reason: str
    observed: float


class Course:
    """Turns assessments into moves. One for a rollout; ``enter`` at each stage."""

    def __init__(self, judge: Judge, policy: Policy | None = None) -> None:
        self._judge = judge
        self._policy = policy or Policy()
        self._observe = self._since = 0.0
        self._next_weight: float | None = None
        self._observed = self._held = 0.0
        self._last: float | None = None

    def enter(self, since: float, observe: float, next_weight: float | None) -> None:
        """Begin a stage: when its weight was proven, how long it lasts, the weight after it."""
        self._since = self._last = since
        self._observe, self._next_weight = observe, next_weight
        self._observed = 0.0

    def step(self, at: float, found: Assessment, *, data: bool) -> Step:
        """Give the move after an evaluation. ``data``: some canary sample was new."""
        if found.back:
            return Step(Move.BACK, found.reason, self._observed)
        if not data:
            return Step(Move.WAIT, "no new samples", self._observed)
        passed = at - (self._since if self._last is None else self._last)
        self._last = at
        if found.hold:
            self._held += passed
            said = "stable breaks its own limit: " + ", ".join(found.hold)
            if self._held >= self._policy.hold_for:
                return Step(Move.INCONCLUSIVE, said, self._observed)
            return Step(Move.HOLD, said, self._observed)
        self._observed += passed if passed <= GAP else 0.0
        return self._timed(found)

    def _timed(self, found: Assessment) -> Step:
        """Give the move of a stage that nothing ends or holds but its time."""
        seen, bound = self._observed, self._observe * self._policy.extend_to
        if seen < self._observe:
            if self._policy.early and found.clear and self._sure():
                return Step(Move.ADVANCE, "evidence that it is within its limits", seen)
            return Step(Move.WAIT, "", seen)
        if found.clear:
            return Step(Move.ADVANCE, "within its limits, nothing against it", seen)
        said = "open: " + ", ".join(found.open)
        return Step(Move.INCONCLUSIVE if seen >= bound else Move.EXTEND, said, seen)

    def _sure(self) -> bool:
        """Whether going on early is safe.

        What has to be shown is that at the next weight the whole service stays within the limit
        even if all its bad requests are the canary's: a fraction below ``limit / next weight``,
        at most ``MOST_EARLY`` limits; at the last stage the limit itself.
        """
        gates = self._judge.gates
        warm = max((gate.terms.warm_up for gate in gates), default=0.0)
        if self._observed < warm + LEAST_EARLY:
            return False
        slack = min(MOST_EARLY, 1.0 / self._next_weight) if self._next_weight else 1.0
        return all(
            gate.estimate.evidence_within(min(gate.terms.limit * slack, 0.5)) >= CONFIDENT
            for gate in gates
        )
