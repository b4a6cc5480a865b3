"""Hooks that are gates: the rollout waits for them as for anything else, and they may stop it."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.events import Hooked
from canaryctl.core.hooks import HookMoment, failed
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.phases.waits import told_to_go_on
from canaryctl.core.phases.ways import Step, again, back
from canaryctl.core.plan import Ask
from canaryctl.core.state import State
from canaryctl.core.verdict import Ruling, Verdict


def hooked(state: State, event: Hooked) -> Step:
    """Go on when every hook passed; else go back, as after any failed gate."""
    waiting = state.waiting
    if waiting is None or not isinstance(waiting.what, Ask):
        return again(state)  # nobody waits for it any more
    wrong = failed(event.results)
    said = "" if wrong is None else f"hook {wrong.hook} ({waiting.what.moment}): {wrong.reason}"
    if waiting.what.moment is HookMoment.AFTER_STAGE:
        state = _noted(state, event, said)
    if wrong is None:
        return told_to_go_on(state, event.at)
    return back(state, Ending(Cause.GATE_FAILED, said))


def _noted(state: State, event: Hooked, said: str) -> State:
    """Put what they found beside what the stage's other gates found."""
    found = tuple(one.finding() for one in event.results)
    record = replace(state.records[-1], hooks=found)
    if said:
        verdict = Verdict(Ruling.BACK, said, state.streaks, found[-1])
        record = replace(record, passed=False, verdict=verdict)
    return replace(state, records=(*state.records[:-1], record))
