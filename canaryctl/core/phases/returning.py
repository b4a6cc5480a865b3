"""Back to stable, proven, in a bounded number of attempts."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.commands import SetWeight
from canaryctl.core.events import (
    Crashed,
    DrainEnded,
    Overtaken,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.ways import Step, drain, ended, proven
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight


def returned(state: State, event: WeightProven) -> Step:
    """End as was decided when the rollout turned back."""
    return drain(proven(state, event))


def drained(state: State, event: DrainEnded | Crashed) -> Step:
    """End; what became of the old workers is on record."""
    assert state.ending is not None  # noqa: S101  set by `back`, the only way in here
    seen = event.drained if isinstance(event, DrainEnded) else None
    return ended(replace(state, drained=seen), state.ending)


def overtaken(state: State, event: Overtaken) -> Step:
    """End: the gateway is another one's now, and its traffic is not this rollout's to move.

    Where nobody set what is in force (NGINX was recreated, say), it is tried again.
    """
    if event.weight is None:
        return not_returned(state, TrafficUnproven(event.at, Weight.ZERO, event.by))
    said = f"{event.by} (it was going back: {state.ending.reason if state.ending else ''})"
    cause = Cause.SUPERSEDED if event.weight == Weight.ZERO else Cause.NOT_PROVEN
    return ended(replace(state, weight=event.weight), Ending(cause, said))


def not_returned(state: State, event: WeightRefused | TrafficUnproven | Crashed) -> Step:
    """Try again, and in the end say that 0 % is not proven."""
    ending = state.ending
    assert ending is not None  # noqa: S101  set by _back, the only way in here
    if state.attempts < state.plan.return_attempts:
        state = replace(state, phase=Phase.RETURNING, attempts=state.attempts + 1)
        said = f"{ending.cause}: {ending.reason}"
        return state, SetWeight(Weight.ZERO, said, force=True, pause=1.0)
    said = (
        f"0 % could not be proven in {state.attempts} attempts: {event.reason}"
        f" (going back because of: {ending.reason})"
    )
    return ended(state, Ending(Cause.NOT_PROVEN, said))
