"""Findings from values as they are: gauge, PromQL, up."""

from __future__ import annotations

from functools import partial
from math import isfinite
from statistics import fmean

from canaryctl.core.counting import latest
from canaryctl.core.gate import Finding, GaugeGate, PromqlGate, Rule, Status, Unit, UpGate
from canaryctl.core.limits import Limit, compared, found, held
from canaryctl.core.look import UP, Look, query_for
from canaryctl.core.selector import Selector
from canaryctl.core.series import QueryWanted, SeriesWanted, Version


def gauge(gate: GaugeGate, look: Look) -> Finding:
    """The newest value, the mean over instances, held against a limit or a factor of stable."""
    queries = (str(gate.metric.where(look.frame.select.get(Version.CANARY, {}))),)
    error = look.error(SeriesWanted(Version.CANARY, gate.metric))
    if error is not None:
        return found(gate.rule, Status.ERROR, error, queries=queries)
    value, instances = _newest(look, Version.CANARY, gate.metric)
    stable, _ = _newest(look, Version.STABLE, gate.metric)
    if value is None:
        reason = f"no fresh {gate.metric.metric} of the canary that is a number"
        return found(gate.rule, Status.NO_DATA, reason, stable=stable, queries=queries)
    return _held(gate.rule, value, stable, instances, queries)


def _newest(look: Look, version: Version, metric: Selector) -> tuple[float | None, int]:
    series = look.series(version, metric)
    bound = look.window.end - look.stale_after(series)
    seen = [latest(one, look.window) for one in series]
    fresh = [sample.value for sample in seen if sample is not None and sample.at >= bound]
    # One instance whose newest value is NaN (a loss that diverged) leaves no mean to speak of.
    told = fresh and all(map(isfinite, fresh))
    return (fmean(fresh) if told else None), len(fresh)


def promql(gate: PromqlGate, look: Look) -> Finding:
    """The single number an expression gives."""
    ours = query_for(gate, Version.CANARY, look.frame, look.asked)
    theirs = query_for(gate, Version.STABLE, look.frame, look.asked)
    queries = (ours.query,) if gate.rule.max_ratio is None else (ours.query, theirs.query)
    value, problem = _single(look, ours)
    stable, stable_problem = (None, None)
    if gate.rule.max_ratio is not None:
        stable, stable_problem = _single(look, theirs)
    for side, said in (("the canary's", problem), ("stable's", stable_problem)):
        if said is not None:
            status, reason = said
            return found(gate.rule, status, f"{side} query {reason}", queries=queries)
    assert value is not None  # noqa: S101  a problem was returned above otherwise
    return _held(gate.rule, value, stable, None, queries)


def _single(look: Look, want: QueryWanted) -> tuple[float | None, tuple[Status, str] | None]:
    error = look.error(want)
    if error is not None:
        return None, (Status.ERROR, f"failed: {error}")
    values = look.readings.values.get(want, ())
    if not values:
        return None, (Status.NO_DATA, "gave an empty result")
    if len(values) > 1:
        said = f"gave {len(values)} series: aggregate them into one, for example with sum(...)"
        return None, (Status.ERROR, said)
    if not isfinite(values[0]):
        return None, (Status.NO_DATA, f"gave {values[0]}")
    return values[0], None


def _held(
    rule: Rule, value: float, stable: float | None, samples: int | None, queries: tuple[str, ...]
) -> Finding:
    say = partial(found, rule, value=value, samples=samples, stable=stable, queries=queries)
    if rule.max_ratio is not None and (stable is None or stable <= 0):
        seen = "has no value" if stable is None else f"is {stable:g}"
        reason = f"stable {seen}, so {rule.max_ratio:g} × stable says nothing"
        return say(Status.NO_DATA, reason)
    limit = held(value, rule, Unit.PLAIN, stable)
    if limit is None:
        return say(Status.PASS, "no limit is set")
    status = Status.PASS if limit.kept else Status.FAIL
    return say(status, compared(value, Unit.PLAIN, limit), limit=limit)


def up(gate: UpGate, look: Look) -> Finding:
    """Whether every instance of the canary answered its latest scrape."""
    want = SeriesWanted(Version.CANARY, UP)
    queries = (str(UP.where(look.frame.select.get(Version.CANARY, {}))),)
    value, instances = _newest(look, Version.CANARY, UP)
    if value is None:
        reason = (
            look.error(want) or "the metrics source keeps no fresh `up` with the canary's labels"
        )
        return found(gate.rule, Status.NO_DATA, reason, queries=queries)
    limit = Limit("=", 1.0, value >= 1.0, "every instance")
    answered = round(value * instances)
    said = f"{answered} of {instances} instances answered the latest scrape"
    say = partial(found, gate.rule, value=value, limit=limit, samples=instances, queries=queries)
    status = Status.PASS if limit.kept else Status.FAIL
    return say(status, said)
