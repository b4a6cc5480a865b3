"""What people ask of a rollout, and what it waits for, in words.

What was done, or why it was not, is the answer that the rollout itself gave: it is said here as
it stands in the terminal of whoever asked.
"""

from __future__ import annotations

from canaryctl.core.control import Verb
from canaryctl.core.events import Controlled
from canaryctl.core.phases.waits import missing
from canaryctl.core.plan import Approval, Ask, Pause
from canaryctl.core.state import Phase, State, Waiting
from canaryctl.listeners.hooked import asking
from canaryctl.listeners.line import Line, Tone, toned
from canaryctl.quantities import spelled

_DONE = {
    Verb.PAUSE: ("Paused", Tone.WARN),
    Verb.CONTINUE: ("Continued", Tone.GOOD),
    Verb.ADVANCE: ("Advanced", Tone.WARN),
    Verb.HOLD: ("Held", Tone.WARN),
    Verb.ABORT: ("Aborted", Tone.WARN),
    Verb.APPROVE: ("Approved", Tone.GOOD),
}


def asked_line(event: Controlled, state: State) -> Line:
    """Say who asked for what, why, and what came of it."""
    name, tone = _DONE[event.verb]
    answer = state.answer
    if answer is not None and not answer.accepted:
        return toned(Tone.WARN, f"Refused, asked by {event.by}: {answer.said}")
    who = f"{name} as {event.role} by {event.by}" if event.role else f"{name} by {event.by}"
    said = _without_who(answer.said, event) if answer is not None else ""
    return toned(tone, f"{who}{said}")


def _without_who(said: str, event: Controlled) -> str:
    """Give what an answer says beyond who asked for what, which stands before it."""
    for known in (f"approved as {event.role} by {event.by}", "paused"):
        if said.startswith(known):
            return said.removeprefix(known)
    return f": {said}"


def done(state: State) -> bool:
    """Tell whether what was asked last was done."""
    return state.answer is not None and state.answer.accepted


def present(state: State | None) -> Waiting | None:
    """Give what is waited for; None too when the rollout goes back meanwhile, or has ended."""
    under_way = (Phase.OBSERVING, Phase.WAITING, Phase.REASSERTING)
    return state.waiting if state is not None and state.phase in under_way else None


def begun(state: State, before: State | None) -> bool:
    """Tell whether an event began a wait: another one, or the first."""
    now, past = present(state), present(before)
    if before is None or now is None:
        return False
    if past is None or before.index != state.index:
        return True
    return (past.after, past.number, past.since) != (now.after, now.number, now.since)


def begun_lines(state: State, before: State | None) -> tuple[Line, ...]:
    """Say what is waited for from now on; nothing while a wait goes on."""
    if not begun(state, before) or state.waiting is None:
        return ()
    what = state.waiting.what
    if isinstance(what, Ask):
        where = "" if state.waiting.after else _stage_after(state)
        return (toned(Tone.PLAIN, f"Asking {asking(what)} ({what.moment}){where}"),)
    return (toned(Tone.WARN, f"Waiting {_until(state.waiting)}{_stage_after(state)}"),)


def waited_for(state: State, now: float) -> str:
    """Say what is still waited for at ``now`` (epoch seconds), in a few words."""
    waiting = state.waiting
    if waiting is None:
        return ""
    if isinstance(waiting.what, Pause) and waiting.what.seconds is not None:
        left = max(waiting.until - now, 0.0)
        return f"pausing, {spelled(float(round(left)))} left of {spelled(waiting.what.seconds)}"
    return f"waiting {_until(waiting)}"


def _until(waiting: Waiting) -> str:
    """Say until when: whose word is missing, and what they type."""
    what = waiting.what
    if isinstance(what, Ask):
        return f"for {asking(what)} ({what.moment})"
    if isinstance(what, Approval):
        left = missing(waiting)
        some = f" ({len(what.roles) - len(left)} of {len(what.roles)} given)"
        given = some if len(left) < len(what.roles) else ""
        return f"for the approval of {', '.join(left)}{given}: `canaryctl approve --as ROLE`"
    if what.seconds is None:
        return "for `canaryctl continue`"
    return f"for {spelled(what.seconds)}"


def _stage_after(state: State) -> str:
    """Say before which stage is waited; its weight is not set yet."""
    index = state.index + 1
    if index == len(state.plan.stages):
        return ", then the rollout is over"
    stage = state.plan.stages[index]
    judged = "; the gates are still judged" if state.index >= 0 else ""
    return f", before stage {index + 1}/{len(state.plan.stages)} ({stage.weight} %){judged}"
