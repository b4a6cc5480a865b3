"""Findings from counted increments: ratio, latency, zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from canaryctl.core import histogram
from canaryctl.core.counting import Counted, total
from canaryctl.core.evidence import beyond_chance
from canaryctl.core.gate import (
    Finding,
    LatencyGate,
    RatioGate,
    Rule,
    Status,
    Unit,
    ZeroGate,
    written,
)
from canaryctl.core.limits import Limit, compared, found, held, passed_over, undecided
from canaryctl.core.look import Look
from canaryctl.core.selector import Selector
from canaryctl.core.series import Series, SeriesWanted, Version
from canaryctl.core.weight import Weight

LEAST_SAMPLES = 10
"""Fewer requests than this are not a verdict (mission, part C)."""


def ratio(gate: RatioGate, look: Look) -> Finding:
    """Bad over total, both counted over the window."""
    queries = _queries(look, gate.bad, gate.total)
    if (failure := _failed(gate.rule, look, queries, gate.bad, gate.total)) is not None:
        return replace(failure, unit=Unit.PERCENT)
    bad, trials = _counts(gate, look, Version.CANARY)
    stable_bad, stable_trials = _counts(gate, look, Version.STABLE)
    base = stable_bad.amount / stable_trials.amount if stable_trials.amount else None
    say = partial(
        found, gate.rule, unit=Unit.PERCENT, samples=trials.amount, stable=base, queries=queries
    )
    series = look.series(Version.CANARY, gate.total)
    lacking = _lacking(gate.rule, trials, series, look, "requests")
    uncompared = gate.rule.max_ratio is not None and stable_trials.amount < LEAST_SAMPLES
    if lacking is None and uncompared:
        lacking = f"stable has {stable_trials.amount:.0f} requests to compare with, not enough"
        if _alone(look):
            if gate.rule.maximum is None and gate.rule.minimum is None:
                return passed_over(say(Status.NO_DATA, lacking))
            lacking, base = None, None
    value = bad.amount / trials.amount if trials.amount else None
    if lacking is not None or value is None:
        return say(Status.NO_DATA, lacking or "no requests", value=value)
    limit = held(value, gate.rule, Unit.PERCENT, base)
    say = partial(say, value=value, limit=limit)
    said = f"{bad.amount:.0f} of {trials.amount:.0f} requests"
    if limit is None or limit.kept:
        return say(Status.PASS, said)
    said = f"{said}: {compared(value, Unit.PERCENT, limit)}"
    if gate.rule.min_samples is None and not _beyond(limit, bad, trials, stable_bad, stable_trials):
        return undecided(say(Status.NO_DATA, f"{said}, which chance may explain"))
    return say(Status.FAIL, said)


def _beyond(
    limit: Limit, bad: Counted, trials: Counted, stable_bad: Counted, stable_trials: Counted
) -> bool:
    if limit.said == "its lower limit":
        good = trials.amount - bad.amount
        return beyond_chance(good, trials.amount, 1 - limit.value)
    if limit.said == "its limit":
        return beyond_chance(bad.amount, trials.amount, limit.value)
    # Against stable: of all bad events, the canary's share under an equal (scaled) rate.
    rate = stable_bad.amount / stable_trials.amount
    scale = limit.value / rate if rate else 1.0
    share = scale * trials.amount / (scale * trials.amount + stable_trials.amount)
    return beyond_chance(bad.amount, bad.amount + stable_bad.amount, share)


def latency(gate: LatencyGate, look: Look) -> tuple[Finding, ...]:
    """A quantile, for each value of the label ``by``, or one for all."""
    selector = gate.metric.suffixed("_bucket")
    queries = _queries(look, selector)
    if (failure := _failed(gate.rule, look, queries, selector)) is not None:
        return (replace(failure, unit=Unit.SECONDS),)
    canary = look.series(Version.CANARY, selector)
    stable = look.series(Version.STABLE, selector)
    if gate.by is None:
        return (_latency(gate, gate.rule, "", canary, stable, look, queries),)
    split, base = histogram.split_by(canary, gate.by), histogram.split_by(stable, gate.by)
    parts = list(gate.limits) or sorted(split.keys() | base.keys())
    findings = []
    for part in parts:
        rule = replace(gate.rule, maximum=gate.limits.get(part, gate.rule.maximum))
        ours, theirs = split.get(part, ()), base.get(part, ())
        findings.append((_latency(gate, rule, part, ours, theirs, look, queries), theirs))
    if not findings:
        said = f"no {selector.metric} of the canary or of stable"
        return (found(gate.rule, Status.NO_DATA, said, unit=Unit.SECONDS, queries=queries),)
    # A mode that nobody asks of either version has nothing to judge, as long as another has.
    busy = [finding for finding, theirs in findings if finding.samples or _used(theirs, look)]
    return tuple(busy) or tuple(finding for finding, _ in findings)


def _used(series: Iterable[Series], look: Look) -> bool:
    buckets = histogram.cumulative(series, look.window, look.seen_from(Version.STABLE))
    return histogram.count(buckets) > 0


def _latency(
    gate: LatencyGate,
    rule: Rule,
    part: str,
    canary: tuple[Series, ...],
    stable: tuple[Series, ...],
    look: Look,
    queries: tuple[str, ...],
) -> Finding:
    buckets = histogram.cumulative(canary, look.window, look.seen_from(Version.CANARY))
    base = histogram.cumulative(stable, look.window, look.seen_from(Version.STABLE))
    value, theirs = (
        histogram.quantile(gate.quantile, buckets),
        histogram.quantile(gate.quantile, base),
    )
    seen = Counted(histogram.count(buckets), total(canary, look.window).newest, resets=0, births=0)
    say = partial(
        found,
        rule,
        part=part,
        unit=Unit.SECONDS,
        samples=seen.amount,
        stable=theirs,
        queries=queries,
    )
    lacking = _lacking(rule, seen, canary, look, "observations")
    if lacking is None and rule.max_ratio is not None and theirs is None:
        lacking = "stable has no observations to compare with"
        if _alone(look):
            if rule.maximum is None:
                return passed_over(say(Status.NO_DATA, lacking))
            lacking = None
    if lacking is not None or value is None:
        reason = lacking or "the histogram has no usable buckets"
        return say(Status.NO_DATA, reason, value=value)
    limit = held(value, rule, Unit.SECONDS, theirs)
    label = f"p{gate.quantile * 100:g} of {seen.amount:.0f} observations"
    if limit is not None and histogram.beyond(gate.quantile, buckets):
        # The true value is somewhere above the highest bucket bound, which `value` is.
        if limit.value > value:
            said = f"{label} lies above the histogram's highest bucket bound"
            return say(Status.NO_DATA, f"{said}, {written(value, Unit.SECONDS)}", value=value)
        limit = replace(limit, kept=False)
    say = partial(say, value=value, limit=limit)
    if limit is None or limit.kept:
        return say(Status.PASS, label)
    said = f"{label}: {compared(value, Unit.SECONDS, limit)}"
    slow = histogram.estimated_above(limit.value, buckets)
    if rule.min_samples is None and not beyond_chance(slow, seen.amount, 1 - gate.quantile):
        return undecided(say(Status.NO_DATA, f"{said}, which chance may explain"))
    return say(Status.FAIL, said)


def zero(gate: ZeroGate, look: Look) -> Finding:
    """Any increase fails; a counter not yet born reads as 0 while the canary is seen at all."""
    queries = _queries(look, gate.metric)
    if (failure := _failed(gate.rule, look, queries, gate.metric)) is not None:
        return failure
    canary = look.counted(Version.CANARY, gate.metric, look.unseen)
    stable = look.counted(Version.STABLE, gate.metric, look.unseen)
    limit = Limit("=", 0.0, canary.amount == 0, "zero")
    say = partial(found, gate.rule, limit=limit, stable=stable.amount, queries=queries)
    if canary.amount > 0:
        said = f"rose by {canary.amount:g}, where none is allowed"
        return say(Status.FAIL, said, value=canary.amount)
    if not look.alive(Version.CANARY):
        said = "no fresh sample of the canary at all, so none of this counter either"
        return say(Status.NO_DATA, said)
    said = "did not rise" if canary.newest is not None else "not exposed yet, which reads as 0"
    return say(Status.PASS, said, value=0.0)


def _counts(gate: RatioGate, look: Look, version: Version) -> tuple[Counted, Counted]:
    return look.counted(version, gate.bad), look.counted(version, gate.total)


def _alone(look: Look) -> bool:
    """Whether all traffic is the canary's, so that stable has none to compare with."""
    return look.frame.weight == Weight.FULL


def _queries(look: Look, *selectors: Selector) -> tuple[str, ...]:
    select = look.frame.select.get(Version.CANARY, {})
    return tuple(str(selector.where(select)) for selector in selectors)


def _failed(
    rule: Rule, look: Look, queries: tuple[str, ...], *selectors: Selector
) -> Finding | None:
    wants = [SeriesWanted(version, s) for s in selectors for version in (Version.CANARY,)]
    error = look.error(*wants)
    if error is None:
        return None
    return found(rule, Status.ERROR, error, queries=queries)


def _lacking(
    rule: Rule, counted: Counted, series: tuple[Series, ...], look: Look, what: str
) -> str | None:
    """Say why there is not enough to judge; None when there is."""
    if counted.newest is None:
        return f"no {what} of the canary are exposed"
    age = look.window.end - counted.newest
    if age > look.stale_after(series):
        return f"the canary's newest sample is {age:.0f} s old"
    least = LEAST_SAMPLES if rule.min_samples is None else rule.min_samples
    if counted.amount < max(least, 1):
        return f"{counted.amount:.0f} of the {max(least, 1)} {what} needed"
    return None
