"""Where a step can lead: on to a stage, another look, a wait, back to stable, or the end."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.commands import Command, Drain, Idle, Observe, SetWeight
from canaryctl.core.events import WeightProven
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight

Step = tuple[State, Command | None]


def shift(state: State, index: int) -> Step:
    """Ask for a stage's weight."""
    state = replace(state, phase=Phase.SHIFTING, index=index, waiting=None, hold="")
    return state, SetWeight(state.stage.weight, f"stage {index + 1} of {len(state.plan.stages)}")


def proven(state: State, event: WeightProven) -> State:
    """Note what NGINX has proven."""
    return replace(state, weight=event.weight, generation=event.generation, since=event.at)


def again(state: State) -> Step:
    """Go on with what is under way: the same look, or the same wait."""
    if state.phase in (Phase.WAITING, Phase.OPEN, Phase.TESTING):
        return state, Idle(state.next_at)
    return state, Observe(state.since, state.next_at, state.unseen)


def observe(state: State, at: float, *, nearer: bool = True) -> Step:
    """Wait for the next evaluation of this stage.

    Args:
        state: as it is.
        at: the evaluation before, epoch seconds.
        nearer: whether the stage's end came nearer since the one before that.
    """
    next_at = at + state.plan.interval
    # The evaluation that rules on the stage comes when its time is up, not an interval later.
    ends = [state.waiting.until] if state.waiting else [state.due, state.bound]
    for end in ends:
        if nearer and at < end < next_at:
            next_at = end
            break
    return again(replace(state, next_at=next_at))


def finished(state: State) -> Step:
    """Succeed: the last stage is behind."""
    count = len(state.plan.stages)
    skipped = sum(bool(record.skipped) for record in state.records)
    open_ended = sum(record.inconclusive for record in state.records)
    if not skipped and not open_ended:
        said = f"every gate passed in {'all ' if count > 1 else ''}{count} stage{'s' * (count > 1)}"
        return ended(state, Ending(Cause.PASSED, said))
    said = f"{count - open_ended} of {count} stages passed"
    if open_ended:
        said += f", {open_ended} went on inconclusive (plan.on_inconclusive: advance)"
    if skipped:
        said += f", {skipped} of them not to their end"
    return ended(state, Ending(Cause.PASSED, said))


def back(state: State, ending: Ending) -> Step:
    """Turn back to stable; ``ending`` is what the rollout ends with once that is proven."""
    state = replace(state, phase=Phase.RETURNING, ending=ending, attempts=1)
    return state, SetWeight(Weight.ZERO, f"{ending.cause}: {ending.reason}", force=True)


def drain(state: State) -> Step:
    """Wait for the workers that know an older weight, if the plan says so; then end."""
    assert state.ending is not None  # noqa: S101  back() set it
    if state.plan.drain_within <= 0:
        return ended(state, state.ending)
    return replace(state, phase=Phase.DRAINING), Drain(state.plan.drain_within)


def ended(state: State, ending: Ending) -> Step:
    """End."""
    return replace(state, phase=Phase.ENDED, ending=ending), None
