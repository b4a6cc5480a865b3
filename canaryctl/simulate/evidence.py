"""The live judge, fed with simulated counters: the same objects, the same calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from canaryctl.core.sequential.batch import Evaluation, Seen
from canaryctl.core.sequential.course import Move, Policy
from canaryctl.core.sequential.terms import Terms, for_errors, for_latency
from canaryctl.core.sequential.trial import Trial
from canaryctl.simulate.traffic import Side, Tick

ERRORS, LATENCY = "error rate", "p95 latency"


class Evidence:
    """A ``Trial`` on one error and one latency gate, as a rule of the simulation.

    What a whole configuration does is simulated by ``configured``.
    """

    def __init__(
        self, terms: Iterable[Terms] | None = None, *, risk: float = 0.01, early: bool = False
    ) -> None:
        both = (for_errors(ERRORS, 0.005), for_latency(LATENCY, 0.95))
        self.trial = Trial(terms or both, risk=risk, policy=Policy(early=early))
        self.judge = self.trial.judge
        self._since = 0.0

    def learn(self, minutes: Sequence[Side]) -> None:
        """Take stable's history in."""
        self.trial.learn(ERRORS, [minute.as_errors() for minute in minutes])
        self.trial.learn(LATENCY, [minute.as_latency() for minute in minutes])

    def enter(self, since: float, stage: int, weights: Sequence[float], observe: float) -> None:
        """A stage's weight is proven."""
        self._since = since
        after = weights[stage + 1] if stage + 1 < len(weights) else None
        self.trial.enter(since, observe, after)

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
        step = self.trial.weigh(seen).step
        return step.move, step.reason
