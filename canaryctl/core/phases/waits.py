"""Between two stages: times, approvals, and somebody's word to go on."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from canaryctl.core.commands import Idle
from canaryctl.core.events import Waited
from canaryctl.core.phases.ways import Step, again, finished, observe, shift
from canaryctl.core.plan import Approval, Pause
from canaryctl.core.state import Phase, State, Waiting


def onward(state: State, at: float) -> Step:
    """Leave a stage that is over: to what the next one begins with, to it, or to the end."""
    if state.hold:
        return _wait(replace(state, hold=""), Waiting(Pause(), -1, at), at)
    return _next(state, 0, at)


def _next(state: State, number: int, at: float) -> Step:
    """Go to a wait of the next stage, or to the stage itself."""
    index = state.index + 1
    last = index == len(state.plan.stages)
    before = state.plan.after if last else state.plan.stages[index].before
    if number == len(before):
        return finished(state) if last else shift(state, index)
    return _wait(state, Waiting(before[number], number, at), at)


def _wait(state: State, waiting: Waiting, at: float) -> Step:
    state = replace(state, waiting=waiting)
    if state.index >= 0:
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
    return _next(replace(state, waiting=None), waiting.number + 1, at)


def told_to_go_on(state: State, at: float) -> Step:
    """Leave the present wait, whatever it waits for."""
    assert state.waiting is not None  # noqa: S101  the caller looked
    return _next(replace(state, waiting=None), state.waiting.number + 1, at)


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
    return at >= waiting.until
