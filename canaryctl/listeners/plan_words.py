"""A plan in one line: its stages, what is waited for between them, and how long it takes."""

from __future__ import annotations

from canaryctl.core.plan import DAY, Approval, Ask, Pause, Plan, Stage
from canaryctl.quantities import spelled


def planned(plan: Plan) -> str:
    """Write the plan: ``1 % → pause 10 min → 5 % → 100 %, 15 min each, 55 min in all``."""
    lengths = {stage.observe for stage in plan.stages}
    each = "" if len(lengths) > 1 else f", {spelled(plan.stages[0].observe)} each"
    steps = " → ".join(_steps(stage, with_length=not each) for stage in plan.stages)
    every = [one for stage in plan.stages for one in (*stage.before, *stage.after)]
    waits = [one for one in every if not isinstance(one, Ask)]
    said = f"{steps}{each}"
    if len(plan.stages) > 1 or waits:
        said += f", {_in_all(plan, waits)}"
    if waits or plan.deadline != DAY:
        said += f", {spelled(plan.deadline)} at most"
    asked = dict.fromkeys(name for one in every if isinstance(one, Ask) for name in one.hooks)
    return f"{said}; gate hooks at each stage: {', '.join(asked)}" if asked else said


def _in_all(plan: Plan, waits: list[Pause | Approval]) -> str:
    known = [one.seconds for one in waits if isinstance(one, Pause) and one.seconds is not None]
    said = f"{spelled(plan.duration + sum(known))} in all"
    return said if len(known) == len(waits) else f"{said} besides the waits for people"


def _steps(stage: Stage, *, with_length: bool) -> str:
    weight = f"{stage.weight} %" + (f" ({spelled(stage.observe)})" if with_length else "")
    return " → ".join((*(wait(one) for one in stage.before if not isinstance(one, Ask)), weight))


def wait(what: Pause | Approval) -> str:
    """Write what is waited for: ``pause 10 min``, ``approval of engineering, product``."""
    if isinstance(what, Approval):
        return f"approval of {', '.join(what.roles)}"
    return "pause until continued" if what.seconds is None else f"pause {spelled(what.seconds)}"
