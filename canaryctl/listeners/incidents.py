"""What happened to the weights without anybody's decision, and how long old ones lived on."""

from __future__ import annotations

from canaryctl.core.breaker import Circuit
from canaryctl.core.events import BreakerMoved, DrainEnded, Drifted
from canaryctl.core.state import Phase, State
from canaryctl.listeners.line import Line, Tone, toned
from canaryctl.quantities import spelled


def incident_line(event: Drifted | BreakerMoved | DrainEnded, state: State) -> Line:
    """Say what happened, and what comes of it."""
    match event:
        case Drifted():
            return _drift(event, state)
        case BreakerMoved():
            return _breaker(event, state)
        case DrainEnded(_, drained):
            return toned(Tone.GOOD if drained.complete else Tone.WARN, f"Time to zero: {drained}")


def _drift(event: Drifted, state: State) -> Line:
    if state.phase is not Phase.REASSERTING:
        return toned(Tone.BAD, f"Drift: {event.what}")
    count = f"{state.reasserted} of {state.plan.reasserts}"
    return toned(Tone.WARN, f"Drift: {event.what}; the weights are set again ({count})")


def _breaker(event: BreakerMoved, state: State) -> Line:
    breaker = event.breaker
    if breaker.circuit is Circuit.CLOSED:
        stage = f"stage {state.index + 1}/{len(state.plan.stages)}"
        said = f"the canary served every test request; {stage} begins anew"
        return toned(Tone.GOOD, f"Circuit breaker closed: {said}")
    if breaker.circuit is Circuit.OPEN and breaker.until is not None:
        length = spelled(max(breaker.until - event.at, 0.0))
        said = f"all traffic to stable, a test with {event.test} % in {length}; that is no verdict"
        return toned(Tone.WARN, f"Circuit breaker open: {breaker.reason}; {said}")
    return toned(Tone.BAD, f"Circuit breaker {breaker.circuit}: {breaker.reason}")
