"""What the hooks said that are gates, in words and as JSON."""

from __future__ import annotations

from canaryctl.core.events import Hooked
from canaryctl.core.hooks import HookMoment, HookResult
from canaryctl.core.plan import Ask
from canaryctl.core.state import State
from canaryctl.listeners.jsonable import jsonable
from canaryctl.listeners.line import Line, Tone, toned
from canaryctl.listeners.record import Record


def hooked_lines(event: Hooked, state: State) -> tuple[Line, ...]:
    """Say how each ended."""
    return tuple(_line(one, f"{event.moment} {_stage(event, state)}") for one in event.results)


def asking(what: Ask) -> str:
    """Say which are asked: ``hook warm cache``, ``hooks warm cache, tell orders``."""
    return f"hook{'s' * (len(what.hooks) > 1)} {', '.join(what.hooks)}"


def hooked_record(event: Hooked) -> Record:
    """Give it as an object."""
    passed = all(one.passed for one in event.results)
    hooks = [jsonable(one) for one in event.results]
    return {"moment": event.moment.value, "passed": passed, "hooks": hooks}


def hooked_stage(event: Hooked, state: State) -> int:
    """Give the stage that they speak of, from 1: one that was entered has a record."""
    return len(state.records) + (event.moment is HookMoment.BEFORE_STAGE)


def _stage(event: Hooked, state: State) -> str:
    return f"{hooked_stage(event, state)}/{len(state.plan.stages)}"


def _line(one: HookResult, when: str) -> Line:
    said = f"hook {one.hook} ({when}): {one.reason}"
    return toned(Tone.GOOD, f"✓ {said}") if one.passed else toned(Tone.BAD, f"✗ {said}")
