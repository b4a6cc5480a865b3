"""What a comparison and the gates' findings mean: health, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from canaryctl.core.comparison.compare import QUANTILES, Comparison
from canaryctl.core.comparison.side import LEAST, Side
from canaryctl.core.gate import (
    Finding,
    Gate,
    OnNoData,
    Severity,
    Status,
    Unit,
    UpGate,
    ZeroGate,
    written,
)

LEAST_SUCCESS = 0.95
"""Promotion asks for this success rate, which is an error rate of at most 0.05 (mission, C)."""
MOST_P95 = 1.2
"""Promotion asks that the canary's p95 is at most this multiple of stable's (mission, C)."""


class Health(StrEnum):
    """How the canary is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Recommendation(StrEnum):
    """What to do with it."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a comparison comes to.

    Attributes:
        health: the canary's.
        recommendation: what to do.
        reason: one sentence, always there.
    """

    health: Health
    recommendation: Recommendation
    reason: str


def critical(gates: Iterable[Gate]) -> frozenset[str]:
    """Name the gates of which one failure is enough: zero tolerance, and a canary that is down."""
    return frozenset(one.rule.name for one in gates if isinstance(one, ZeroGate | UpGate))


def advise(
    comparison: Comparison, findings: Sequence[Finding], critical: Collection[str] = ()
) -> Advice:
    """Draw the conclusion.

    Args:
        comparison: both versions' figures.
        findings: of the gates, on the same look.
        critical: names of gates of which one failure makes the canary unhealthy.
    """
    health = health_of(comparison.canary, findings, critical)
    failed = _failed(findings)
    if failed:
        more = f"; {len(failed) - 1} more over their limits" if failed[1:] else ""
        reason = f"{failed[0].name}: {failed[0].reason}{more}"
        return Advice(health, Recommendation.ROLLBACK, reason)
    against = [*_undecided(findings), *_warnings(findings), *_wanting(comparison)]
    if against:
        return Advice(health, Recommendation.HOLD, "; ".join(against))
    return Advice(health, Recommendation.PROMOTE, _fit(comparison))


def health_of(canary: Side, findings: Sequence[Finding], critical: Collection[str] = ()) -> Health:
    """Judge the canary by its checks, which are the gates' findings.

    Healthy: none is over its limit. Degraded: one is, or one that only warns. Unhealthy: several
    are, or a critical one. Fewer than ``LEAST`` requests are no verdict, unless a check is over its
    limit all the same: a check has its own idea of how much it takes.
    """
    failed = _failed(findings)
    if len(failed) > 1 or any(one.gate in critical for one in failed):
        return Health.UNHEALTHY
    if failed:
        return Health.DEGRADED
    if canary.requests is None or canary.requests < LEAST:
        return Health.UNKNOWN
    return Health.DEGRADED if _warnings(findings) else Health.HEALTHY


def _failed(findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if f.status is Status.FAIL and f.severity is Severity.ROLLBACK]


def _warnings(findings: Sequence[Finding]) -> list[str]:
    warned = [f for f in findings if f.status is Status.FAIL and f.severity is Severity.WARN]
    return [f"{f.name} (severity warn): {f.reason}" for f in warned]


def _undecided(findings: Sequence[Finding]) -> list[str]:
    """Name what cannot be told, apart from what the user lets pass without data."""
    return [
        f"{f.name}: {f.status}: {f.reason}"
        for f in findings
        if f.severity is Severity.ROLLBACK
        and f.status not in (Status.PASS, Status.FAIL)
        and not (f.status is Status.NO_DATA and f.on_no_data is OnNoData.PASS)
    ]


def _wanting(comparison: Comparison) -> list[str]:
    """Say what promotion asks for and the canary does not show."""
    canary, stable = comparison.canary, comparison.stable
    if canary.requests is None:
        return ["no request of the canary is counted; a gate of kind ratio names the counter"]
    if canary.requests < LEAST:
        return [f"the canary served {canary.requests:.0f} of the {LEAST} requests needed"]
    found = []
    success = canary.success_rate
    if success is None:
        found.append("no errors are counted; a gate of kind ratio names the counter")
    elif success < LEAST_SUCCESS:
        least = written(LEAST_SUCCESS, Unit.PERCENT)
        found.append(f"success rate: {written(success, Unit.PERCENT)} is below {least}")
    slow = _slow(canary, stable)
    if slow is not None:
        found.append(slow)
    return found


def _slow(canary: Side, stable: Side) -> str | None:
    q = QUANTILES["p95"]
    ours, theirs = canary.latency.quantile(q), stable.latency.quantile(q)
    if ours is None or canary.latency.observations < LEAST:
        return "p95: too few latencies of the canary to compare; a gate of kind latency names them"
    if theirs is None or stable.latency.observations < LEAST:
        seen = stable.latency.observations
        return f"p95: stable has {seen:.0f} of the {LEAST} latencies needed to compare with"
    if canary.latency.is_beyond(q):
        bound = written(ours, Unit.SECONDS)
        return f"p95: the canary's lies above the histogram's highest bucket bound, {bound}"
    if ours > MOST_P95 * theirs:
        ours_said, limit = written(ours, Unit.SECONDS), written(theirs, Unit.SECONDS)
        return f"p95: {ours_said} is above {MOST_P95:g} × stable's {limit}"
    return None


def _fit(comparison: Comparison) -> str:
    success = written(comparison.canary.success_rate, Unit.PERCENT)
    least = written(LEAST_SUCCESS, Unit.PERCENT)
    said = f"gates pass, success rate {success} (≥ {least}), p95 at most {MOST_P95:g} × stable's"
    if comparison.worse:
        names = ", ".join(name.replace("_", " ") for name in comparison.worse)
        return f"{said}; within every limit, but worse than stable: {names}"
    return said
