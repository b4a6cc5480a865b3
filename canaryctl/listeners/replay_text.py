"""A replay in lines, for people."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    DrainEnded,
    Drifted,
    GatewaySilent,
    Hooked,
    Judged,
    MetricsSilent,
    WeightProven,
)
from canaryctl.core.outcome import Ending
from canaryctl.core.recording import Said
from canaryctl.core.replay import Tick
from canaryctl.core.state import Phase, State
from canaryctl.listeners.asked import asked_line
from canaryctl.listeners.hooked import hooked_lines
from canaryctl.listeners.incidents import incident_line
from canaryctl.listeners.jsonable import kind_of
from canaryctl.listeners.line import clean
from canaryctl.listeners.replay_tally import Tally, recorded_end

SAME = "same verdicts at the same moments"


def tick_line(tick: Tick, tally: Tally) -> str:
    """Say what an event led to."""
    stages = len(tick.state.plan.stages)
    stage = f"stage {max(len(tick.state.records), 1)}/{stages}"
    return clean(f"{tally.elapsed(tick.at):>12}  {stage}  {_told(tick)}")


def _told(tick: Tick) -> str:
    event = tick.event
    match event:
        case Judged():
            return _said(tick.now) + (f"; recorded: {_recorded(tick)}" if tick.differs else "")
        case WeightProven():
            begins = "begins: " if tick.before.phase is Phase.SHIFTING else ""
            return f"{begins}{event.weight} % proven"
        case MetricsSilent() | GatewaySilent():
            what = "metrics source" if isinstance(event, MetricsSilent) else "gateway"
            return f"{what} silent: {event.reason}"
        case _:
            return _other(tick)


def _other(tick: Tick) -> str:
    event = tick.event
    match event:
        case Controlled():
            return asked_line(event, tick.state).text
        case Hooked():
            return "; ".join(one.text for one in hooked_lines(event, tick.state))
        case Drifted() | BreakerMoved() | DrainEnded():
            return incident_line(event, tick.state).text
        case _:
            why = getattr(event, "reason", getattr(event, "by", ""))
            said = kind_of(event).replace("_", " ")
            return f"{said}: {why}" if why else said


def _recorded(tick: Tick) -> str:
    return "-" if tick.said is None else _said(tick.said)


def _said(said: Said) -> str:
    """Write a verdict: ``wait (extend): open: error rate``."""
    move = f" ({said.move})" if said.move and str(said.move) != str(said.ruling) else ""
    ruling = f"{said.ruling}{move}" if said.ruling else str(said.phase)
    return f"{ruling}: {said.reason}" if said.reason else ruling


def ended(state: State) -> str:
    """Say how a rollout ends, as far as it is known."""
    return _ending(state.ending) if state.ending else f"no end: {state.phase}"


def _ending(ending: Ending) -> str:
    return f"{ending.outcome.value.replace('_', ' ')}: {ending.cause}: {ending.reason}"


def closing(tally: Tally, other: str) -> Iterator[str]:
    """Say what the replay came to.

    Args:
        tally: of all its ticks.
        other: the configuration that judged instead; empty for the recorded one.
    """
    yield from (clean(line) for line in _closing(tally, other))


def _closing(tally: Tally, other: str) -> Iterator[str]:
    last, first = tally.last, tally.first
    if other or not tally.recording.has_verdicts:
        yield from _what_if(tally, other or "these gates")
    elif first is None:
        yield f"{SAME}: {tally.same} of {tally.recorded}"
        yield f"  ended, then and now: {ended(last.state)}" if last else "  nothing was judged"
    else:
        where = f"at {tally.elapsed(first.at)} (line {first.line})"
        yield f"the verdict differs {where}; the same until then: {tally.same} of {tally.recorded}"
        yield f"  recorded: {_recorded(first)}"
        yield f"  replayed: {_said(first.now)}"
        yield "  what came later was under other weights, so nothing later is compared"


def _what_if(tally: Tally, who: str) -> Iterator[str]:
    last = tally.last
    if tally.stopped is not None:
        yield f"with {who}: no verdict yet: {tally.stopped.reason}"
    elif last is not None:
        number = len(last.state.records)
        at = tally.elapsed(last.at)
        yield f"with {who}: in stage {number} at {at}: {ended(last.state)}"
    then = recorded_end(tally.recording)
    if then is not None:
        when, said = then
        where = f"in stage {said.stage + 1} at {tally.elapsed(when)}"
        yield f"  recorded: {where}: {said.cause}: {said.why}"
