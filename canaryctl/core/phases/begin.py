"""Before the first stage, and each change of weight."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.commands import Observe, RunPreflight, SetWeight
from canaryctl.core.events import (
    Crashed,
    Held,
    Interrupted,
    PreflightEnded,
    Started,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.waits import onward, resumed
from canaryctl.core.phases.ways import Step, back, ended, proven
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.core.weight import Weight

RESUMED = "before the rollout was resumed"


def start(state: State, event: Started) -> Step:
    """Look at everything first."""
    return replace(state, phase=Phase.CHECKING, began=event.at), RunPreflight()


def checked(state: State, event: PreflightEnded) -> Step:
    """Take the gateway, unless a check failed."""
    state = replace(state, checks=event.checks)
    failed = [check for check in event.checks if check.passed is False]
    if failed:
        said = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        wrong = any(check.configuration for check in failed)
        return ended(state, Ending(Cause.CONFIGURATION if wrong else Cause.PREFLIGHT, said))
    command = SetWeight(Weight.ZERO, "rollout begins: all traffic on stable, proven")
    if state.plan.adopt:
        weight = state.plan.stages[0].weight
        command = SetWeight(weight, f"watched on at {weight} %, as it is in force")
    return replace(state, phase=Phase.TAKING), command


def stop_before(state: State, event: Interrupted) -> Step:
    """End: nothing was shifted yet."""
    return ended(state, Ending(Cause.INTERRUPTED, f"{event.by}, before any traffic was shifted"))


def crash_before(state: State, event: Crashed) -> Step:
    """End: nothing was touched yet."""
    return ended(state, Ending(Cause.PREFLIGHT, event.reason))


def taken(state: State, event: WeightProven) -> Step:
    """Begin with the first stage."""
    state = replace(proven(state, event), taken=event.at, unseen=event.at)
    if state.plan.adopt:
        return shifted(replace(state, index=0), event)
    if state.first:
        passed = tuple(
            StageRecord(stage, event.at, passed=True, skipped=RESUMED)
            for stage in state.plan.stages[: state.first]
        )
        return resumed(replace(state, records=passed), state.first, event.at)
    return onward(state, event.at)


def not_taken(state: State, event: WeightRefused) -> Step:
    """End: the gateway could not be taken."""
    return ended(state, Ending(Cause.PREFLIGHT, event.reason))


def held(state: State, event: Held) -> Step:
    """End: the gateway is somebody else's."""
    return ended(state, Ending(Cause.HELD, event.by))


def unproven(state: State, event: TrafficUnproven) -> Step:
    """End: a person must look at the gateway."""
    return ended(state, Ending(Cause.NOT_PROVEN, event.reason))


def shifted(state: State, event: WeightProven) -> Step:
    """Begin to observe a stage."""
    state = proven(state, event)
    record = StageRecord(state.stage, event.at)
    before = state.records[: state.index]  # a stage that begins anew has one record
    state = replace(
        state,
        phase=Phase.OBSERVING,
        lost=0.0,
        silent_since=None,
        gateway_silent_since=None,
        streaks={},
        paused_at=event.at,  # one that begins anew (circuit breaker) may be paused
        records=(*before, record),
        next_at=min(event.at + state.plan.interval, event.at + state.stage.observe),
    )
    return state, Observe(state.since, state.next_at, state.unseen)


def shift_refused(state: State, event: WeightRefused | TrafficUnproven) -> Step:
    """Go back: a stage's weight did not come into force."""
    said = f"{event.weight} % did not come into force: {event.reason}"
    return back(state, Ending(Cause.WEIGHT_REFUSED, said))
