"""Canary and stable side by side, as one JSON object. Rates are fractions, times seconds."""

from __future__ import annotations

from canaryctl.core.comparison.advice import Advice
from canaryctl.core.comparison.compare import QUANTILES, Comparison, Differences
from canaryctl.core.comparison.side import Latency, Side
from canaryctl.listeners.record import Record, number
from canaryctl.listeners.when import iso


def comparison_record(found: Comparison, advice: Advice) -> Record:
    """Write a comparison and what it comes to. An open end of an interval is null."""
    return {
        "window": number(found.window.length),
        "from": iso(found.window.start),
        "to": iso(found.window.end),
        "canary": _side(found.canary, found.label),
        "stable": _side(found.stable, found.label),
        "differences": {
            **_differences(found.differences),
            "by": _by(found),
        },
        "confidence": found.confidence,
        "level": number(found.level),
        "is_better": found.is_better,
        "significant_difference": found.significant_difference,
        "worse": list(found.worse),
        "improved": list(found.improved),
        "health": advice.health.value,
        "recommendation": advice.recommendation.value,
        "reason": advice.reason,
    }


def _side(side: Side, label: str | None) -> Record:
    parts: Record = {
        part: {"observations": number(one.observations), **_latency(one)}
        for part, one in side.parts.items()
    }
    return {
        "requests": number(side.requests),
        "errors": number(side.errors),
        "success_rate": number(side.success_rate),
        "error_rate": number(side.error_rate),
        **_latency(side.latency),
        "throughput": number(side.throughput),
        "memory": number(side.memory),
        "cpu": number(side.cpu),
        "seen": number(side.seen),
        "by": {label: parts} if label is not None else None,
    }


def _latency(latency: Latency) -> Record:
    quantiles: Record = {name: number(latency.quantile(q)) for name, q in QUANTILES.items()}
    hidden = [name for name, q in QUANTILES.items() if latency.is_beyond(q)]
    return {"mean": number(latency.mean), **quantiles, "above_buckets": [*hidden]}


def _by(found: Comparison) -> Record | None:
    if found.label is None:
        return None
    return {found.label: {part: _differences(many) for part, many in found.parts.items()}}


def _differences(many: Differences) -> Record:
    return {
        name: {
            "value": number(one.value),
            "low": number(one.interval.low) if one.interval else None,
            "high": number(one.interval.high) if one.interval else None,
            "significant": one.significant,
        }
        for name, one in many.items()
    }
