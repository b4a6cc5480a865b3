"""The circuit breaker: all to stable at once, a few requests to test the canary, the stage anew."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.breaker import Circuit, Trigger
from canaryctl.core.commands import Idle, SetWeight
from canaryctl.core.control import Answer, Verb
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    TrafficUnproven,
    Waited,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.controls import controlled
from canaryctl.core.phases.ways import Step, again, back, proven, shift
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight


def moved(state: State, event: BreakerMoved) -> Step:
    """Do what the breaker says."""
    breaker = event.breaker
    state = replace(state, breaker=breaker, test=event.test)
    match breaker.circuit:
        case Circuit.OPEN:
            said = f"circuit breaker open: {breaker.reason}"
            return replace(state, phase=Phase.SWITCHING), SetWeight(Weight.ZERO, said, force=True)
        case Circuit.BACK if breaker.trigger is Trigger.NO_VERDICT:
            said = f"{breaker.reason}; no verdict against the canary"
            return back(state, Ending(Cause.INCONCLUSIVE, said))
        case Circuit.BACK:
            return back(state, Ending(Cause.BREAKER, breaker.reason))
        case Circuit.CLOSED if state.phase is Phase.TESTING:
            anew, command = shift(state, state.index)  # the stage begins anew
            return replace(anew, hold=state.hold), command  # what was asked of it still holds
    return again(state)


def switched(state: State, event: WeightProven) -> Step:
    """Wait while it is open; test while it is half-open."""
    state = proven(state, event)
    if event.weight > Weight.ZERO:
        return _idle(replace(state, phase=Phase.TESTING), event.at)
    return _idle(replace(state, phase=Phase.OPEN), event.at)


def not_switched(state: State, event: WeightRefused | TrafficUnproven) -> Step:
    """Go back: what the breaker asks for cannot be set."""
    return back(state, Ending(Cause.BREAKER, f"{event.weight} % was not set: {event.reason}"))


def waited(state: State, event: Waited) -> Step:
    """Begin to test once it was open for long enough."""
    assert state.breaker is not None  # noqa: S101  it opened
    until = state.breaker.until or 0.0
    if state.phase is Phase.OPEN and event.at >= until:
        said = "circuit breaker half-open: a few requests test the canary"
        return replace(state, phase=Phase.SWITCHING), SetWeight(state.test, said)
    return _idle(state, event.at)


def asked(state: State, event: Controlled) -> Step:
    """End it if that is asked; there is no stage to pause, hold or cut short."""
    if event.verb is Verb.ABORT:
        return controlled(state, event)
    said = f"cannot {event.verb}: the circuit breaker is {'open' if _open(state) else 'half-open'}"
    return again(replace(state, answer=Answer(event.request, accepted=False, said=said)))


def _open(state: State) -> bool:
    return state.phase is Phase.OPEN


def _idle(state: State, at: float) -> Step:
    until = at + state.plan.interval
    if state.phase is Phase.OPEN and state.breaker is not None and state.breaker.until is not None:
        until = min(until, max(at, state.breaker.until))
    state = replace(state, next_at=until, gateway_silent_since=None)
    return state, Idle(until)
