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
        if one.name in views and one.status is not Status.ERROR:
            scale = _scale(views[one.name], shares[one.name], weighed)
            found.append(_ruled(one, views[one.name], scale, guilty))
        elif one.name == UP and one.judge is Judging.EVIDENCE:
            found.append(_up(one, weighed))
        else:
            found.append(one)
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
    if view.stable_ill:
        said = f"{one.reason.partition(', which chance')[0]}; stable breaks this limit itself"
        return replace(one, status=Status.NO_DATA, reason=said, on_no_data=OnNoData.HOLD)
    if one.value is None or one.limit is None or view.total <= 0:
        return one
    if _within(one):
        return replace(one, status=Status.PASS)
    said = one.reason.partition(", which chance")[0]
    if view.within:
        return replace(one, status=Status.PASS, reason=f"{said}, which chance explains")
    return replace(
        one,
        status=Status.NO_DATA,
        reason=f"{said}, not yet beyond chance",
        on_no_data=OnNoData.HOLD,
    )


def _within(one: Finding) -> bool:
    assert one.value is not None  # noqa: S101  the caller looked
    assert one.limit is not None  # noqa: S101  the caller looked
    return one.value >= one.limit if one.comparator == "≥" else one.value <= one.limit


def _guilty(one: Finding, view: GateView) -> str:
    """Say what convicts, with the odds."""
    said = [f"{view.over:.0f} of {view.total:.0f} over the limit in this rollout"]
    if one.value is not None and one.limit is not None:
        limit = Limit(one.comparator, one.limit, _within(one), "its limit")
        said.insert(0, compared(one.value, one.unit, limit))
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
    return one


def _traffic(weighed: Weighed, seen: Attempts | None, weight: float, guilty: str) -> Finding:
    """Show what NGINX sent to the canary, and what came of it."""
    said = "restarts of its process" if guilty else "no attempts were counted yet"
    value = None
    # A retry of the canary's failure is not traffic that stable was given.
    total = seen.canary + max(seen.stable - seen.canary_failed, 0.0) if seen else 0.0
    if seen is not None and total:
        value = seen.canary / total
        share = written(value, Unit.PERCENT)
        said = (
            f"{share} of {total:.0f} attempts at a weight of {written(weight, Unit.PERCENT)},"
            f" {seen.canary_failed:.0f} of {seen.canary:.0f} at the canary failed"
        )
    status = Status.PASS if total else Status.NO_DATA
    if guilty:
        status, said = Status.FAIL, f"{guilty}: {said}"
    return Finding(
        TRAFFIC,
        status,
        said,
        value=value,
        comparator="=",
        limit=weight,
        samples=seen.canary if seen is not None else None,
        unit=Unit.PERCENT,
        on_no_data=OnNoData.PASS,
        judge=Judging.EVIDENCE,
        scale=Scale(_clipped(weighed.found.traffic / weighed.found.traffic_needed), 0.0),
    )


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
