"""A gate, and what it found. A finding is never a bool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from canaryctl.core.selector import Selector


class Status(StrEnum):
    """What a gate can find. Only ``PASS`` lets a stage end well."""

    PASS = "pass"  # noqa: S105  a finding, not a password
    FAIL = "fail"
    NO_DATA = "no data"
    ERROR = "error"


class Severity(StrEnum):
    """What a failed gate does: go back, or only say so."""

    ROLLBACK = "rollback"
    WARN = "warn"


class Judging(StrEnum):
    """How a gate's counts become a verdict."""

    EVIDENCE = "evidence"
    THRESHOLD = "threshold"


class OnNoData(StrEnum):
    """What a stage's end makes of a gate without data."""

    HOLD = "hold"
    FAIL = "fail"
    PASS = "pass"  # noqa: S105  a rule, not a password


class Unit(StrEnum):
    """How a value is written for people; the value itself is in SI units or a plain number."""

    PLAIN = ""
    PERCENT = "%"
    SECONDS = "s"


@dataclass(frozen=True, slots=True)
class Rule:
    """What all kinds of gates share.

    Attributes:
        name: as the user calls it; unique among the gates.
        maximum: the value may not be above it (None: no such limit). Ratios are fractions,
            durations seconds.
        minimum: the value may not be below it.
        max_ratio: the canary's value may not be above this multiple of stable's.
        consecutive: so many evaluations in a row must fail before the gate has failed.
        min_samples: with fewer requests (or observations) the finding is "no data".
            None: the kind's own default, and a limit counts as broken only once chance is
            ruled out (see ``canaryctl.core.evidence``).
        severity: what a failed gate does.
        on_no_data: what the stage's end makes of a gate without data.
        judge: by evidence (see ``canaryctl.core.sequential``), or by the value as it is.
    """

    name: str
    maximum: float | None = None
    minimum: float | None = None
    max_ratio: float | None = None
    consecutive: int = 1
    min_samples: int | None = None
    severity: Severity = Severity.ROLLBACK
    on_no_data: OnNoData = OnNoData.HOLD
    judge: Judging = Judging.THRESHOLD


@dataclass(frozen=True, slots=True)
class RatioGate:
    """Bad events among all of them, counted over the window."""

    rule: Rule
    bad: Selector
    total: Selector


@dataclass(frozen=True, slots=True)
class LatencyGate:
    """A quantile of a histogram, for each value of a label where ``by`` is given.

    Attributes:
        metric: the histogram without ``_bucket``.
        quantile: 0 to 1, exclusive.
        by: the label whose values have limits of their own.
        limits: seconds for each value of that label; others are not judged. Empty: every value
            has ``rule.maximum``.
    """

    rule: Rule
    metric: Selector
    quantile: float
    by: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ZeroGate:
    """A counter that may not rise at all."""

    rule: Rule
    metric: Selector


@dataclass(frozen=True, slots=True)
class GaugeGate:
    """The newest value of a gauge, the mean over a version's instances."""

    rule: Rule
    metric: Selector


@dataclass(frozen=True, slots=True)
class PromqlGate:
    """Any PromQL expression that gives one number. Placeholders: see ``core.promql``."""

    rule: Rule
    query: str


@dataclass(frozen=True, slots=True)
class UpGate:
    """Whether the canary's instances answer the metrics source at all."""

    rule: Rule


Gate = RatioGate | LatencyGate | ZeroGate | GaugeGate | PromqlGate | UpGate


@dataclass(frozen=True, slots=True)
class Scale:
    """How far the evidence on one gate is. Each is a fraction of what decides, 0 to 1.

    Attributes:
        against: towards throwing the canary back.
        support: towards knowing that the canary is within the limit.
    """

    against: float
    support: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one gate (or one label value of it) showed at one evaluation.

    Attributes:
        gate: the gate's name.
        part: the label's value for a gate with ``by``, else empty.
        status: pass, fail, no data or error.
        value: the canary's; None without data. Fractions for ratios, seconds for latencies.
        comparator: ``≤``, ``≥`` or ``=``.
        limit: what the value is held against, in the value's own unit.
        samples: requests, observations or instances behind the value; None where unknown.
        unit: how value and limit are written.
        reason: one sentence, always there.
        severity: what a failure does.
        on_no_data: what a stage's end makes of "no data".
        consecutive: how many failures in a row it takes.
        stable: stable's value where it was looked at.
        queries: what was asked of the metrics source.
        judge: what made a verdict of it. By evidence, ``status`` is the judge's word.
        scale: how far the evidence is; None where none is collected.
    """

    gate: str
    status: Status
    reason: str
    part: str = ""
    value: float | None = None
    comparator: str = "≤"
    limit: float | None = None
    samples: float | None = None
    unit: Unit = Unit.PLAIN
    severity: Severity = Severity.ROLLBACK
    on_no_data: OnNoData = OnNoData.HOLD
    consecutive: int = 1
    stable: float | None = None
    queries: tuple[str, ...] = ()
    judge: Judging = Judging.THRESHOLD
    scale: Scale | None = None

    @property
    def name(self) -> str:
        """Gate and part as they are shown."""
        return f"{self.gate} ({self.part})" if self.part else self.gate


def written(value: float | None, unit: Unit) -> str:
    """Write a value for people: ``0.1 %``, ``2.5 s``, ``1.9``; a dash for none."""
    if value is None:
        return "-"
    if unit is Unit.PERCENT:
        return f"{value * 100:.3g} %"
    if unit is Unit.SECONDS:
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    return f"{value:.4g}"
