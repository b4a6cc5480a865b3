"""What a rollout means to do: its stages and its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from canaryctl.core.weight import Weight


class OnInconclusive(StrEnum):
    """What becomes of a stage that was extended to its bound without a verdict."""

    BACK = "back"
    ADVANCE = "advance"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: the canary's weight, and for how long it is observed (seconds)."""

    weight: Weight
    observe: float


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
    """

    stages: tuple[Stage, ...]
    interval: float = 10.0
    extend_to: float = 3.0
    lost_after: float = 120.0
    gateway_lost_after: float = 30.0
    return_attempts: int = 3
    on_inconclusive: OnInconclusive = OnInconclusive.BACK

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
