"""The rollout as a state machine without I/O: events in, at most one command out.

Each command leads to exactly one event, so a rollout is a chain, and a recorded chain of
events replays to the same end. Every phase × event pair is either in ``TABLE`` or raises
``IllegalEvent`` and changes nothing. An ``Interrupted`` or ``Crashed`` takes the place of
the event that a command would have led to; once traffic may have moved, both lead back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from canaryctl.core.commands import Command, Observe, RunPreflight, SetWeight
from canaryctl.core.events import (
    Crashed,
    Event,
    GatewaySilent,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.plan import OnInconclusive
from canaryctl.core.sequential.course import Bound, Move
from canaryctl.core.sequential.course import Step as CourseStep
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.core.verdict import Ruling, Verdict, judged_with
from canaryctl.core.weight import Weight

GATEWAY_RETRY = 1.0
"""Seconds until a silent control listener is asked again."""


OVERLAP = 60.0
"""Seconds. What happened so long before an evaluation had been scraped by then."""


_TIME_IS_UP = (Move.ADVANCE, Move.EXTEND, Move.INCONCLUSIVE)


class IllegalEvent(Exception):
    """An event that cannot happen in this phase: a defect in the runner, not in the world."""


Step = tuple[State, Command | None]


def advance(state: State, event: Event) -> Step:
    """Give the state after an event, and what to do next (None: nothing, the rollout ended).

    Raises:
        IllegalEvent: the event cannot happen in this phase; the state is as it was.
    """
    handler = TABLE.get((state.phase, type(event)))
    if handler is None:
        raise IllegalEvent(f"{type(event).__name__} cannot happen while {state.phase}")
    return handler(state, event)


# --- before anything is touched -----------------------------------------------------------


def _start(state: State, _: Started) -> Step:
    return replace(state, phase=Phase.CHECKING), RunPreflight()


def _checked(state: State, event: PreflightEnded) -> Step:
    state = replace(state, checks=event.checks)
    failed = [check for check in event.checks if check.passed is False]
    if failed:
        said = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        wrong = any(check.configuration for check in failed)
        return _ended(state, Ending(Cause.CONFIGURATION if wrong else Cause.PREFLIGHT, said))
    command = SetWeight(Weight.ZERO, "rollout begins: all traffic on stable, proven")
    return replace(state, phase=Phase.TAKING), command


def _stop_before(state: State, event: Interrupted) -> Step:
    return _ended(state, Ending(Cause.INTERRUPTED, f"{event.by}, before any traffic was shifted"))


def _crash_before(state: State, event: Crashed) -> Step:
    return _ended(state, Ending(Cause.PREFLIGHT, event.reason))


# --- taking the gateway, shifting ---------------------------------------------------------


def _taken(state: State, event: WeightProven) -> Step:
    return _shift(replace(_proven(state, event), taken=event.at, unseen=event.at), 0)


def _not_taken(state: State, event: WeightRefused) -> Step:
    return _ended(state, Ending(Cause.PREFLIGHT, event.reason))


def _shift(state: State, index: int) -> Step:
    state = replace(state, phase=Phase.SHIFTING, index=index)
    return state, SetWeight(state.stage.weight, f"stage {index + 1} of {len(state.plan.stages)}")


def _shifted(state: State, event: WeightProven) -> Step:
    state = _proven(state, event)
    record = StageRecord(state.stage, event.at)
    state = replace(
        state,
        phase=Phase.OBSERVING,
        lost=0.0,
        silent_since=None,
        gateway_silent_since=None,
        streaks={},
        records=(*state.records, record),
        next_at=min(event.at + state.plan.interval, event.at + state.stage.observe),
    )
    return state, Observe(state.since, state.next_at, state.unseen)


def _shift_refused(state: State, event: WeightRefused | TrafficUnproven) -> Step:
    said = f"{event.weight} % did not come into force: {event.reason}"
    return _back(state, Ending(Cause.WEIGHT_REFUSED, said))


def _proven(state: State, event: WeightProven) -> State:
    return replace(state, weight=event.weight, generation=event.generation, since=event.at)


# --- observing ----------------------------------------------------------------------------


def _judged(state: State, event: Judged) -> Step:
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
    verdict = judged_with(event.findings, state.streaks, step, due=due)
    record = replace(
        state.records[-1],
        findings=event.findings,
        verdict=verdict,
        weighed=event.weighed,
        evaluations=state.records[-1].evaluations + 1,
        passed=due and verdict.ruling is Ruling.CLEAR,
    )
    state = replace(state, streaks=verdict.streaks, records=(*state.records[:-1], record))
    if verdict.ruling is Ruling.BACK:
        return _back(state, Ending(Cause.GATE_FAILED, verdict.reason))
    if step is not None and step.move is Move.INCONCLUSIVE:
        return _inconclusive(state, event, step, verdict)
    # While nothing is observed the end of the stage comes no nearer, and is not waited for.
    nearer = step is None or step.observed > seen_before
    if not due:
        return _observe(state, event.at, nearer=nearer)
    if verdict.ruling is Ruling.CLEAR:
        return _passed(state, event)
    if event.at >= state.bound:
        lasted = event.at - state.since
        open_one = verdict.deciding
        why = f"{open_one.name}: {open_one.reason}" if open_one else verdict.reason
        said = f"{why}; the stage was extended to its bound ({lasted:.0f} s)"
        return _back(state, Ending(Cause.NO_DATA, said))
    return _observe(state, event.at, nearer=nearer)


def _passed(state: State, event: Judged) -> Step:
    # The overlap was looked at already, and nothing was in it: counting it again is free.
    return _onward(replace(state, unseen=max(state.taken, event.at - OVERLAP)))


def _inconclusive(state: State, event: Judged, step: CourseStep, verdict: Verdict) -> Step:
    """End a stage that came to its bound without a verdict. That is no blame."""
    wanted = state.plan.on_inconclusive is OnInconclusive.ADVANCE
    only_this = verdict.reason == step.reason  # no gate that is read literally is open
    if step.bound is Bound.EXTENSION and wanted and only_this:
        record = replace(state.records[-1], passed=True, inconclusive=True)
        return _passed(replace(state, records=(*state.records[:-1], record)), event)
    lasted = f"{event.at - state.since:.0f} s"
    match step.bound:
        case Bound.NO_DATA:
            said = f"{step.reason}; the stage was extended to its bound ({lasted})"
            return _back(state, Ending(Cause.NO_DATA, said))
        case Bound.HOLD:
            said = f"{step.reason}, the longest that a rollout waits"
        case _:
            said = f"{step.reason}; the stage was extended to its bound ({lasted})"
    return _back(state, Ending(Cause.INCONCLUSIVE, f"{said}; no verdict against the canary"))


def _onward(state: State) -> Step:
    if state.index + 1 < len(state.plan.stages):
        return _shift(state, state.index + 1)
    count = len(state.plan.stages)
    if open_ended := sum(record.inconclusive for record in state.records):
        said = f"{count - open_ended} of {count} stages passed, {open_ended} went on inconclusive"
        return _ended(state, Ending(Cause.PASSED, f"{said} (plan.on_inconclusive: advance)"))
    said = f"every gate passed in {'all ' if count > 1 else ''}{count} stage{'s' * (count > 1)}"
    return _ended(state, Ending(Cause.PASSED, said))


def _observe(state: State, at: float, *, nearer: bool = True) -> Step:
    next_at = at + state.plan.interval
    # The evaluation that rules on the stage comes when its time is up, not an interval later.
    for end in (state.due, state.bound):
        if nearer and at < end < next_at:
            next_at = end
            break
    return replace(state, next_at=next_at), Observe(state.since, next_at, state.unseen)


def _metrics_silent(state: State, event: MetricsSilent) -> Step:
    since = event.at if state.silent_since is None else state.silent_since
    state = replace(state, silent_since=since, gateway_silent_since=None)
    if event.at - since >= state.plan.lost_after:
        said = f"no answer for {event.at - since:.0f} s: {event.reason}"
        return _back(state, Ending(Cause.METRICS_LOST, said))
    return _observe(state, event.at)


def _gateway_silent(state: State, event: GatewaySilent) -> Step:
    since = event.at if state.gateway_silent_since is None else state.gateway_silent_since
    state = replace(state, gateway_silent_since=since)
    if event.at - since >= state.plan.gateway_lost_after:
        said = f"no answer for {event.at - since:.0f} s: {event.reason}"
        return _back(state, Ending(Cause.GATEWAY_LOST, said))
    state = replace(state, next_at=max(state.next_at, event.at + GATEWAY_RETRY))
    return state, Observe(state.since, state.next_at, state.unseen)


def _overtaken(state: State, event: Overtaken) -> Step:
    if event.weight == Weight.ZERO:
        state = replace(state, weight=Weight.ZERO)
        return _ended(state, Ending(Cause.SUPERSEDED, event.by))
    if event.weight is None:
        return _back(state, Ending(Cause.SUPERSEDED, event.by))
    # Another hand chose that weight; taking it away again would be a fight between two tools.
    state = replace(state, weight=event.weight)
    said = f"{event.by}; it left the canary {event.weight} %, which nobody judges now"
    return _ended(state, Ending(Cause.NOT_PROVEN, said))


# --- going back ---------------------------------------------------------------------------


def _interrupted(state: State, event: Interrupted) -> Step:
    return _back(state, Ending(Cause.INTERRUPTED, event.by))


def _crashed(state: State, event: Crashed) -> Step:
    return _back(state, Ending(Cause.CRASHED, event.reason))


def _back(state: State, ending: Ending) -> Step:
    state = replace(state, phase=Phase.RETURNING, ending=ending, attempts=1)
    return state, SetWeight(Weight.ZERO, f"{ending.cause}: {ending.reason}", force=True)


def _returned(state: State, event: WeightProven) -> Step:
    assert state.ending is not None  # noqa: S101  set by _back, the only way in here
    return _ended(_proven(state, event), state.ending)


def _not_returned(state: State, event: WeightRefused | TrafficUnproven | Crashed) -> Step:
    ending = state.ending
    assert ending is not None  # noqa: S101  set by _back, the only way in here
    if state.attempts < state.plan.return_attempts:
        state = replace(state, attempts=state.attempts + 1)
        said = f"{ending.cause}: {ending.reason}"
        return state, SetWeight(Weight.ZERO, said, force=True, pause=1.0)
    said = (
        f"0 % could not be proven in {state.attempts} attempts: {event.reason}"
        f" (going back because of: {ending.reason})"
    )
    return _ended(state, Ending(Cause.NOT_PROVEN, said))


def _unproven(state: State, event: TrafficUnproven) -> Step:
    return _ended(state, Ending(Cause.NOT_PROVEN, event.reason))


def _ended(state: State, ending: Ending) -> Step:
    return replace(state, phase=Phase.ENDED, ending=ending), None


TABLE: dict[tuple[Phase, type], Callable[[State, Any], Step]] = {
    (Phase.READY, Started): _start,
    (Phase.CHECKING, PreflightEnded): _checked,
    (Phase.CHECKING, Interrupted): _stop_before,
    (Phase.CHECKING, Crashed): _crash_before,
    (Phase.TAKING, WeightProven): _taken,
    (Phase.TAKING, WeightRefused): _not_taken,
    (Phase.TAKING, TrafficUnproven): _unproven,
    (Phase.TAKING, Overtaken): _overtaken,
    (Phase.TAKING, Interrupted): _stop_before,
    (Phase.TAKING, Crashed): _crashed,
    (Phase.SHIFTING, WeightProven): _shifted,
    (Phase.SHIFTING, WeightRefused): _shift_refused,
    (Phase.SHIFTING, TrafficUnproven): _shift_refused,
    (Phase.SHIFTING, Overtaken): _overtaken,
    (Phase.SHIFTING, Interrupted): _interrupted,
    (Phase.SHIFTING, Crashed): _crashed,
    (Phase.OBSERVING, Judged): _judged,
    (Phase.OBSERVING, MetricsSilent): _metrics_silent,
    (Phase.OBSERVING, GatewaySilent): _gateway_silent,
    (Phase.OBSERVING, Overtaken): _overtaken,
    (Phase.OBSERVING, Interrupted): _interrupted,
    (Phase.OBSERVING, Crashed): _crashed,
    (Phase.RETURNING, WeightProven): _returned,
    (Phase.RETURNING, WeightRefused): _not_returned,
    (Phase.RETURNING, TrafficUnproven): _not_returned,
    (Phase.RETURNING, Crashed): _not_returned,
}
"""Every pair that can happen. The diagram in the README is drawn from it."""
