"""``plan``: stages and bounds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from canaryctl.config.base import Model
from canaryctl.config.fields import (
    Duration,
    DurationFromZero,
)
from canaryctl.config.stages import Stages, stages
from canaryctl.core.accounts import WARM_UP
from canaryctl.core.analysis import Judgement
from canaryctl.core.plan import DAY, OnDrift, OnInconclusive
from canaryctl.core.plan import Plan as CorePlan
from canaryctl.core.sequential.course import Policy
from canaryctl.core.weight import Weight


class PlanModel(Model):
    """Stages and bounds."""

    stages: Stages = Field((Weight(100), Weight(500), Weight(2500), Weight.FULL))
    observe: Duration = Field(900.0, description="how long each stage is observed")
    interval: Duration = Field(10.0, description="between two evaluations of the gates")
    extend_to: float = Field(
        3.0,
        ge=1,
        le=100,
        description="a stage without enough data lasts at most so many times observe",
    )
    gateway_lost_after: Duration = 30.0
    advance: Literal["time", "evidence"] = Field(
        "time", description="evidence: a stage ends early once the canary is known to be fine"
    )
    warm_up: DurationFromZero | None = Field(
        None,
        description="after a weight change latency is not judged; left out: 60s, at most observe/3",
    )
    hold_for: Duration = Field(
        1800.0,
        description="stable in trouble itself may hold the rollout so long in all, waits apart",
    )
    deadline: Duration = Field(
        DAY, description="the whole rollout may take so long, waits included; then back to 0 %"
    )
    on_inconclusive: OnInconclusive = Field(
        OnInconclusive.BACK, description="what ends a stage extended to its bound: back, advance"
    )

    @model_validator(mode="after")
    def _warm_in_time(self) -> PlanModel:
        if self.warm_up is not None and self.warm_up >= self.observe:
            said = f"{self.warm_up:g} s leave nothing to judge of a stage of {self.observe:g} s"
            raise ValueError(f"warm_up: {said}")
        return self

    def judgement(self, risk: float) -> Judgement:
        """Give how evidence is judged in this plan."""
        warm_up = min(WARM_UP, self.observe / 3) if self.warm_up is None else self.warm_up
        policy = Policy(self.extend_to, self.hold_for, early=self.advance == "evidence")
        return Judgement(risk, warm_up, policy)

    def core(self, lost_after: float, on_drift: OnDrift, drain_within: float) -> CorePlan:
        """Give the core's plan."""
        return CorePlan(
            stages=stages(self.stages, self.observe),
            interval=self.interval,
            extend_to=self.extend_to,
            lost_after=lost_after,
            gateway_lost_after=self.gateway_lost_after,
            on_inconclusive=self.on_inconclusive,
            deadline=self.deadline,
            on_drift=on_drift,
            drain_within=drain_within,
        )
