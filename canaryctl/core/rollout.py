"""The rollout as a state machine without I/O: events in, at most one command out.

Each command leads to exactly one event, so a rollout is a chain, and a recorded chain of
events replays to the same end. Every phase × event pair is either in ``TABLE`` or raises
``IllegalEvent`` and changes nothing. An ``Interrupted`` or ``Crashed`` takes the place of
the event that a command would have led to; once traffic may have moved, both lead back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from canaryctl.core.commands import Idle, Observe
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Crashed,
    DrainEnded,
    Drifted,
    Event,
    GatewaySilent,
    Held,
    Hooked,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    TrafficUnproven,
    Waited,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases import (
    begin,
    breaking,
    controls,
    hooked,
    observing,
    returning,
    trouble,
    waits,
)
from canaryctl.core.phases.controls import waits_for
from canaryctl.core.phases.ways import Step, back, ended
from canaryctl.core.state import Phase, State


class IllegalEvent(Exception):
    """An event that cannot happen in this phase: a defect in the runner, not in the world."""


def advance(state: State, event: Event) -> Step:
    """Give the state after an event, and what to do next (None: nothing, the rollout ended).

    Raises:
        IllegalEvent: the event cannot happen in this phase; the state is as it was.
    """
    handler = TABLE.get((state.phase, type(event)))
    if handler is None:
        raise IllegalEvent(f"{type(event).__name__} cannot happen while {state.phase}")
    state, command = handler(state, event)
    if isinstance(command, Observe | Idle) and event.at >= state.deadline:
        said = f"it lasted {event.at - state.began:.0f} s"
        if state.plan.adopt:
            return ended(state, Ending(Cause.NOT_APPROVED, f"{said}: {waits_for(state)}"))
        return back(state, Ending(Cause.DEADLINE, said))
    return state, command


TABLE: dict[tuple[Phase, type], Callable[[State, Any], Step]] = {
    (Phase.READY, Started): begin.start,
    (Phase.CHECKING, PreflightEnded): begin.checked,
    (Phase.CHECKING, Interrupted): begin.stop_before,
    (Phase.CHECKING, Crashed): begin.crash_before,
    (Phase.TAKING, WeightProven): begin.taken,
    (Phase.TAKING, WeightRefused): begin.not_taken,
    (Phase.TAKING, TrafficUnproven): begin.unproven,
    (Phase.TAKING, Overtaken): trouble.overtaken,
    (Phase.TAKING, Held): begin.held,
    (Phase.TAKING, Interrupted): begin.stop_before,
    (Phase.TAKING, Crashed): trouble.crashed,
    (Phase.SHIFTING, WeightProven): begin.shifted,
    (Phase.SHIFTING, WeightRefused): begin.shift_refused,
    (Phase.SHIFTING, TrafficUnproven): begin.shift_refused,
    (Phase.SHIFTING, Overtaken): trouble.overtaken,
    (Phase.SHIFTING, Interrupted): trouble.interrupted,
    (Phase.SHIFTING, Crashed): trouble.crashed,
    (Phase.OBSERVING, Judged): observing.judged,
    (Phase.OBSERVING, MetricsSilent): observing.metrics_silent,
    (Phase.OBSERVING, GatewaySilent): trouble.gateway_silent,
    (Phase.OBSERVING, Controlled): controls.controlled,
    (Phase.OBSERVING, Hooked): hooked.hooked,
    (Phase.OBSERVING, Drifted): trouble.drifted,
    (Phase.OBSERVING, Overtaken): trouble.overtaken,
    (Phase.OBSERVING, Interrupted): trouble.interrupted,
    (Phase.OBSERVING, Crashed): trouble.crashed,
    (Phase.WAITING, Waited): waits.waited,
    (Phase.WAITING, Controlled): controls.idle_controlled,
    (Phase.WAITING, Hooked): hooked.hooked,
    (Phase.WAITING, Drifted): trouble.drifted,
    (Phase.WAITING, GatewaySilent): trouble.gateway_silent,
    (Phase.WAITING, Overtaken): trouble.overtaken,
    (Phase.WAITING, Interrupted): trouble.interrupted,
    (Phase.WAITING, Crashed): trouble.crashed,
    (Phase.OBSERVING, BreakerMoved): breaking.moved,
    (Phase.SWITCHING, WeightProven): breaking.switched,
    (Phase.SWITCHING, WeightRefused): breaking.not_switched,
    (Phase.SWITCHING, TrafficUnproven): breaking.not_switched,
    (Phase.SWITCHING, Overtaken): trouble.overtaken,
    (Phase.SWITCHING, Interrupted): trouble.interrupted,
    (Phase.SWITCHING, Crashed): trouble.crashed,
    (Phase.OPEN, Waited): breaking.waited,
    (Phase.OPEN, Controlled): breaking.asked,
    (Phase.OPEN, Drifted): trouble.drifted,
    (Phase.OPEN, GatewaySilent): trouble.gateway_silent,
    (Phase.OPEN, Overtaken): trouble.overtaken,
    (Phase.OPEN, Interrupted): trouble.interrupted,
    (Phase.OPEN, Crashed): trouble.crashed,
    (Phase.TESTING, BreakerMoved): breaking.moved,
    (Phase.TESTING, Waited): breaking.waited,
    (Phase.TESTING, Controlled): breaking.asked,
    (Phase.TESTING, Drifted): trouble.drifted,
    (Phase.TESTING, GatewaySilent): trouble.gateway_silent,
    (Phase.TESTING, Overtaken): trouble.overtaken,
    (Phase.TESTING, Interrupted): trouble.interrupted,
    (Phase.TESTING, Crashed): trouble.crashed,
    (Phase.REASSERTING, WeightProven): trouble.reasserted,
    (Phase.REASSERTING, WeightRefused): trouble.not_reasserted,
    (Phase.REASSERTING, TrafficUnproven): trouble.not_reasserted,
    (Phase.REASSERTING, Overtaken): trouble.overtaken,
    (Phase.REASSERTING, Interrupted): trouble.interrupted,
    (Phase.REASSERTING, Crashed): trouble.crashed,
    (Phase.RETURNING, WeightProven): returning.returned,
    (Phase.RETURNING, WeightRefused): returning.not_returned,
    (Phase.RETURNING, TrafficUnproven): returning.not_returned,
    (Phase.RETURNING, Overtaken): returning.overtaken,
    (Phase.RETURNING, Crashed): returning.not_returned,
    (Phase.DRAINING, DrainEnded): returning.drained,
    (Phase.DRAINING, TrafficUnproven): returning.not_returned,
    (Phase.DRAINING, Crashed): returning.drained,
}
"""Every pair that can happen. The diagram in the README is drawn from it."""
