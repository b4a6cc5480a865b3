"""What a rollout knows at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from canaryctl.core.breaker import Breaker
from canaryctl.core.control import Answer
from canaryctl.core.drained import Drained
from canaryctl.core.events import Check
from canaryctl.core.gate import Finding
from canaryctl.core.outcome import Ending
from canaryctl.core.plan import Ask, Pause, Plan, Stage, Wait
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.verdict import Verdict
from canaryctl.core.weight import Weight


class Phase(StrEnum):
    """Where a rollout stands."""

    READY = "ready"
    CHECKING = "checking"
    TAKING = "taking"
    SHIFTING = "shifting"
    OBSERVING = "observing"
    WAITING = "waiting"
    SWITCHING = "switching"
    OPEN = "open"
    TESTING = "testing"
    REASSERTING = "reasserting"
    RETURNING = "returning"
    DRAINING = "draining"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What became of one stage: for the table at the end.

    Attributes:
        weighed: the newest evidence; None where no gate is judged by evidence.
        inconclusive: it went on at its bound, without a verdict, because the plan says so.
        skipped: who had the rest of it skipped; empty: nobody.
        hooks: what the hooks found that were asked when its other gates had passed.
    """

    stage: Stage
    proven_at: float
    findings: tuple[Finding, ...] = ()
    verdict: Verdict | None = None
    weighed: Weighed | None = None
    evaluations: int = 0
    passed: bool = False
    inconclusive: bool = False
    skipped: str = ""
    hooks: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is waited for between two stages, before the first or after the last.

    Attributes:
        what: a time, somebody's word, approvals, or hooks.
        number: of the waits that the next stage begins with, from 0; -1: one that was asked for.
        since: epoch seconds.
        given: the roles that have approved.
        after: ``number`` is one of the waits that the present stage ends with.
    """

    what: Wait
    number: int
    since: float
    given: frozenset[str] = frozenset()
    after: bool = False

    @property
    def until(self) -> float:
        """When it ends by itself, epoch seconds; infinite: not."""
        seconds = self.what.seconds if isinstance(self.what, Pause) else None
        return inf if seconds is None else self.since + seconds


@dataclass(frozen=True, slots=True)
class State:
    """All that a rollout knows.

    Attributes:
        index: the stage being shifted to or observed; -1 before the first.
        weight: the last weight that was proven (None: nothing was yet).
        generation: the generation that proved it.
        since: when the present weight was proven.
        taken: when the gateway was taken, with 0 % proven.
        unseen: from when on zero gates count; see ``Observe``.
        lost: seconds of this stage without metrics, or held; they do not count as observed.
        silent_since: since when the metrics source, or the gateway, has not answered.
        attempts: how often going back was tried.
        ending: why the rollout ends, known from the moment it turns back.
        records: one for each stage that was entered.
        checks: what the preflight saw.
        began: when it was started, epoch seconds.
        first: the stage that it begins with; a resumed rollout begins with the one it was in.
        waiting: what is waited for before the next stage; the present one has passed.
        paused: who paused the stage, in words; empty: nobody. Its time does not count.
        paused_at: since when, epoch seconds.
        hold: who wants it to stay at this stage's end, in words; empty: nobody.
        answer: what the last request came to.
        breaker: the circuit breaker, as it last moved; None: it never did.
        test: the canary's weight while the breaker tests it.
        after: the phase to go back to, once the weights are set again.
        reasserted: how often the weights were set again.
        drained: what became of the old workers after going back.
    """

    plan: Plan
    phase: Phase = Phase.READY
    index: int = -1
    weight: Weight | None = None
    generation: str = ""
    since: float = 0.0
    taken: float = 0.0
    unseen: float = 0.0
    next_at: float = 0.0
    lost: float = 0.0
    silent_since: float | None = None
    gateway_silent_since: float | None = None
    streaks: Mapping[str, int] = field(default_factory=dict)
    attempts: int = 0
    ending: Ending | None = None
    records: tuple[StageRecord, ...] = ()
    checks: tuple[Check, ...] = ()
    began: float = 0.0
    first: int = 0
    waiting: Waiting | None = None
    paused: str = ""
    paused_at: float = 0.0
    hold: str = ""
    answer: Answer | None = None
    breaker: Breaker | None = None
    test: Weight = Weight.ZERO
    after: Phase = Phase.OBSERVING
    reasserted: int = 0
    drained: Drained | None = None

    @property
    def asking(self) -> Waiting | None:
        """The hooks that are waited for just now; None: none."""
        under_way = self.phase in (Phase.OBSERVING, Phase.WAITING, Phase.REASSERTING)
        waiting = self.waiting if under_way else None
        return waiting if waiting is not None and isinstance(waiting.what, Ask) else None

    @property
    def stage(self) -> Stage:
        """The stage being shifted to or observed."""
        return self.plan.stages[self.index]

    @property
    def deadline(self) -> float:
        """When the rollout ends at the latest, epoch seconds."""
        return self.began + self.plan.deadline

    @property
    def due(self) -> float:
        """When the present stage's time is up, epoch seconds."""
        return self.since + self.stage.observe + self.lost

    @property
    def bound(self) -> float:
        """When the present stage ends at the latest, epoch seconds."""
        return self.since + self.stage.observe * self.plan.extend_to + self.lost
