"""Draws the state diagram of a rollout: ``python docs/diagram.py [--write FILE]``.

Nothing is drawn by hand. Starting from a new rollout, every event that ``core.rollout.TABLE``
allows in a phase is tried, in every variant that can lead elsewhere, until nothing new comes;
the arrows are the phases that ``advance`` then gives. ``--write`` puts the diagram between the
marks in a Markdown file. ``tests/test_docs.py`` fails when that in docs/how-it-works.md is old.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from canaryctl.core import events as e
from canaryctl.core.breaker import Breaker, Circuit
from canaryctl.core.commands import Command, SetWeight
from canaryctl.core.control import Verb
from canaryctl.core.drained import Drained
from canaryctl.core.gate import Finding, Status
from canaryctl.core.hooks import HookMoment, HookResult
from canaryctl.core.plan import Ask, OnDrift, Pause, Plan, Stage
from canaryctl.core.rollout import TABLE, advance
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight

BEGIN, END = (
    "<!-- states: python docs/diagram.py --write docs/how-it-works.md -->",
    "<!-- /states -->",
)
STEP = 10.0
_MOST_STEPS = 5
_PLAN = Plan(
    (Stage(Weight.parse(1), STEP), Stage(Weight.FULL, STEP)),
    interval=STEP,
    lost_after=STEP,
    gateway_lost_after=STEP,
)
_MENDING = replace(_PLAN, on_drift=OnDrift.REASSERT, reasserts=1, drain_within=STEP)
_WAITING = replace(_PLAN.stages[0], before=(Pause(2 * STEP),))
_BEFORE, _AFTER = HookMoment.BEFORE_STAGE, HookMoment.AFTER_STAGE
_ASKING = tuple(
    replace(stage, before=(Ask(_BEFORE, ("warm",)),), after=(Ask(_AFTER, ("look",)),))
    for stage in _PLAN.stages
)
_PLANS = (
    _PLAN,
    _MENDING,
    replace(_MENDING, stages=(_WAITING, _PLAN.stages[1])),
    replace(_PLAN, stages=_ASKING),
    replace(_PLAN, stages=_PLAN.stages[1:], adopt=True),  # the watch of a promotion
)
_OTHER = Weight.parse(5)
_TEST = Weight.parse(1)
_ENDS = (Status.PASS, Status.FAIL)
_CIRCUITS = (Circuit.OPEN, Circuit.CLOSED, Circuit.BACK)
"""That a breaker becomes half-open is nothing that a rollout is told."""


def arrows() -> dict[tuple[Phase, Phase], list[str]]:
    """Give, for each pair of phases, the events that lead from one to the other."""
    found: dict[tuple[Phase, Phase], dict[str, None]] = {}
    first = [(State(plan), None, 0.0) for plan in _PLANS]
    left: deque[tuple[State, Command | None, float]] = deque(first)
    seen = {_key(*one) for one in first}
    while left:
        state, command, now = left.popleft()
        for event in _variants(state, command, now + STEP):
            after, asked = advance(state, event)
            found.setdefault((state.phase, after.phase), {})[type(event).__name__] = None
            if (key := _key(after, asked, event.at)) not in seen:
                seen.add(key)
                left.append((after, asked, event.at))
    order = list(Phase)
    return {
        pair: list(found[pair])
        for pair in sorted(found, key=lambda pair: tuple(map(order.index, pair)))
    }


def diagram() -> str:
    """Give the diagram as Mermaid text, every pair of the table on one of its arrows."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.READY}"]
    for (before, after), names in arrows().items():
        lines.append(f"    {before} --> {after} : {', '.join(names)}")
    return "\n".join([*lines, f"    {Phase.ENDED} --> [*]"])


def placed(text: str) -> str:
    """Put the diagram between the marks of a Markdown text.

    Raises:
        ValueError: the marks are not there.
    """
    block = f"{BEGIN}\n```mermaid\n{diagram()}\n```\n{END}"
    made, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, text, flags=16)
    if count != 1:
        raise ValueError(f"expected one pair of {BEGIN} and {END}")
    return made


def _key(state: State, command: Command | None, now: float) -> tuple[object, ...]:
    """Name what the next step depends on; times only as far as a bound can be passed."""
    silences = (state.silent_since, state.gateway_silent_since)
    circuit = None if state.breaker is None else state.breaker.circuit
    waiting = None if state.waiting is None else state.waiting.what
    return (
        *(_PLANS.index(state.plan), waiting, circuit, state.reasserted, state.after),
        *(state.phase, state.index, state.attempts, command is None),
        *(None if since is None else min(now - since, STEP) for since in silences),
        min((now - state.since) // STEP, _MOST_STEPS),
    )


def _variants(state: State, command: Command | None, at: float) -> Iterator[e.Event]:
    """Give every event that can happen now, in every variant that can lead elsewhere."""
    weight = command.weight if isinstance(command, SetWeight) else Weight.ZERO
    told = Finding("error rate", Status.PASS, "0 of 100 requests")
    judged = [replace(told, status=status) for status in Status]
    check = e.Check("metrics", passed=True, detail="the source answers")
    events: list[e.Event] = [
        e.Started(at),
        *(e.PreflightEnded(at, (replace(check, passed=passed),)) for passed in (True, False)),
        e.WeightProven(at, weight, f"generation-{at:g}", 0.2),
        e.WeightRefused(at, weight, "refused"),
        e.TrafficUnproven(at, weight, "no answer"),
        *(e.Judged(when, (finding,)) for when in (at - STEP / 2, at) for finding in judged),
        e.MetricsSilent(at, "no answer"),
        e.GatewaySilent(at, "no answer"),
        *(e.Overtaken(at, other, "somebody") for other in (Weight.ZERO, _OTHER, None)),
        e.Held(at, "somebody"),
        *(e.Controlled(at, verb, "q1", "somebody") for verb in Verb),
        e.Drifted(at, "edited"),
        *(e.BreakerMoved(at, Breaker(circuit, at + STEP), _TEST) for circuit in _CIRCUITS),
        e.Waited(at),
        *(e.Hooked(at, _AFTER, (HookResult("look", status, "said"),)) for status in _ENDS),
        e.DrainEnded(at, Drained(1, 0, 0.5, 0.5)),
        e.Interrupted(at, "Ctrl-C"),
        e.Crashed(at, "a defect"),
    ]
    return (event for event in events if (state.phase, type(event)) in TABLE)


def main(arguments: list[str]) -> int:
    """Print the diagram, or write it into a file."""
    if arguments[:1] == ["--write"]:
        path = Path(arguments[1])
        path.write_text(placed(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(diagram() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
