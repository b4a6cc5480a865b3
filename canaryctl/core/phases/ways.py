"""Where a step can lead: on to a stage, another look, back to stable, or the end."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.commands import Command, Observe, SetWeight
from canaryctl.core.events import WeightProven
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight

Step = tuple[State, Command | None]


def shift(state: State, index: int) -> Step:
    """Ask for a stage's weight."""
    state = replace(state, phase=Phase.SHIFTING, index=index)
    return state, SetWeight(state.stage.weight, f"stage {index + 1} of {len(state.plan.stages)}")


def proven(state: State, event: WeightProven) -> State:
    """Note what NGINX has proven."""
    return replace(state, weight=event.weight, generation=event.generation, since=event.at)


def observe(state: State, at: float, *, nearer: bool = True) -> Step:
    """Wait for the next evaluation of this stage.

    Args:
        state: as it is.
        at: the evaluation before, epoch seconds.
        nearer: whether the stage's end came nearer since the one before that.
    """
    next_at = at + state.plan.interval
    # The evaluation that rules on the stage comes when its time is up, not an interval later.
    for end in (state.due, state.bound):
        if nearer and at < end < next_at:
            next_at = end
            break
    return replace(state, next_at=next_at), Observe(state.since, next_at, state.unseen)


def onward(state: State) -> Step:
    """Go to the next stage; after the last one, succeed."""
    if state.index + 1 < len(state.plan.stages):
        return shift(state, state.index + 1)
    count = len(state.plan.stages)
    if open_ended := sum(record.inconclusive for record in state.records):
        said = f"{count - open_ended} of {count} stages passed, {open_ended} went on inconclusive"
        return ended(state, Ending(Cause.PASSED, f"{said} (plan.on_inconclusive: advance)"))
    said = f"every gate passed in {'all ' if count > 1 else ''}{count} stage{'s' * (count > 1)}"
    return ended(state, Ending(Cause.PASSED, said))


def back(state: State, ending: Ending) -> Step:
    """Turn back to stable; ``ending`` is what the rollout ends with once that is proven."""
    state = replace(state, phase=Phase.RETURNING, ending=ending, attempts=1)
    return state, SetWeight(Weight.ZERO, f"{ending.cause}: {ending.reason}", force=True)


def ended(state: State, ending: Ending) -> Step:
    """End."""
    return replace(state, phase=Phase.ENDED, ending=ending), None
