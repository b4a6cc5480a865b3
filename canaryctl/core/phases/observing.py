"""A stage is observed: each evaluation leads on, back, or to another look."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.events import Judged, MetricsSilent
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.waits import onward, over
from canaryctl.core.phases.ways import Step, back, observe
from canaryctl.core.plan import OnInconclusive
from canaryctl.core.sequential.course import Bound, Move
from canaryctl.core.sequential.course import Step as CourseStep
from canaryctl.core.state import State
from canaryctl.core.verdict import Ruling, Verdict, judged_with

OVERLAP = 60.0
"""Seconds. What happened so long before an evaluation had been scraped by then."""

_TIME_IS_UP = (Move.ADVANCE, Move.EXTEND, Move.INCONCLUSIVE)


def judged(state: State, event: Judged) -> Step:
    """Take an evaluation in, and tell what the stage does next."""
    if state.silent_since is not None:
        state = replace(state, lost=state.lost + event.at - state.silent_since, silent_since=None)
    step = event.weighed.step if event.weighed else None
    before = state.records[-1].weighed
    seen_before = before.step.observed if before else 0.0
    if step is not None:
        # The evidence keeps its own account of what was observed: holds and gaps are not.
        state = replace(state, lost=event.at - state.since - step.observed)
    state = replace(state, gateway_silent_since=None)
    due = event.at >= state.due if step is None else step.move in _TIME_IS_UP
    due = due and not state.paused and state.waiting is None
    verdict = judged_with(event.findings, state.streaks, step, due=due)
    record = replace(
        state.records[-1],
        findings=event.findings,
        verdict=verdict,
        weighed=event.weighed,
        evaluations=state.records[-1].evaluations + 1,
        passed=_passes(state, verdict, due=due),
    )
    state = replace(state, streaks=verdict.streaks, records=(*state.records[:-1], record))
    if verdict.ruling is Ruling.BACK:
        return back(state, Ending(Cause.GATE_FAILED, verdict.reason))
    if state.waiting is not None:
        # The stage has passed. Its gates still speak against it, its bounds do not.
        return over(state, event.at) or observe(state, event.at)
    # While nothing is observed the end of the stage comes no nearer, and is not waited for.
    nearer = not state.paused and (step is None or step.observed > seen_before)
    if not due:
        return observe(state, event.at, nearer=nearer)
    return _time_is_up(state, event, step, verdict) or observe(state, event.at, nearer=nearer)


def _passes(state: State, verdict: Verdict, *, due: bool) -> bool:
    """Tell whether the stage has passed; one that was cut short never does."""
    if state.waiting is None:
        return due and verdict.ruling is Ruling.CLEAR
    return verdict.ruling is not Ruling.BACK and not state.records[-1].skipped


def _time_is_up(
    state: State, event: Judged, step: CourseStep | None, verdict: Verdict
) -> Step | None:
    """Rule on a stage whose time is up; None: it is extended."""
    if step is not None and step.move is Move.INCONCLUSIVE:
        return inconclusive(state, event, step, verdict)
    if verdict.ruling is Ruling.CLEAR:
        return passed(state, event)
    if event.at < state.bound:
        return None
    lasted = event.at - state.since
    open_one = verdict.deciding
    why = f"{open_one.name}: {open_one.reason}" if open_one else verdict.reason
    said = f"{why}; the stage was extended to its bound ({lasted:.0f} s)"
    return back(state, Ending(Cause.NO_DATA, said))


def passed(state: State, event: Judged) -> Step:
    """Leave a stage for the next one, or for the end."""
    # The overlap was looked at already, and nothing was in it: counting it again is free.
    return onward(replace(state, unseen=max(state.taken, event.at - OVERLAP)), event.at)


def inconclusive(state: State, event: Judged, step: CourseStep, verdict: Verdict) -> Step:
    """End a stage that came to its bound without a verdict. That is no blame."""
    wanted = state.plan.on_inconclusive is OnInconclusive.ADVANCE
    only_this = verdict.reason == step.reason  # no gate that is read literally is open
    if step.bound is Bound.EXTENSION and wanted and only_this:
        record = replace(state.records[-1], passed=True, inconclusive=True)
        return passed(replace(state, records=(*state.records[:-1], record)), event)
    lasted = f"{event.at - state.since:.0f} s"
    match step.bound:
        case Bound.NO_DATA:
            said = f"{step.reason}; the stage was extended to its bound ({lasted})"
            return back(state, Ending(Cause.NO_DATA, said))
        case Bound.HOLD:
            said = f"{step.reason}, the longest that a rollout waits"
        case _:
            said = f"{step.reason}; the stage was extended to its bound ({lasted})"
    return back(state, Ending(Cause.INCONCLUSIVE, f"{said}; no verdict against the canary"))


def metrics_silent(state: State, event: MetricsSilent) -> Step:
    """Wait for the metrics source, until its bound."""
    since = event.at if state.silent_since is None else state.silent_since
    state = replace(state, silent_since=since, gateway_silent_since=None)
    if event.at - since >= state.plan.lost_after:
        said = f"no answer for {event.at - since:.0f} s: {event.reason}"
        return back(state, Ending(Cause.METRICS_LOST, said))
    return observe(state, event.at)
