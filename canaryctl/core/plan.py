"""What a rollout means to do: its stages and its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from canaryctl.core.hooks import HookMoment
from canaryctl.core.weight import Weight

DAY = 86_400.0
"""Seconds."""


class OnInconclusive(StrEnum):
    """What becomes of a stage that was extended to its bound without a verdict."""

    BACK = "back"
    ADVANCE = "advance"


class OnDrift(StrEnum):
    """What becomes of a rollout whose weights are no longer what it set, by nobody's decision."""

    END = "end"
    REASSERT = "reassert"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds; None: until somebody says ``canaryctl continue``."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Wait until each of these roles has approved."""

    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Wait until each of these hooks, which are gates, has passed.

    Attributes:
        moment: before-stage or after-stage.
        hooks: their names, in the order in which they run.
    """

    moment: HookMoment
    hooks: tuple[str, ...]


Wait = Pause | Approval | Ask


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: the canary's weight, and for how long it is observed (seconds).

    Attributes:
        before: what is waited for before the weight is set, in this order. The weight before it
            stays, and goes on being judged.
        after: what is waited for once its gates have passed, with its weight, judged on.
    """

    weight: Weight
    observe: float
    before: tuple[Wait, ...] = ()
    after: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages, and the bound of everything that waits.

    Attributes:
        stages: with rising weights; the last one is where a success leaves the canary.
        interval: seconds between two evaluations of the gates.
        extend_to: a stage without enough data lasts at most this multiple of its ``observe``.
        lost_after: seconds without an answer from the metrics source until it counts as lost.
        gateway_lost_after: the same for NGINX's control listener.
        on_inconclusive: what a stage's bound ends it with, while its estimate is over a limit.
        return_attempts: how often going back to 0 % is tried before it is reported as unknown.
        deadline: seconds that the whole rollout may take, waits included.
        on_drift: what becomes of it when its weights are no longer in force.
        reasserts: how often they are set again, at most.
        drain_within: seconds that old workers are waited for after going back; 0: not at all.
        adopt: the weight of its only stage is in force already. It is taken as it is, never by way
            of 0 %, and an interruption or the deadline leaves it: nothing was found against it.
    """

    stages: tuple[Stage, ...]
    interval: float = 10.0
    extend_to: float = 3.0
    lost_after: float = 120.0
    gateway_lost_after: float = 30.0
    return_attempts: int = 3
    on_inconclusive: OnInconclusive = OnInconclusive.BACK
    deadline: float = DAY
    on_drift: OnDrift = OnDrift.END
    reasserts: int = 5
    drain_within: float = 0.0
    adopt: bool = False

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a plan has at least one stage, such as 1,5,25,100")
        weights = [stage.weight for stage in self.stages]
        for before, after in pairwise(weights):
            if after <= before:
                raise ValueError(f"stages rise: {after} does not come after {before}")
        if weights[0] <= Weight.ZERO:
            raise ValueError("stages begin above 0 %")
        if any(stage.observe <= 0 for stage in self.stages):
            raise ValueError("each stage is observed for longer than 0 s")
        if self.adopt and len(self.stages) > 1:
            raise ValueError("a weight that is in force already is the only stage")
        if self.deadline <= 0:
            raise ValueError("the deadline is later than the beginning")
        if self.interval <= 0:
            raise ValueError("the interval between evaluations is longer than 0 s")

    @property
    def duration(self) -> float:
        """Seconds, when no stage has to be extended."""
        return sum(stage.observe for stage in self.stages)

    @property
    def longest(self) -> float:
        """Seconds, when every stage is extended to its bound."""
        return self.duration * self.extend_to
