"""canary.yaml as pydantic models. Unknown keys are errors."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from canaryctl.config.base import Model
from canaryctl.config.breaker import BreakerModel, Breaking
from canaryctl.config.checks import ChecksModel
from canaryctl.config.deploy import DeployModel
from canaryctl.config.export import ExportModel
from canaryctl.config.fields import (
    Name,
    Share,
)
from canaryctl.config.gate_sets import Gates
from canaryctl.config.gates import mission
from canaryctl.config.gateway import DockerGateway, LocalGateway
from canaryctl.config.hooks import HookModel, asking
from canaryctl.config.notify import ChannelModel
from canaryctl.config.plan import PlanModel
from canaryctl.config.promotion import PromotionModel
from canaryctl.config.smoke import SmokeModel
from canaryctl.config.sources import PrometheusSource, ScrapeSource
from canaryctl.config.versions import Versions
from canaryctl.core import gate as core
from canaryctl.core.analysis import Judgement
from canaryctl.core.breaker import BreakerPolicy
from canaryctl.core.gate import Judging
from canaryctl.core.hooks import Hook
from canaryctl.core.notice import Channel
from canaryctl.core.plan import Plan as CorePlan
from canaryctl.core.series import Version


class Config(Model):
    """All of canary.yaml."""

    service: Name
    versions: Versions
    gateway: Annotated[DockerGateway | LocalGateway, Field(discriminator="driver")]
    plan: PlanModel = Field(default_factory=PlanModel)
    metrics: Annotated[PrometheusSource | ScrapeSource, Field(discriminator="provider")] = Field(
        default_factory=lambda: ScrapeSource(provider="scrape")
    )
    judge: Judging = Field(
        Judging.EVIDENCE, description="evidence, or threshold: every limit is read literally"
    )
    risk: Share = Field(
        0.01, description="chance at most that a healthy canary is thrown back in a whole rollout"
    )
    gates: Gates = Field(
        default_factory=mission, description="a list of them, or mission, slo, strict or relaxed"
    )
    liveness: int = Field(
        3, ge=0, description="evaluations in a row that find the canary's scrape failed; 0: off"
    )
    breaker: Breaking | None = Field(
        None, description="the circuit breaker: its keys, on or off; left out: off"
    )
    smoke: SmokeModel = Field(
        default_factory=SmokeModel, description="what a version is tested with"
    )
    deploy: DeployModel | None = Field(
        None, description="how versions are deployed; left out: canaryctl deploys none"
    )
    promotion: PromotionModel = Field(
        default_factory=PromotionModel,
        description="how the canary's version becomes the stable one",
    )
    export: ExportModel | None = Field(
        None, description="where canaryctl's own metrics are read; left out: nowhere"
    )

    checks: ChecksModel = Field(
        default_factory=ChecksModel, description="what `check` looks at before a rollout"
    )
    hooks: tuple[HookModel, ...] = Field(
        (), description="commands and URLs at moments of a rollout"
    )
    notify: tuple[ChannelModel, ...] = Field((), description="who is told what")

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.metrics.provider == "scrape":
            for gate in self.gates:
                if gate.kind == "promql":
                    raise ValueError(
                        f"gates: {gate.name!r} is kind: promql, which needs provider: prometheus"
                    )
        return self

    @model_validator(mode="after")
    def _probes_can_ask(self) -> Config:
        asking = [one.name for one in self.checks.probes if one.prometheus is not None]
        if asking and self.metrics.provider != "prometheus":
            raise ValueError(
                f"checks: the probe {asking[0]!r} asks Prometheus, which needs "
                "metrics.provider: prometheus"
            )
        return self

    @model_validator(mode="after")
    def _breaker_sees(self) -> Config:
        if isinstance(self.breaker, BreakerModel) and self.gateway.attempts is None:
            raise ValueError(
                "breaker: it reads NGINX's log of attempts: set gateway.attempts, or breaker: off"
            )
        return self

    def breaker_policy(self) -> BreakerPolicy | None:
        """Give the circuit breaker's policy, None where there is none."""
        if self.breaker is None or isinstance(self.breaker, str):
            return None
        return self.breaker.policy()

    def core_gates(self) -> tuple[core.Gate, ...]:
        """Give the gates, and liveness as the last one."""
        gates = tuple(one.judged(self.judge) for one in self.gates)
        if not self.liveness:
            return gates
        rule = core.Rule(
            "canary up",
            consecutive=self.liveness,
            on_no_data=core.OnNoData.PASS,
            judge=self.judge,
        )
        return (*gates, core.UpGate(rule))

    def judgement(self) -> Judgement:
        """Give how evidence is judged."""
        return self.plan.judgement(self.risk)

    def core_plan(self) -> CorePlan:
        """Give the plan with every bound."""
        gateway = self.gateway
        plan = self.plan.core(self.metrics.lost_after, gateway.on_drift, gateway.drain_within)
        return asking(plan, self.core_hooks())

    def core_hooks(self) -> tuple[Hook, ...]:
        """Give the hooks, in their order."""
        return tuple(one.core() for one in self.hooks)

    def channels(self) -> tuple[Channel, ...]:
        """Give the channels that notices go to."""
        return tuple(one.core() for one in self.notify)

    def select(self) -> dict[Version, dict[str, str]]:
        """Give each version's labels; empty where none are needed."""
        if self.metrics.select is None:
            return {}
        return {
            Version.STABLE: self.metrics.select.stable,
            Version.CANARY: self.metrics.select.canary,
        }
