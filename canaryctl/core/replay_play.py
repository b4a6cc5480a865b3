"""What would have happened: recorded traffic, stage by stage, under verdicts of now.

The traffic at each weight is what the recording has of it. A stage that ends earlier than it was
recorded leaves the rest of its lines out, and time goes on with the next stage's; one that would
have lasted longer has no more to be judged by, and the play stops there.

Nobody is asked for anything: the plan's waits are left out. Where a recorded stage was paused its
gates are judged and its time stands still, as then; who cut it short left no more to judge by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from canaryctl.core.breaker import Circuit
from canaryctl.core.control import Verb
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Crashed,
    Drifted,
    GatewaySilent,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.recording import Moment, Recording, Setup, UnreadableRecording
from canaryctl.core.replay import Player, Tick
from canaryctl.core.state import Phase, State
from canaryctl.core.unattended import unattended
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight

Observed = Judged | MetricsSilent | GatewaySilent
Shown = Observed | Controlled
_STOPS_TIME = (Verb.PAUSE, Verb.CONTINUE)


@dataclass(slots=True)
class Leg:
    """What was seen at one weight.

    Attributes:
        since: when it was proven, epoch seconds.
        line: where it begins.
        moments: evaluations, times at which a source was silent, pauses and their ends.
        ended: who or what ended it before its time, in words; empty: a verdict did, or nothing.
        broken: the circuit breaker took its traffic away.
    """

    weight: Weight
    since: float
    line: int
    moments: list[Moment] = field(default_factory=list)
    ended: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """There is nothing to judge any more, and no verdict yet."""

    state: State
    reason: str


def legs(moments: Iterable[Moment]) -> list[Leg]:
    """Split a recording by its weights, as far as nothing but verdicts ended a stage.

    Raises:
        UnreadableRecording: a weight comes back, or an evaluation has none.
    """
    found: list[Leg] = []
    expected: Weight | None = None  # a weight that may come once more, as it was
    for moment in moments:
        event = moment.event
        match event:
            case WeightProven() if found and found[-1].broken:
                pass  # none, or a test's
            case WeightProven() if event.weight == Weight.ZERO:
                if found:
                    break  # it went back
            case WeightProven() if event.weight != expected:
                _begin(found, event.weight, event.at, moment.line)
            case BreakerMoved() | Controlled() if found:
                _disturbed(found, event, moment)
            case Crashed() | Interrupted() | Overtaken() | TrafficUnproven() | WeightRefused():
                break
            case Judged() | MetricsSilent() | GatewaySilent():
                _observe(found, event, moment)
        drifted = isinstance(event, Drifted) and bool(found)
        expected = found[-1].weight if drifted else None
    return found


def _observe(found: list[Leg], event: Observed, moment: Moment) -> None:
    seen = event.observation if isinstance(event, Judged) else None
    if seen is not None:
        weight = Weight(round(seen.weight * FULL_HUNDREDTHS))
        if not found or found[-1].weight != weight:
            _begin(found, weight, seen.since, moment.line)
    if not found:
        said = f"line {moment.line}: no weight was proven before it, and it names none"
        raise UnreadableRecording(said)
    found[-1].moments.append(moment)


def _disturbed(found: list[Leg], event: BreakerMoved | Controlled, moment: Moment) -> None:
    """Take in who or what came between, as far as it concerns what could be seen."""
    leg = found[-1]
    if isinstance(event, BreakerMoved):
        leg.broken, leg.ended = True, f"circuit breaker {event.breaker.circuit}"
        if event.breaker.circuit is Circuit.CLOSED:
            found.pop()  # its stage begins anew
    elif not _done(moment):
        return
    elif event.verb in _STOPS_TIME:
        leg.moments.append(moment)
    elif event.verb in (Verb.ADVANCE, Verb.ABORT):
        leg.ended = f"{event.verb} by {event.by}"


def _done(moment: Moment) -> bool:
    """Whether what was asked was done, or at least nobody says that it was not."""
    return moment.said is None or moment.said.accepted is not False


def _begin(found: list[Leg], weight: Weight, since: float, line: int) -> None:
    if found and weight <= found[-1].weight:
        said = f"line {line}: {weight} % does not come after {found[-1].weight} %: stages rise"
        raise UnreadableRecording(said)
    found.append(Leg(weight, since, line))


def played(recording: Recording, setup: Setup) -> Iterator[Tick | Stopped]:
    """Let these gates decide over the recorded traffic.

    Gives one tick for each event, and at last ``Stopped`` if the recording ends before a verdict.

    Raises:
        UnreadableRecording: the recording contradicts itself.
    """
    there = legs(recording.moments)
    player = Player(replace(setup, plan=unattended(setup.plan)), recording)
    if not there:
        yield Stopped(player.state, "no evaluation was recorded")
        return
    shift = 0.0
    yield from _opening(recording, player, there[0])
    by_weight = {leg.weight: leg for leg in there}
    while _is(player, Phase.SHIFTING):
        stage = player.state.stage
        leg = by_weight.get(stage.weight)
        if leg is None:
            yield Stopped(player.state, f"no traffic at {stage.weight} % was recorded")
            return
        last = None
        yield _moved(player, leg, shift)
        for moment in leg.moments:
            tick = _observed(player, moment, shift)
            last = moment.event.at
            yield tick
            if not _is(player, Phase.OBSERVING):
                break
        if _is(player, Phase.OBSERVING):
            end = leg.moments[-1].event.at - leg.since if leg.moments else 0.0
            said = f"what was recorded at {stage.weight} % ends here, after {end:.0f} s"
            said += f" ({leg.ended})" if leg.ended else ""
            yield Stopped(player.state, said)
            return
        if last is not None:
            shift += leg.moments[-1].event.at - last


def _is(player: Player, phase: Phase) -> bool:
    return player.state.phase is phase


def _opening(recording: Recording, player: Player, first: Leg) -> Iterator[Tick]:
    """Bring the rollout to its first stage, with stable's history where there is one."""
    before = (m.event for m in recording.moments if isinstance(m.event, PreflightEnded))
    past = next((event.history for event in before), None)
    at = first.since
    yield player.take(first.line, Started(at))
    yield player.take(first.line, PreflightEnded(at, (), past))
    yield player.take(first.line, WeightProven(at, Weight.ZERO, "replay", 0.0))


def _moved(player: Player, leg: Leg, shift: float) -> Tick:
    at = leg.since - shift
    return player.take(leg.line, WeightProven(at, leg.weight, "replay", 0.0))


def _observed(player: Player, moment: Moment, shift: float) -> Tick:
    """Let one of a leg's moments happen, earlier by what was left out before it."""
    event = moment.event
    assert isinstance(event, Shown)  # noqa: S101  a leg has nothing else
    at = event.at - shift
    if isinstance(event, Judged) and event.observation is not None:
        seen = event.observation
        moved = replace(seen, at=at, since=seen.since - shift)
        tick = player.take(moment.line, replace(event, at=at, observation=moved))
    else:
        tick = player.take(moment.line, replace(event, at=at))
    return replace(tick, at=event.at, said=moment.said)
