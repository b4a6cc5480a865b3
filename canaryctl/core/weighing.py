"""The judge's word in people's terms: findings whose status is what the evidence says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, inf, log

from canaryctl.core.accounts import Account
from canaryctl.core.gate import Finding, Judging, OnNoData, Scale, Status, Unit, written
from canaryctl.core.limits import Limit, compared
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.sequential.course import CONFIDENT, Move
from canaryctl.core.sequential.gatestate import GateView
from canaryctl.core.sequential.judge import Judge
from canaryctl.core.sequential.trial import Weighed

TRAFFIC = "canary traffic"
"""What NGINX's own counts and restarts are shown as."""
UP = "canary up"
SUSPECT = 0.5
"""Part of the evidence that convicts from which traffic is no longer shown as right."""
_LEAST_ATTEMPTS = 5.0
_MOST_ODDS = 15.0


def weighed_findings(
    measured: Sequence[Finding],
    weighed: Weighed,
    judge: Judge,
    attempts: Attempts | None,
    weight: float,
    accounts: Mapping[str, Account],
) -> tuple[Finding, ...]:
    """Give the findings of one evaluation with the judge's word.

    Args:
        measured: what each gate shows, read literally.
        weighed: what the evidence came to.
        judge: whose evidence it is.
        attempts: NGINX's counts since the stage began; None where there are none.
        weight: the canary's share, 0 to 1.
        accounts: by their names.
    """
    views = {view.name: view for view in weighed.found.gates}
    shares = {gate.terms.name: gate.weight for gate in judge.gates}
    guilty = weighed.found.reason if weighed.step.move is Move.BACK else ""
    found = []
    for one in measured:
        if one.status is Status.ERROR or one.judge is Judging.THRESHOLD:
            found.append(one)
        elif one.name in views:
            scale = _scale(views[one.name], shares[one.name], weighed)
            found.append(_ruled(one, views[one.name], scale, guilty))
        elif one.name == UP:
            found.append(_up(one, weighed))
        else:
            # Nobody collects evidence on it (a metric that never came, a label's 21st value):
            # then its value is read as it is, and what has no data holds.
            found.append(replace(one, judge=Judging.THRESHOLD))
    traffic = bool(guilty) and guilty not in accounts and not _is_down(weighed)
    if attempts is not None or traffic:
        found.append(_traffic(weighed, attempts, weight, guilty if traffic else ""))
    return tuple(found)


def _scale(view: GateView, share: float, weighed: Weighed) -> Scale:
    against = (view.against + log(share)) / weighed.found.quality_needed
    return Scale(_clipped(against), _clipped(view.support / CONFIDENT))


def _ruled(one: Finding, view: GateView, scale: Scale, guilty: str) -> Finding:
    one = replace(one, scale=scale)
    if guilty == one.name:
        return replace(one, status=Status.FAIL, reason=_guilty(one, view))
    said = one.reason.partition(", which chance")[0]
    if view.stable_ill:
        return _open(one, f"{said}; stable breaks this limit itself")
    if one.value is None or one.limit is None or view.total <= 0:
        # What fails literally here is not judged by evidence yet.
        failed = one.status is Status.FAIL
        return _open(one, f"{one.reason}; not judged while it warms up") if failed else one
    if _within(one):
        return replace(one, status=Status.PASS)
    if view.within:
        return replace(one, status=Status.PASS, reason=f"{said}, which chance explains")
    return _open(one, f"{said}, not yet beyond chance")


def _open(one: Finding, said: str) -> Finding:
    return replace(one, status=Status.NO_DATA, reason=said, on_no_data=OnNoData.HOLD)


def _within(one: Finding) -> bool:
    assert one.value is not None  # noqa: S101  the caller looked
    assert one.limit is not None  # noqa: S101  the caller looked
    return one.value >= one.limit if one.comparator == "≥" else one.value <= one.limit


def _guilty(one: Finding, view: GateView) -> str:
    """Say what convicts, with the odds."""
    said = [f"{view.over:.0f} of {view.total:.0f} were over it in this rollout"]
    if one.value is not None and one.limit is not None:
        within = _within(one)
        limit = Limit(one.comparator, one.limit, within, "its limit")
        words = compared(one.value, one.unit, limit)
        more = ", but surely worse than stable" if within else ""
        said.insert(0, f"{words} in this stage{more}")
    if one.stable is not None:
        said.append(f"stable has {written(one.stable, one.unit)}")
    odds = exp(min(view.against, _MOST_ODDS))
    more = "more than " if view.against > _MOST_ODDS else ""
    return f"{'; '.join(said)}; evidence {more}{odds:,.0f} to 1 against the canary"


def _is_down(weighed: Weighed) -> bool:
    return weighed.found.traffic == inf


def _up(one: Finding, weighed: Weighed) -> Finding:
    if _is_down(weighed):
        return replace(one, status=Status.FAIL, reason=f"{one.reason}; {weighed.found.reason}")
    if one.status is Status.FAIL:
        said = f"{one.reason}; {one.consecutive} in a row make a dead canary"
        return replace(one, status=Status.NO_DATA, reason=said)
    return one


def _traffic(weighed: Weighed, seen: Attempts | None, weight: float, guilty: str) -> Finding:
    """Show what NGINX sent to the canary, and what came of it."""
    value = None
    said = "no attempts were counted yet"
    # A retry of the canary's failure is not traffic that stable was given.
    total = seen.canary + max(seen.stable - seen.canary_failed, 0.0) if seen else 0.0
    if seen is not None and total:
        value = seen.canary / total
        share = written(value, Unit.PERCENT)
        said = (
            f"{share} of {total:.0f} attempts at a weight of {written(weight, Unit.PERCENT)},"
            f" {seen.canary_failed:.0f} of {seen.canary:.0f} at the canary failed"
        )
    elif guilty:
        said = "by the versions' own counts"
    scale = Scale(_clipped(weighed.found.traffic / weighed.found.traffic_needed), 0.0)
    status = Status.PASS if total else Status.NO_DATA
    if guilty:
        status, said = Status.FAIL, f"{guilty}: {said}"
    elif total and (scale.against >= SUSPECT or _half_fails(seen)):
        status, said = Status.NO_DATA, f"not right, and not yet beyond chance: {said}"
    return Finding(
        TRAFFIC,
        status,
        said,
        value=value,
        comparator="≈",
        limit=weight,
        samples=seen.canary if seen is not None else None,
        unit=Unit.PERCENT,
        on_no_data=OnNoData.PASS,
        judge=Judging.EVIDENCE,
        scale=scale,
    )


def _half_fails(seen: Attempts | None) -> bool:
    return seen is not None and seen.canary_failed >= max(seen.canary / 2, _LEAST_ATTEMPTS)


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
