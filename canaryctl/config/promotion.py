"""``promotion``: how the canary's version becomes the stable one."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from canaryctl.config.base import Model
from canaryctl.config.deploy import File
from canaryctl.config.fields import Duration, DurationFromZero, Percent
from canaryctl.core.weight import Weight

Role = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PromotionModel(Model):
    """How the canary's version becomes the stable one."""

    watch: Duration = Field(
        1800.0, description="the canary is watched for so long at 100 % before stable is touched"
    )
    interval: Duration | None = Field(
        None, description="between two evaluations of the gates; left out: plan.interval"
    )
    approvals: tuple[Role, ...] = Field(
        (), description="roles that have to approve before stable is touched; left out: nobody"
    )
    approve_within: Duration = Field(
        86_400.0, description="approvals are waited for so long; then nothing is changed"
    )
    steps: tuple[Percent, ...] = Field(
        (50.0,),
        min_length=1,
        description="the canary's weights on the way from 100 to 0 %, falling",
    )
    settle: DurationFromZero = Field(
        10.0, description="stable is looked at for so long after each of them, and after 0 %"
    )
    remove_canary: bool = Field(True, description="the canary's containers are removed at the end")
    log: File = Field(
        "deployments.tsv", description="a line of each promotion is added to it; .md: a table"
    )

    @field_validator("approvals")
    @classmethod
    def _each_once(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(roles)) != len(roles):
            raise ValueError(f"a role twice: {', '.join(roles)}")
        return roles

    @model_validator(mode="after")
    def _falling(self) -> PromotionModel:
        steps = [100.0, *self.steps]
        if any(later >= earlier for earlier, later in pairwise(steps)):
            raise ValueError(f"steps: weights below 100 that fall, such as [50, 10], not {steps}")
        return self

    def weights(self) -> tuple[Weight, ...]:
        """Give the canary's weights on the way back, 0 % the last one."""
        return (*(Weight(round(one * 100)) for one in self.steps), Weight.ZERO)
