"""What takes the place of the event that a command would have led to."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.commands import SetWeight
from canaryctl.core.events import (
    Crashed,
    Drifted,
    GatewaySilent,
    Interrupted,
    Overtaken,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.ways import Step, again, back, ended
from canaryctl.core.plan import OnDrift
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight

GATEWAY_RETRY = 1.0
"""Seconds until a silent control listener is asked again."""


def gateway_silent(state: State, event: GatewaySilent) -> Step:
    """Wait for NGINX's control listener, until its bound."""
    since = event.at if state.gateway_silent_since is None else state.gateway_silent_since
    state = replace(state, gateway_silent_since=since)
    if event.at - since >= state.plan.gateway_lost_after:
        said = f"no answer for {event.at - since:.0f} s: {event.reason}"
        return back(state, Ending(Cause.GATEWAY_LOST, said))
    return again(replace(state, next_at=max(state.next_at, event.at + GATEWAY_RETRY)))


def drifted(state: State, event: Drifted) -> Step:
    """Set the weights again, or go back, as the plan says."""
    if state.plan.on_drift is OnDrift.END:
        return back(state, Ending(Cause.DRIFT, f"{event.what} (gateway.on_drift: end)"))
    if state.reasserted == state.plan.reasserts:
        said = f"{event.what}; the weights were set again {state.reasserted} times already"
        return back(state, Ending(Cause.DRIFT, said))
    weight = state.weight or Weight.ZERO
    count = state.reasserted + 1
    state = replace(state, phase=Phase.REASSERTING, after=state.phase, reasserted=count)
    return state, SetWeight(weight, f"set again: {event.what}", force=True)


def reasserted(state: State, event: WeightProven) -> Step:
    """Go on with the stage: its weight is in force again."""
    state = replace(
        state,
        phase=state.after,
        generation=event.generation,
        gateway_silent_since=None,
        next_at=max(state.next_at, event.at),
    )
    return again(state)


def not_reasserted(state: State, event: WeightRefused | TrafficUnproven) -> Step:
    """Go back: the weights cannot be kept in force."""
    said = f"{event.weight} % could not be set again: {event.reason}"
    return back(state, Ending(Cause.DRIFT, said))


def overtaken(state: State, event: Overtaken) -> Step:
    """Another generation is in force: somebody else decided."""
    if event.weight == Weight.ZERO:
        state = replace(state, weight=Weight.ZERO)
        return ended(state, Ending(Cause.SUPERSEDED, event.by))
    if event.weight is None:
        return back(state, Ending(Cause.SUPERSEDED, event.by))
    # Another hand chose that weight; taking it away again would be a fight between two tools.
    state = replace(state, weight=event.weight)
    said = f"{event.by}; it left the canary {event.weight} %, which nobody judges now"
    return ended(state, Ending(Cause.NOT_PROVEN, said))


def interrupted(state: State, event: Interrupted) -> Step:
    """Go back: somebody asked for it. What was in force before stays so."""
    if state.plan.adopt and state.phase is not Phase.SHIFTING:
        return ended(state, Ending(Cause.INTERRUPTED, f"{event.by}; {state.weight} % stay"))
    return back(state, Ending(Cause.INTERRUPTED, event.by))


def crashed(state: State, event: Crashed) -> Step:
    """Go back: canaryctl itself failed."""
    return back(state, Ending(Cause.CRASHED, event.reason))
