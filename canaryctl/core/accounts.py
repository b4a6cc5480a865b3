"""What evidence is collected on: each ratio gate, and each part of a latency gate.

An account is one series of trials with two outcomes. A latency gate has one for each value of
its label, because requests of different modes have limits of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from canaryctl.core.gate import Gate, Judging, LatencyGate, RatioGate, Rule, Severity
from canaryctl.core.sequential.terms import Terms, for_errors, for_latency

WARM_UP = 60.0
"""Seconds after a weight change during which latency is not judged."""
MOST_LIMIT = 0.5
"""A ratio gate that allows more bad requests than this is no gate on rare events."""


@dataclass(frozen=True, slots=True)
class Account:
    """One thing that evidence is collected on.

    Attributes:
        gate: the gate's name.
        part: the label's value for a gate with ``by``, else empty.
        source: what is counted; see ``source_of``.
        limit: seconds for a latency, else the fraction of ``bad`` that is allowed.
        latency: what is counted are observations of a histogram.
        good: what the gate selects as ``bad`` are the good ones: it has a lower limit.
        terms: on what terms it is judged.
    """

    gate: str
    part: str
    source: str
    limit: float
    latency: bool
    good: bool
    terms: Terms

    @property
    def name(self) -> str:
        """As its finding is called, and ``Evaluation.gates`` has it."""
        return self.terms.name


def by_evidence(gate: Gate) -> bool:
    """Tell whether evidence is collected on a gate, and makes its verdict."""
    rule = gate.rule
    if rule.judge is not Judging.EVIDENCE or rule.severity is not Severity.ROLLBACK:
        return False
    return can_be_evidence(gate)


def can_be_evidence(gate: Gate) -> bool:
    """Tell whether this kind of gate, with these limits, is one on counted trials."""
    match gate:
        case RatioGate():
            limit = fraction(gate.rule)
            return limit is not None and 0 < limit <= MOST_LIMIT
        case LatencyGate():
            limited = bool(gate.limits) or gate.rule.maximum is not None
            return limited and gate.rule.max_ratio is None
        case _:
            return False


def fraction(rule: Rule) -> float | None:
    """Give the fraction of bad events that a ratio gate allows; None without one such limit."""
    if (rule.maximum is None) == (rule.minimum is None):
        return None
    return rule.maximum if rule.minimum is None else 1 - rule.minimum


def accounts(gates: Iterable[Gate], warm_up: float = WARM_UP) -> tuple[Account, ...]:
    """Give the accounts that are known before any sample was seen."""
    return tuple(one for gate in gates if by_evidence(gate) for one in _known(gate, warm_up))


def _known(gate: Gate, warm_up: float) -> Iterator[Account]:
    match gate:
        case RatioGate():
            yield _ratio(gate)
        case LatencyGate() if gate.by is None:
            yield latency_account(gate, "", warm_up)
        case LatencyGate():
            for part in gate.limits:
                yield latency_account(gate, part, warm_up, 1.0 / len(gate.limits))


def _ratio(gate: RatioGate) -> Account:
    limit = fraction(gate.rule)
    assert limit is not None  # noqa: S101  by_evidence asked for it
    terms = for_errors(gate.rule.name, limit)
    if gate.rule.max_ratio is not None:
        terms = replace(terms, ratio=gate.rule.max_ratio)
    good = gate.rule.minimum is not None
    return Account(
        gate.rule.name, "", source_of(gate), limit, latency=False, good=good, terms=terms
    )


def latency_account(gate: LatencyGate, part: str, warm_up: float, share: float = 1.0) -> Account:
    """Give the account of one value of a latency gate's label.

    Raises:
        KeyError: this value has no limit, so it is not judged.
    """
    limit = gate.limits[part] if gate.limits else gate.rule.maximum
    if limit is None:
        raise KeyError(part)
    name = f"{gate.rule.name} ({part})" if part else gate.rule.name
    group = gate.rule.name if gate.by else ""
    terms = for_latency(name, gate.quantile, warm_up=warm_up, share=share, group=group)
    source = source_of(gate)
    return Account(gate.rule.name, part, source, limit, latency=True, good=False, terms=terms)


def source_of(gate: RatioGate | LatencyGate) -> str:
    """Name what a gate counts, whatever the gate is called and wherever its limit lies."""
    if isinstance(gate, RatioGate):
        return f"{gate.bad} / {gate.total}"
    return f"{gate.metric} by {gate.by}" if gate.by else str(gate.metric)
