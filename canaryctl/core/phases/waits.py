"""Between two stages: times, approvals, and somebody's word to go on."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from canaryctl.core.commands import Idle
from canaryctl.core.events import Waited
from canaryctl.core.phases.ways import Step, again, finished, observe, shift
from canaryctl.core.plan import Approval, Ask, Pause
from canaryctl.core.state import Phase, State, Waiting
from canaryctl.core.weight import Weight


def onward(state: State, at: float) -> Step:
    """Leave a stage that is over: to what it ends with, the next begins with, to it, to the end."""
    return _left(state, 0, at)


def resumed(state: State, first: int, at: float) -> Step:
    """Go to the stage that a rollout continues with; who approved it once need not do so again."""
    before = state.plan.stages[first].before
    number = next((n for n, one in enumerate(before) if isinstance(one, Ask)), len(before))
    return _next(replace(state, index=first - 1), number, at)


def _left(state: State, number: int, at: float) -> Step:
    """Go to a wait of the stage that is over, or leave it."""
    after = state.stage.after if state.index >= 0 else ()
    if number < len(after):
        return _wait(state, Waiting(after[number], number, at, after=True), at)
    if state.hold:
        return _wait(replace(state, hold=""), Waiting(Pause(), -1, at), at)
    return _next(state, 0, at)


def _next(state: State, number: int, at: float) -> Step:
    """Go to a wait of the next stage, or to the stage itself."""
    index = state.index + 1
    if index == len(state.plan.stages):
        return finished(state)
    before = state.plan.stages[index].before
    if number == len(before):
        return shift(state, index)
    return _wait(state, Waiting(before[number], number, at), at)


def _wait(state: State, waiting: Waiting, at: float) -> Step:
    state = replace(state, waiting=waiting)
    if state.weight is not None and state.weight > Weight.ZERO:
        return observe(replace(state, phase=Phase.OBSERVING), at)
    return idle(replace(state, phase=Phase.WAITING), at)


def idle(state: State, at: float) -> Step:
    """Wait on, at 0 %."""
    until = state.waiting.until if state.waiting else inf
    state = replace(state, next_at=min(until, at + state.plan.interval, state.deadline))
    return state, Idle(state.next_at)


def waited(state: State, event: Waited) -> Step:
    """See whether a wait at 0 % is over."""
    state = replace(state, gateway_silent_since=None)  # it answered
    return over(state, event.at) or idle(state, event.at)


def over(state: State, at: float) -> Step | None:
    """Go on once what is waited for has come; None while it has not."""
    waiting = state.waiting
    if waiting is None or not _come(waiting, at):
        return None
    return told_to_go_on(state, at)


def told_to_go_on(state: State, at: float) -> Step:
    """Leave the present wait, whatever it waits for."""
    waiting = state.waiting
    assert waiting is not None  # noqa: S101  the caller looked
    on = _left if waiting.after else _next
    return on(replace(state, waiting=None), waiting.number + 1, at)


def approved(state: State, role: str, at: float) -> Step:
    """Note an approval; the last one lets the rollout go on."""
    assert state.waiting is not None  # noqa: S101  the caller looked
    given = state.waiting.given | {role}
    state = replace(state, waiting=replace(state.waiting, given=given))
    return over(state, at) or again(state)


def missing(waiting: Waiting) -> tuple[str, ...]:
    """Name the roles whose approval is missing."""
    roles = waiting.what.roles if isinstance(waiting.what, Approval) else ()
    return tuple(role for role in roles if role not in waiting.given)


def _come(waiting: Waiting, at: float) -> bool:
    if isinstance(waiting.what, Approval):
        return not missing(waiting)
    if isinstance(waiting.what, Ask):
        return False
    return at >= waiting.until
