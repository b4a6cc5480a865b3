"""A plan and its waits as JSON objects, for machines."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.core.phases.waits import missing
from canaryctl.core.plan import Approval, Pause, Plan, Stage, Wait
from canaryctl.core.state import State, Waiting
from canaryctl.listeners.asked import begun, present
from canaryctl.listeners.jsonable import percent
from canaryctl.listeners.record import Json, Record, number
from canaryctl.listeners.when import iso


def plan_record(plan: Plan) -> Record:
    """Write a plan; a stage without waits has neither ``before`` nor ``after``. In seconds."""
    return {
        "stages": [stage_record(stage) for stage in plan.stages],
        "interval": number(plan.interval),
        "duration": number(plan.duration),
        "longest": number(plan.longest),
        "deadline": number(plan.deadline),
    }


def stage_record(stage: Stage) -> Record:
    """Write a stage; without waits it has no ``before``."""
    found: Record = {"weight": percent(stage.weight), "observe": number(stage.observe)}
    for key, waits in (("before", stage.before), ("after", stage.after)):
        if waits:
            found[key] = [_wait(one) for one in waits]
    return found


def _wait(what: Wait) -> Record:
    if isinstance(what, Pause):
        return {"pause": None if what.seconds is None else number(what.seconds)}
    if isinstance(what, Approval):
        return {"approve": list(what.roles)}
    return {"hooks": list(what.hooks), "moment": what.moment.value}


def wait_records(state: State, before: State) -> Iterator[Record]:
    """Give what an event did to waits: the end of one, an approval, the beginning of another."""
    past, now, new = present(before), present(state), begun(state, before)
    if past is not None and (now is None or new):
        yield {"status": "over", **_waiting(past)}
    if now is not None and new:
        yield {"status": "begun", **_waiting(now)}
    elif now is not None and past is not None and now.given != past.given:
        yield {"status": "goes_on", **_waiting(now)}


def _waiting(waiting: Waiting) -> Record:
    until = number(waiting.until)
    left: list[Json] = list(missing(waiting))
    return {
        **_wait(waiting.what),
        "since": iso(waiting.since),
        "until": None if until is None else iso(until),
        "missing": left,
    }
