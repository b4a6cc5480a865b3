"""The rollout as a state machine without I/O: events in, at most one command out.

Each command leads to exactly one event, so a rollout is a chain, and a recorded chain of
events replays to the same end. Every phase × event pair is either in ``TABLE`` or raises
``IllegalEvent`` and changes nothing. An ``Interrupted`` or ``Crashed`` takes the place of
the event that a command would have led to; once traffic may have moved, both lead back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from canaryctl.core.phases import begin, observing, returning, trouble
from canaryctl.core.phases.ways import Step
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
    return handler(state, event)


TABLE: dict[tuple[Phase, type], Callable[[State, Any], Step]] = {
    (Phase.READY, Started): begin.start,
    (Phase.CHECKING, PreflightEnded): begin.checked,
    (Phase.CHECKING, Interrupted): begin.stop_before,
    (Phase.CHECKING, Crashed): begin.crash_before,
    (Phase.TAKING, WeightProven): begin.taken,
    (Phase.TAKING, WeightRefused): begin.not_taken,
    (Phase.TAKING, TrafficUnproven): begin.unproven,
    (Phase.TAKING, Overtaken): trouble.overtaken,
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
    (Phase.OBSERVING, Overtaken): trouble.overtaken,
    (Phase.OBSERVING, Interrupted): trouble.interrupted,
    (Phase.OBSERVING, Crashed): trouble.crashed,
    (Phase.RETURNING, WeightProven): returning.returned,
    (Phase.RETURNING, WeightRefused): returning.not_returned,
    (Phase.RETURNING, TrafficUnproven): returning.not_returned,
    (Phase.RETURNING, Crashed): returning.not_returned,
}
"""Every pair that can happen. The diagram in the README is drawn from it."""
