"""The gates of canary.yaml."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from canaryctl.config.fields import Limit, Limits, SelectorText
from canaryctl.core import gate as core
from canaryctl.core.accounts import can_be_evidence
from canaryctl.core.measure_counts import LEAST_SAMPLES
from canaryctl.core.promql import placeholders
from canaryctl.core.selector import parse_selector
from canaryctl.core.weighing import TRAFFIC, UP


class GateModel(BaseModel, ABC):
    """What all kinds share; see ``core.gate.Rule``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")
    max: Limits | None = None
    min: Limit | None = None
    max_ratio: float | None = Field(None, gt=0, description="canary ÷ stable may not be above it")
    judge: core.Judging | None = Field(None, description="left out: as `judge` at the top says")
    consecutive: int = Field(1, ge=1, description="evaluations in a row that must fail")
    min_samples: int | None = Field(None, ge=1)
    severity: core.Severity = core.Severity.ROLLBACK
    on_no_data: core.OnNoData = core.OnNoData.HOLD

    def rule(self) -> core.Rule:
        """Give the part that all kinds share."""
        return core.Rule(
            name=self.name,
            maximum=self.max if isinstance(self.max, float) else None,
            minimum=self.min,
            max_ratio=self.max_ratio,
            consecutive=self.consecutive,
            min_samples=self.min_samples,
            severity=self.severity,
            on_no_data=self.on_no_data,
            judge=core.Judging.EVIDENCE if self.judge is None else self.judge,
        )

    def _only_literal(self) -> bool:
        """Whether something is asked for that only a literal reading knows."""
        data = self.on_no_data is not core.OnNoData.HOLD
        return self.consecutive > 1 or self.min_samples is not None or data

    def judged(self, default: core.Judging) -> core.Gate:
        """Give the core's gate, and how it is judged.

        By evidence where trials are counted, unless the limit is asked to be read literally: by
        ``judge: threshold`` here or at the top, or by what only such a reading knows.
        """
        gate = self.gate()
        threshold = core.Judging.THRESHOLD
        literal = (self.judge or default) is threshold or (
            self.judge is None and self._only_literal()
        )
        if literal:
            # From the least number of samples on, chance or not: that is what literal means.
            rule = replace(
                gate.rule, judge=threshold, min_samples=self.min_samples or LEAST_SAMPLES
            )
            return replace(gate, rule=rule)
        judge = core.Judging.EVIDENCE if can_be_evidence(gate) else threshold
        return replace(gate, rule=replace(gate.rule, judge=judge))

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value in (TRAFFIC, UP):
            raise ValueError(f"{value!r} is what canaryctl calls a gate of its own")
        return value

    @model_validator(mode="after")
    def _judgeable(self) -> GateModel:
        if self.judge is not core.Judging.EVIDENCE:
            return self
        if self._only_literal():
            raise ValueError(
                "consecutive, min_samples and on_no_data: fail or pass belong to judge: threshold"
            )
        if not can_be_evidence(self.gate()):
            raise ValueError(
                "judge: evidence needs counted trials: kind: ratio with either max or min "
                "(0 to 50 %), or kind: latency with max and no max_ratio"
            )
        return self

    @abstractmethod
    def gate(self) -> core.Gate:
        """Give the core's gate."""

    @model_validator(mode="after")
    def _limited(self) -> GateModel:
        kind = getattr(self, "kind", "")
        if kind != "latency" and isinstance(self.max, dict):
            raise ValueError("max: a limit for each label value belongs to kind: latency with by")
        if kind != "zero" and self.max is None and self.min is None and self.max_ratio is None:
            raise ValueError("it has no limit: give max, min or max_ratio")
        return self


class Ratio(GateModel):
    """Bad events among all, as a share: ``0.5%``."""

    kind: Literal["ratio"]
    bad: SelectorText
    total: SelectorText

    def gate(self) -> core.Gate:
        """Give the core's gate."""
        return core.RatioGate(self.rule(), parse_selector(self.bad), parse_selector(self.total))


class Latency(GateModel):
    """A quantile of a histogram."""

    kind: Literal["latency"]
    metric: SelectorText
    quantile: float = Field(0.95, gt=0, lt=1)
    by: str | None = Field(None, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")

    @model_validator(mode="after")
    def _labelled(self) -> Latency:
        if isinstance(self.max, dict) and self.by is None:
            raise ValueError("max has a limit for each label value: name that label in by")
        if self.min is not None:
            raise ValueError("min: a latency has no lower limit")
        return self

    @field_validator("metric")
    @classmethod
    def _bare(cls, value: str) -> str:
        if parse_selector(value).metric.endswith("_bucket"):
            raise ValueError(f"the histogram's name without _bucket, not {value!r}")
        return value

    def gate(self) -> core.Gate:
        """Give the core's gate."""
        limits = self.max if isinstance(self.max, dict) else {}
        return core.LatencyGate(
            self.rule(), parse_selector(self.metric), self.quantile, self.by, limits
        )


class Zero(GateModel):
    """A counter that may not rise at all."""

    kind: Literal["zero"]
    metric: SelectorText

    @model_validator(mode="after")
    def _limitless(self) -> Zero:
        if self.max is not None or self.min is not None or self.max_ratio is not None:
            raise ValueError("kind: zero has no max, min or max_ratio; for a limit use kind: ratio")
        return self

    def gate(self) -> core.Gate:
        """Give the core's gate."""
        return core.ZeroGate(self.rule(), parse_selector(self.metric))


class Gauge(GateModel):
    """The newest value of a gauge."""

    kind: Literal["gauge"]
    metric: SelectorText

    def gate(self) -> core.Gate:
        """Give the core's gate."""
        return core.GaugeGate(self.rule(), parse_selector(self.metric))


class Promql(GateModel):
    """Any expression that gives one number."""

    kind: Literal["promql"]
    query: str = Field(min_length=1, max_length=10_000)

    @field_validator("query")
    @classmethod
    def _known(cls, value: str) -> str:
        placeholders(value)
        return value

    def gate(self) -> core.Gate:
        """Give the core's gate."""
        return core.PromqlGate(self.rule(), self.query)


AnyGate = Annotated[Ratio | Latency | Zero | Gauge | Promql, Field(discriminator="kind")]


def mission() -> tuple[AnyGate, ...]:
    """Give the four gates that apply when ``gates`` is left out."""
    return (
        Ratio(
            name="error rate",
            kind="ratio",
            bad='http_requests_total{status=~"5.."}',
            total="http_requests_total",
            max=0.005,
        ),
        Latency(
            name="p95 latency",
            kind="latency",
            metric="http_request_duration_seconds",
            quantile=0.95,
            by="mode",
            max={"fast": 2.5, "balanced": 3.2, "creative": 4.5},
        ),
        Zero(name="schema failures", kind="zero", metric="llm_brief_schema_failures_total"),
        Gauge(name="training loss", kind="gauge", metric="rl_training_loss", max_ratio=2),
    )
