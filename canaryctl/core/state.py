"""What a rollout knows at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from canaryctl.core.events import Check
from canaryctl.core.gate import Finding
from canaryctl.core.outcome import Ending
from canaryctl.core.plan import Plan, Stage
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
    RETURNING = "returning"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What became of one stage: for the table at the end.

    Attributes:
        weighed: the newest evidence; None where no gate is judged by evidence.
        inconclusive: it went on at its bound, without a verdict, because the plan says so.
    """

    stage: Stage
    proven_at: float
    findings: tuple[Finding, ...] = ()
    verdict: Verdict | None = None
    weighed: Weighed | None = None
    evaluations: int = 0
    passed: bool = False
    inconclusive: bool = False


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

    @property
    def stage(self) -> Stage:
        """The stage being shifted to or observed."""
        return self.plan.stages[self.index]

    @property
    def due(self) -> float:
        """When the present stage's time is up, epoch seconds."""
        return self.since + self.stage.observe + self.lost

    @property
    def bound(self) -> float:
        """When the present stage ends at the latest, epoch seconds."""
        return self.since + self.stage.observe * self.plan.extend_to + self.lost
