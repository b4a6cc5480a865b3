"""What people ask of a rollout under way, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from canaryctl.core.control import Answer, Verb
from canaryctl.core.events import Controlled
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.waits import approved, missing, onward, told_to_go_on
from canaryctl.core.phases.ways import Step, again, back
from canaryctl.core.plan import Approval, Ask
from canaryctl.core.state import Phase, State


def controlled(state: State, event: Controlled) -> Step:
    """Do what was asked, or say why not; the rollout goes on as it was then."""
    return _HANDLERS[event.verb](state, event)


def where(state: State) -> str:
    """Say where a rollout stands: ``stage 2 of 4 (5 %)``."""
    if state.index < 0:
        return "0 %, before the first stage"
    return f"stage {state.index + 1} of {len(state.plan.stages)} ({state.stage.weight} %)"


def _done(step: Step, event: Controlled, said: str) -> Step:
    state, command = step
    return replace(state, answer=Answer(event.request, accepted=True, said=said)), command


def _refused(state: State, event: Controlled, said: str) -> Step:
    answer = Answer(event.request, accepted=False, said=f"cannot {event.verb}: {said}")
    return again(replace(state, answer=answer))


def _pause(state: State, event: Controlled) -> Step:
    if state.paused:
        return _refused(state, event, f"it is already {state.paused}")
    if state.waiting is not None:
        return _refused(state, event, f"the rollout waits already: {waits_for(state)}")
    state = replace(state, paused=f"paused by {event.by}", paused_at=event.at)
    said = f"paused at {where(state)}; gates are still judged; go on with `canaryctl continue`"
    return _done(again(state), event, said)


def _hold(state: State, event: Controlled) -> Step:
    if state.hold:
        return _refused(state, event, f"it is already {state.hold}")
    if state.waiting is not None:
        return _refused(state, event, f"the rollout waits already: {waits_for(state)}")
    state = replace(state, hold=f"held by {event.by}")
    said = f"it stays at {where(state)} when its time is up, until `canaryctl continue`"
    return _done(again(state), event, said)


def _continue(state: State, event: Controlled) -> Step:
    if state.paused or state.hold:
        lost = state.lost + (event.at - state.paused_at if state.paused else 0.0)
        state = replace(state, paused="", hold="", lost=lost)
        return _done(again(state), event, f"goes on at {where(state)}")
    if state.waiting is None:
        said = f"nothing is paused or held: it is observed at {where(state)}"
        return _refused(state, event, said)
    if isinstance(state.waiting.what, Approval | Ask):
        return _refused(state, event, waits_for(state))
    return _done(told_to_go_on(state, event.at), event, f"goes on from {where(state)}")


def _advance(state: State, event: Controlled) -> Step:
    if state.waiting is not None:
        if isinstance(state.waiting.what, Approval | Ask):
            return _refused(state, event, waits_for(state))
        return _done(told_to_go_on(state, event.at), event, f"goes on from {where(state)}")
    record = replace(state.records[-1], skipped=event.by)
    records = (*state.records[:-1], record)
    step = onward(replace(state, records=records, paused="", hold=""), event.at)
    return _done(step, event, f"the rest of {where(state)} is skipped")


def _abort(state: State, event: Controlled) -> Step:
    ending = Ending(Cause.ABORTED, f"by {event.by}")
    return _done(back(state, ending), event, f"goes back to 0 % from {where(state)}")


def _approve(state: State, event: Controlled) -> Step:
    waiting = state.waiting
    if waiting is None or not isinstance(waiting.what, Approval):
        return _refused(state, event, f"no approval is waited for at {where(state)}")
    if event.role not in waiting.what.roles:
        roles = ", ".join(waiting.what.roles)
        return _refused(state, event, f"{event.role!r} is not one of {roles} (--as)")
    if event.role in waiting.given:
        return _refused(state, event, f"{event.role} has approved already; {waits_for(state)}")
    step = approved(state, event.role, event.at)
    left = missing(step[0].waiting) if step[0].waiting and step[0].phase is state.phase else ()
    more = f"; still missing: {', '.join(left)}" if left else "; it goes on"
    return _done(step, event, f"approved as {event.role} by {event.by}{more}")


def waits_for(state: State) -> str:
    """Say what is waited for."""
    waiting = state.waiting
    if waiting is None:
        return "nothing"
    if isinstance(waiting.what, Approval):
        roles = ", ".join(missing(waiting))
        return f"it waits for the approval of {roles}: `canaryctl approve --as ROLE`"
    if isinstance(waiting.what, Ask):
        return f"hooks are asked: {', '.join(waiting.what.hooks)}; it goes on by itself"
    if waiting.what.seconds is None:
        return "it waits for `canaryctl continue`"
    return f"a pause of {waiting.what.seconds:g} s"


_HANDLERS: dict[Verb, Callable[[State, Controlled], Step]] = {
    Verb.PAUSE: _pause,
    Verb.HOLD: _hold,
    Verb.CONTINUE: _continue,
    Verb.ADVANCE: _advance,
    Verb.ABORT: _abort,
    Verb.APPROVE: _approve,
}


def idle_controlled(state: State, event: Controlled) -> Step:
    """Do what was asked before the first stage: there is no stage to pause, hold or cut short."""
    assert state.phase is Phase.WAITING  # noqa: S101  the table says so
    if event.verb in (Verb.PAUSE, Verb.HOLD):
        return _refused(state, event, f"the rollout waits already: {waits_for(state)}")
    return controlled(state, event)
