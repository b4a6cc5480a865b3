"""What a report says first, in words: the same on the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.core.gate import Status
from canaryctl.core.outcome import Outcome
from canaryctl.quantities import spelled
from canaryctl.reporting.facts import Facts, GateSeen
from canaryctl.reporting.shown import amount, date, percent

_TITLES = {
    Outcome.SUCCEEDED.value: ("✓", "Succeeded", "good"),
    Outcome.ROLLED_BACK.value: ("✗", "Rolled back", "bad"),
    Outcome.ABORTED.value: ("!", "Aborted", "warn"),
    Outcome.UNKNOWN.value: ("?", "Traffic not proven", "bad"),
}
_NO_TITLE = ("…", "Not ended", "warn")
_WHOLE = 100.0


def title(facts: Facts) -> tuple[str, str, str]:
    """Give sign, words and tone (good, bad, warn) of the outcome."""
    return _TITLES.get(facts.outcome, _NO_TITLE)


def lasted(facts: Facts) -> str:
    """Say how long it took."""
    return spelled(float(round(facts.ended - facts.began)))


def where(facts: Facts) -> str:
    """Say in which stage it ended, or stands."""
    if facts.stage is None:
        return "before the first stage"
    return f"stage {facts.stage} of {len(facts.stages)}"


def force(facts: Facts) -> str:
    """Say who gets the traffic at the end, and whether that is proven."""
    if facts.weight is None:
        changed = any(one.how != "refused" for one in facts.steps)
        return "not proven: look at the gateway" if changed else "as before: nothing was changed"
    shares = f"canary {percent(facts.weight)}, stable {percent(_WHOLE - facts.weight)}"
    how = "proven at NGINX" if facts.proof else "as NGINX answered; set by somebody else"
    return f"{shares} ({how})"


def because(facts: Facts) -> str:
    """Give the reason with its cause."""
    if facts.cause and not facts.reason.startswith(facts.cause):
        return f"{facts.cause}: {facts.reason}" if facts.reason else facts.cause
    return facts.reason


def first_facts(facts: Facts) -> Iterator[tuple[str, str]]:
    """Give what the first screen says, label and value."""
    yield "Began", date(facts.began)
    yield "Lasted", lasted(facts)
    yield "Ended in" if facts.exit_code is not None else "Stands in", where(facts)
    yield "Weight at the end", force(facts)
    code = "none: it has not ended" if facts.exit_code is None else str(facts.exit_code)
    yield "Exit code", code


def more_facts(facts: Facts) -> Iterator[tuple[str, str]]:
    """Give who, where and by what."""
    yield "Rollout", facts.id
    yield "By", facts.owner
    yield "Gateway", facts.gateway
    yield "Proof", facts.proof or "none"
    if facts.judged:
        yield "Gates judged", facts.judged
    for sentence in facts.zero:
        yield "Way back", sentence
    yield "Configuration", f"SHA-256 {facts.config_hash}" if facts.config_hash else "not on record"


def figures(one: GateSeen) -> Iterator[tuple[str, str]]:
    """Give a gate's newest numbers, label and value."""
    last = one.last
    yield "Canary", amount(last.value, one.unit)
    yield "Limit", limit(one)
    yield "Stable", amount(last.stable, one.unit)
    yield "Samples", "–" if last.samples is None else f"{last.samples:,.0f}"
    yield "Evidence", evidence(one)


def limit(one: GateSeen) -> str:
    """Write what a gate's value is held against."""
    if one.last.limit is None:
        return "–"
    return f"{one.comparator} {amount(one.last.limit, one.unit)}"


def evidence(one: GateSeen) -> str:
    """Say how far the evidence is; ``as read`` for a gate that is read literally."""
    last = one.last
    if last.against is None:
        return "–" if one.judge == "evidence" else "as read"
    against = f"{last.against * 100:.0f} % against"
    return against if last.support is None else f"{against}, {last.support * 100:.0f} % for"


def status(one: GateSeen) -> tuple[str, str, str]:
    """Give sign, words and tone of a gate's newest finding."""
    last = one.last
    if last.status == Status.PASS:
        return "✓", "pass", "good"
    if last.status == Status.FAIL:
        warns = one.severity == "warn"
        return "✗", "warning only" if warns else "fail", "warn" if warns else "bad"
    return "–", last.status, "warn"


def closest(facts: Facts) -> GateSeen | None:
    """Give the gate that decided, else the one that was nearest to its limit at the end."""
    if facts.deciding is not None:
        return facts.deciding
    near = [one for one in facts.gates if _nearness(one) is not None]
    return max(near, key=lambda one: _nearness(one) or 0.0, default=None)


def _nearness(one: GateSeen) -> float | None:
    """Give the part of its limit that a gate has used up; None where there is no such thing."""
    last = one.last
    if last.value is None or last.limit is None or min(last.value, last.limit) < 0:
        return None
    if one.comparator == "≤" and last.limit > 0:
        return last.value / last.limit
    if one.comparator == "≥" and last.value > 0:
        return last.limit / last.value
    return None
