"""The live judge, fed with simulated counters: the same objects, the same calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from canaryctl.core.sequential.batch import Evaluation, Seen
from canaryctl.core.sequential.course import Course, Move, Policy
from canaryctl.core.sequential.judge import Judge
from canaryctl.core.sequential.terms import Terms, for_errors, for_latency
from canaryctl.simulate.traffic import Side, Tick

ERRORS, LATENCY = "error rate", "p95 latency"


class Evidence:
    """``Judge`` and ``Course`` as a rule of the simulation."""

    def __init__(
        self, terms: Iterable[Terms] | None = None, *, risk: float = 0.01, early: bool = False
    ) -> None:
        self.judge = Judge(
            terms or (for_errors(ERRORS, 0.005), for_latency(LATENCY, 0.95)), risk=risk
        )
        self._course = Course(self.judge, Policy(early=early))
        self._since = 0.0

    def learn(self, minutes: Sequence[Side]) -> None:
        """Take stable's history in."""
        self.judge.learn(ERRORS, [minute.as_errors() for minute in minutes])
        self.judge.learn(LATENCY, [minute.as_latency() for minute in minutes])

    def enter(self, since: float, stage: int, weights: Sequence[float], observe: float) -> None:
        """A stage's weight is proven."""
        self._since = since
        after = weights[stage + 1] if stage + 1 < len(weights) else None
        self._course.enter(since, observe, after)

    def look(self, tick: Tick) -> tuple[Move, str]:
        """Judge a tick."""
        canary, stable = tick.canary, tick.stable
        seen = Evaluation(
            at=tick.at,
            weight=tick.weight,
            since=self._since,
            gates={
                ERRORS: Seen(
                    canary.as_errors() if canary else None, stable.as_errors() if stable else None
                ),
                LATENCY: Seen(
                    canary.as_latency() if canary else None,
                    stable.as_latency() if stable else None,
                ),
            },
            attempts=tick.attempts,
            up=tick.up,
            restarts=tick.restarts,
        )
        step = self._course.step(tick.at, self.judge.take(seen), data=canary is not None)
        return step.move, step.reason
