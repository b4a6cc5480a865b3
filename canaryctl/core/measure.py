"""Gates on answers give findings: one for each gate, or for each label value of it."""

from __future__ import annotations

from collections.abc import Iterable

from canaryctl.core.gate import Finding, Gate, GaugeGate, LatencyGate, PromqlGate, RatioGate, UpGate
from canaryctl.core.look import Look
from canaryctl.core.measure_counts import latency, ratio, zero
from canaryctl.core.measure_values import gauge, promql, up


def measure(gates: Iterable[Gate], look: Look) -> tuple[Finding, ...]:
    """Evaluate every gate on one look. Pure: the same look gives the same findings."""
    return tuple(finding for gate in gates for finding in _measured(gate, look))


def _measured(gate: Gate, look: Look) -> tuple[Finding, ...]:
    match gate:
        case RatioGate():
            return (ratio(gate, look),)
        case LatencyGate():
            return latency(gate, look)
        case GaugeGate():
            return (gauge(gate, look),)
        case PromqlGate():
            return (promql(gate, look),)
        case UpGate():
            return (up(gate, look),)
        case _:
            return (zero(gate, look),)
