"""One rollout before the judge. Live, simulated or replayed: this is the code that decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canaryctl.core.sequential.batch import Counts, Evaluation
from canaryctl.core.sequential.course import GAP, Course, Move, Policy, Step
from canaryctl.core.sequential.judge import Assessment, Judge
from canaryctl.core.sequential.terms import Terms


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one evaluation came to.

    Attributes:
        step: the move, with its reason.
        found: the evidence behind it.
        visible: for each gate the smallest fraction of bad requests that the traffic so far
            would have shown with 90 %; None: not even a canary that always fails. Empty while
            the stage's time is not up.
    """

    step: Step
    found: Assessment
    visible: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a rollout goes, so that one of seconds does not wait for minutes.

    Attributes:
        shortest: seconds of its shortest stage.
        down_for: seconds for which the canary refuses every scrape until it counts as dead. A
            restart takes less.
        down_looks: so many refused scrapes in a row it takes, too.
    """

    shortest: float = 900.0
    down_for: float = 10.0
    down_looks: int = 3


class Trial:
    """A judge and the course of its stages."""

    def __init__(
        self,
        terms: Iterable[Terms],
        *,
        risk: float = 0.01,
        policy: Policy | None = None,
        reserve: float = 0.0,
        pace: Pace | None = None,
    ) -> None:
        """Begin a rollout.

        Args:
            terms: one for each account of evidence.
            risk: chance, at most, that a healthy canary is thrown back in the whole rollout.
            policy: the bounds of its stages.
            reserve: share kept for accounts that are admitted later.
            pace: how fast it goes; left out: stages of a quarter of an hour or more.

        Raises:
            ValueError: a risk outside 0 to 1.
        """
        pace = pace or Pace()
        self.judge = Judge(
            terms,
            risk,
            reserve=reserve,
            shortest=pace.shortest,
            down_for=pace.down_for,
            down_looks=pace.down_looks,
        )
        self._course = Course(self.judge, policy)

    def learn(self, name: str, minutes: Iterable[Counts]) -> None:
        """Take stable's history in; see ``Judge.learn``."""
        self.judge.learn(name, minutes)

    def enter(self, since: float, observe: float, next_weight: float | None) -> None:
        """Begin a stage: when its weight was proven, how long it lasts, the weight after it."""
        self._course.enter(since, observe, next_weight)

    def weigh(self, seen: Evaluation, *, gap: float = GAP) -> Weighed:
        """Weigh an evaluation. ``gap``: see ``Course.step``."""
        data = not self.judge.gates or any(one.canary is not None for one in seen.gates.values())
        found = self.judge.take(seen)
        step = self._course.step(
            seen.at,
            found,
            data=data,
            gap=max(gap, GAP),
            paused=seen.paused,
            waiting=seen.waiting,
        )
        # What could have been seen is asked for when a stage ends; it is most of the work.
        over = step.move not in (Move.WAIT, Move.HOLD)
        return Weighed(step, found, self.judge.could_have_seen() if over else {})
