"""What a stage makes of the evidence: back, hold, go on, wait longer, or end without a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import log

from canaryctl.core.sequential.estimate import evidence_within
from canaryctl.core.sequential.judge import Assessment, Judge

CONFIDENT = log(20.0)
"""Log evidence for the canary, gate by gate, that ends a stage early."""
LEAST_EARLY = 60.0
"""Seconds beyond the longest warm-up that even an early end takes."""
MOST_EARLY = 5.0
GAP = 30.0
"""Seconds: a longer gap between two looks with data was not observed, unless the metrics source
is known to look less often."""
ROUNDING = 1e-6


class Move(StrEnum):
    """What to do now."""

    WAIT = "wait"
    HOLD = "hold"
    EXTEND = "extend"
    ADVANCE = "advance"
    BACK = "back"
    INCONCLUSIVE = "inconclusive"


class Bound(StrEnum):
    """Which bound ended a stage without a verdict."""

    EXTENSION = "extension"
    HOLD = "hold"
    NO_DATA = "no data"


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
    """A move and its reason.

    Attributes:
        move: what to do.
        reason: in a few words; empty while there is nothing to say.
        observed: seconds for which the stage was observed: holds and gaps do not count.
        bound: which bound was reached, for an inconclusive end.
    """

    move: Move
    reason: str
    observed: float
    bound: Bound | None = None


class Course:
    """Turns assessments into moves. One for a rollout; ``enter`` at each stage."""

    def __init__(self, judge: Judge, policy: Policy | None = None) -> None:
        self._judge = judge
        self._policy = policy or Policy()
        self._observe = self._since = 0.0
        self._next_weight: float | None = None
        self._observed = self._held = self._held_here = 0.0
        self._last = 0.0

    def enter(self, since: float, observe: float, next_weight: float | None) -> None:
        """Begin a stage: when its weight was proven, how long it lasts, the weight after it."""
        self._since = self._last = since
        self._observe, self._next_weight = observe, next_weight
        self._observed = self._held_here = 0.0

    def step(
        self,
        at: float,
        found: Assessment,
        *,
        data: bool,
        gap: float = GAP,
        paused: bool = False,
        waiting: bool = False,
    ) -> Step:
        """Give the move after an evaluation.

        Args:
            at: epoch seconds.
            found: what the judge says.
            data: some sample of the canary was new.
            gap: seconds between two looks with data from which the time between was not observed.
            paused: somebody paused the stage: its time stands still, and so do its bounds.
            waiting: the stage has passed, and the plan waits for time or people: stable's own
                trouble holds nobody, and takes nothing from ``hold_for``.
        """
        if found.back:
            return Step(Move.BACK, found.reason, self._observed)
        if paused:
            self._held_here += at - self._last
            self._last = at
            return Step(Move.HOLD, "paused", self._observed)
        if found.hold:
            return self._hold(at, found, holds=not waiting)
        if not data:
            return self._unseen(at)
        passed, self._last = at - self._last, at
        self._observed += passed if passed <= gap else 0.0
        return self._timed(found)

    def _hold(self, at: float, found: Assessment, *, holds: bool) -> Step:
        passed, self._last = at - self._last, at
        self._held += passed if holds else 0.0
        self._held_here += passed
        said = "stable breaks its own limit: " + ", ".join(found.hold)
        if holds and self._held >= self._policy.hold_for:
            said += f"; held for {self._held:.0f} s"
            return Step(Move.INCONCLUSIVE, said, self._observed, Bound.HOLD)
        return Step(Move.HOLD, said, self._observed)

    def _unseen(self, at: float) -> Step:
        """Wait for samples, but no longer than an extended stage would have lasted."""
        lasted = at - self._since - self._held_here
        if lasted + ROUNDING >= self._observe * self._policy.extend_to:
            said = f"no new sample of the canary for {at - self._last:.0f} s"
            return Step(Move.INCONCLUSIVE, said, self._observed, Bound.NO_DATA)
        return Step(Move.WAIT, "no new sample of the canary", self._observed)

    def _timed(self, found: Assessment) -> Step:
        """Give the move of a stage that nothing ends or holds but its time."""
        seen, bound = self._observed + ROUNDING, self._observe * self._policy.extend_to
        if seen < self._observe:
            if self._policy.early and found.clear and self._sure():
                return Step(Move.ADVANCE, "evidence that it is within its limits", self._observed)
            return Step(Move.WAIT, "", self._observed)
        if found.clear:
            return Step(Move.ADVANCE, "within its limits, nothing against it", self._observed)
        said = "open: " + ", ".join(found.open)
        if found.unseen:
            said += f" (too few observations in this stage: {', '.join(found.unseen)})"
        if seen >= bound:
            reached = Bound.NO_DATA if found.unseen else Bound.EXTENSION
            return Step(Move.INCONCLUSIVE, said, self._observed, reached)
        return Step(Move.EXTEND, said, self._observed)

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
        groups: dict[str, list[float]] = {}
        for gate in gates:
            # The parts of one gate are known together: one that nobody asks for keeps nobody.
            sums = groups.setdefault(gate.terms.group or gate.terms.name, [0.0, 0.0, 0.0])
            total, over = gate.estimate.counted
            sums[0] += total
            sums[1] += over
            sums[2] = gate.terms.limit
        return all(
            evidence_within(total, over, min(limit * slack, 0.5)) >= CONFIDENT
            for total, over, limit in groups.values()
        )
