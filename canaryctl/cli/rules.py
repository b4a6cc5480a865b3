"""A gate's limits in words, for a plan that has not run yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canaryctl.core.accounts import by_evidence
from canaryctl.core.gate import GaugeGate, LatencyGate, RatioGate, Severity, Unit, UpGate, ZeroGate
from canaryctl.core.gate import written as amount

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.core.gate import Gate


def rule_line(gate: Gate) -> str:
    """Write ``ratio ≤ 0.5 %, from 10 samples on``."""
    rule = gate.rule
    parts = [f"{_kind(gate)} {_limits(gate)}".strip()]
    if rule.max_ratio is not None:
        parts.append(f"≤ {rule.max_ratio:g} × stable")
    if rule.consecutive > 1:
        parts.append(f"fails after {rule.consecutive} evaluations in a row")
    if rule.min_samples is not None:
        parts.append(f"from {rule.min_samples} samples on")
    if rule.severity is Severity.WARN:
        parts.append("warns only")
    if by_evidence(gate):
        parts.append("judged by evidence")
    parts.append(f"no data: {rule.on_no_data}")
    return ", ".join(parts)


def _kind(gate: Gate) -> str:
    match gate:
        case RatioGate():
            return "ratio"
        case LatencyGate():
            return f"p{gate.quantile * 100:g}" + (f" by {gate.by}" if gate.by else "")
        case ZeroGate():
            return "zero: any increase fails"
        case GaugeGate():
            return "gauge"
        case UpGate():
            return "every scrape answered"
        case _:
            return "promql"


def _limits(gate: Gate) -> str:
    units = {RatioGate: Unit.PERCENT, LatencyGate: Unit.SECONDS}
    unit = units.get(type(gate), Unit.PLAIN)
    if isinstance(gate, LatencyGate) and gate.limits:
        return ", ".join(f"{part} ≤ {amount(limit, unit)}" for part, limit in gate.limits.items())
    said = []
    if gate.rule.maximum is not None:
        said.append(f"≤ {amount(gate.rule.maximum, unit)}")
    if gate.rule.minimum is not None:
        said.append(f"≥ {amount(gate.rule.minimum, unit)}")
    return ", ".join(said)


def judged_line(config: Config) -> str:
    """Say by what the gates are judged."""
    if not any(by_evidence(gate) for gate in config.core_gates()):
        return "every limit read literally"
    said = f"by evidence, risk {amount(config.risk, Unit.PERCENT)}"
    if config.plan.advance == "evidence":
        said += ", stages end early once the evidence is there"
    return said
