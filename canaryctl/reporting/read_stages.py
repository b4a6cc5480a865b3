"""The weights over time, and what became of each stage, from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from canaryctl.core.outcome import Outcome
from canaryctl.core.state import Phase
from canaryctl.listeners.journal_read import Entry, Recorded
from canaryctl.reporting.facts import StageSeen, Step
from canaryctl.reporting.shown import number, said

PROVEN = "weight_proven"
_OVER = (Phase.RETURNING, Phase.DRAINING, Phase.ENDED)
_TROUBLE = {"weight_refused": "refused", "traffic_unproven": "not proven"}


def steps(recorded: Iterable[Recorded]) -> Iterator[Step]:
    """Give every change of the canary's weight, and every one that did not come about."""
    weight: float | None = None
    for one in recorded:
        event = one.payload["event"]
        tried = number(event.get("weight"))
        if one.kind == PROVEN:
            weight = tried
            yield Step(one.at, weight, "proven", proof(event))
        elif one.kind == "overtaken":
            weight = tried
            yield Step(one.at, weight, "set by somebody else", said(event.get("by")))
        elif one.kind in _TROUBLE:
            weight = None if one.kind == "traffic_unproven" else weight
            yield Step(one.at, weight, _TROUBLE[one.kind], said(event.get("reason")))


def proof(event: Mapping[str, Any]) -> str:
    """Say by what a weight is proven."""
    took = number(event.get("took"))
    after = "" if took is None else f", {took:.2f} s"
    return f"generation {said(event.get('generation'))}{after}"


def stages(entry: Entry, recorded: Sequence[Recorded]) -> tuple[StageSeen, ...]:
    """Give each stage of the plan with what became of it."""
    planned = (entry.plan or {}).get("stages") or []
    found = [
        StageSeen(i, float(one["weight"]), float(one["observe"]))
        for i, one in enumerate(planned, 1)
    ]
    open_: int | None = None
    first: int | None = None
    for one in recorded:
        index, phase = one.payload["stage"], one.payload["phase"]
        if open_ is not None and (index != open_ or phase in _OVER):
            counted = found[open_].evaluations + (one.kind == "judged")
            result, good = _result(one, phase, index, open_)
            found[open_] = replace(
                found[open_], ended=one.at, evaluations=counted, result=result, good=good
            )
            open_ = None
        elif open_ is not None and one.kind == "judged":
            found[open_] = replace(found[open_], evaluations=found[open_].evaluations + 1)
        begins = one.kind == PROVEN and phase not in (*_OVER, Phase.SHIFTING, Phase.WAITING)
        if open_ is None and begins and 0 <= index < len(found):
            open_ = index
            first = index if first is None else first
            found[index] = replace(found[index], began=one.at, result="not ended", good=None)
    if open_ is not None:
        found[open_] = replace(found[open_], ended=entry.ended_at)
    for index in range(first or 0):
        found[index] = replace(found[index], result="before this rollout was resumed")
    return tuple(found)


def _result(one: Recorded, phase: str, index: int, was: int) -> tuple[str, bool | None]:
    """Say how a stage ended: by what came of the event that ended it."""
    ending = one.payload.get("ending") or {}
    if one.kind == "judged" and (index > was or ending.get("outcome") == Outcome.SUCCEEDED):
        return "passed", True
    if index > was:
        by = said(one.payload["event"].get("who"))
        return f"cut short by {by}" if by else "cut short", None
    if ending.get("outcome") == Outcome.SUCCEEDED:
        return "passed", True
    cause = said(ending.get("cause"))
    return cause or str(phase), False
