"""Holding a value against a gate's limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from canaryctl.core.gate import Finding, OnNoData, Rule, Status, Unit, written


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit that decides, in the value's own unit."""

    comparator: str
    value: float
    kept: bool
    said: str


def held(value: float, rule: Rule, unit: Unit, stable: float | None) -> Limit | None:
    """Give the first limit that is broken, else the one to show; None when there is none.

    ``max_ratio`` needs stable's value above zero: a multiple of nothing says nothing.
    """
    limits = []
    if rule.maximum is not None:
        limits.append(Limit("≤", rule.maximum, value <= rule.maximum, "its limit"))
    if rule.minimum is not None:
        limits.append(Limit("≥", rule.minimum, value >= rule.minimum, "its lower limit"))
    if rule.max_ratio is not None and stable is not None:
        bound = rule.max_ratio * stable
        said = f"{rule.max_ratio:g} × stable's {written(stable, unit)}"
        limits.append(Limit("≤", bound, value <= bound, said))
    broken = [limit for limit in limits if not limit.kept]
    decisive = broken or limits
    return decisive[0] if decisive else None


def found(
    rule: Rule,
    status: Status,
    reason: str,
    *,
    part: str = "",
    value: float | None = None,
    limit: Limit | None = None,
    samples: float | None = None,
    unit: Unit = Unit.PLAIN,
    stable: float | None = None,
    queries: tuple[str, ...] = (),
) -> Finding:
    """Make a finding that carries the rule's own settings."""
    shown = limit.value if limit else rule.maximum if rule.maximum is not None else rule.minimum
    return Finding(
        gate=rule.name,
        part=part,
        status=status,
        reason=reason,
        value=value,
        comparator=limit.comparator if limit else "≥" if _lower_only(rule) else "≤",
        limit=shown,
        samples=samples,
        unit=unit,
        severity=rule.severity,
        on_no_data=rule.on_no_data,
        consecutive=rule.consecutive,
        stable=stable,
        queries=queries,
        judge=rule.judge,
    )


def undecided(finding: Finding) -> Finding:
    """Make a finding hold its stage whatever ``on_no_data`` says: there is data, and it is bad."""
    return replace(finding, on_no_data=OnNoData.HOLD)


def passed_over(finding: Finding) -> Finding:
    """Make a lack of data keep nobody: at 100 % stable has no traffic to compare with, ever."""
    return replace(finding, on_no_data=OnNoData.PASS)


def _lower_only(rule: Rule) -> bool:
    return rule.maximum is None and rule.minimum is not None


def compared(value: float, unit: Unit, limit: Limit) -> str:
    """Say how a value stands to its limit: ``0.7 % is above its limit 0.5 %``."""
    if limit.kept:
        word = "within" if limit.comparator == "≤" else "not below"
    else:
        word = "above" if limit.comparator == "≤" else "below"
    bound = f"{limit.comparator} {written(limit.value, unit)}"
    return f"{written(value, unit)} is {word} {limit.said} ({bound})"
