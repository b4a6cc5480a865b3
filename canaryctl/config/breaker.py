"""The circuit breaker in canary.yaml: its keys, ``on`` or ``off``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

from canaryctl.config.fields import Duration, Percent
from canaryctl.core.breaker import BreakerPolicy
from canaryctl.core.weight import Weight

OFF = "off"


class BreakerModel(BaseModel):
    """When it opens, how long, and how often; see ``core.breaker.BreakerPolicy``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: int = Field(
        5, ge=2, description="requests in a row that the canary fails: all traffic to stable"
    )
    open_for: Duration = Field(60.0, description="then a few requests test the canary")
    weight: Percent = Field(
        1.0, description="the canary's percentage while it is tested, where the stage's is higher"
    )
    probes: int = Field(
        5, ge=1, description="test requests in a row that are served: the stage begins anew"
    )
    half_open_for: Duration = Field(
        600.0, description="without so many test requests in this time it opens again"
    )
    openings: int = Field(
        3, ge=0, description="so often in a rollout; the next time it goes back for good"
    )

    def policy(self) -> BreakerPolicy:
        """Give the core's policy."""
        return BreakerPolicy(
            failures=self.failures,
            open_for=self.open_for,
            probes=self.probes,
            probe_weight=Weight.parse(self.weight),
            openings=self.openings,
            half_open_for=self.half_open_for,
        )


def _read(value: Any) -> Any:
    # YAML reads a bare off as false, and on as true.
    if value is False:
        return OFF
    if value is True or value == "on":
        return BreakerModel()
    if isinstance(value, dict | BreakerModel) or value == OFF:
        return value
    raise ValueError(f"breaker is on, off, or has keys such as failures: 5, not {value!r}")


def _kind(value: Any) -> str:
    return OFF if value == OFF else "keys"


Breaking = Annotated[
    Annotated[BreakerModel, Tag("keys")]
    | Annotated[Literal["off"], Tag(OFF), WithJsonSchema({"enum": [OFF, False, "on", True]})],
    Discriminator(_kind),
    BeforeValidator(_read),
]
