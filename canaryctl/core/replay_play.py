"""What would have happened: recorded traffic, stage by stage, under verdicts of now.

The traffic at each weight is what the recording has of it. A stage that ends earlier than it was
recorded leaves the rest of its lines out, and time goes on with the next stage's; one that would
have lasted longer has no more to be judged by, and the play stops there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from canaryctl.core.events import (
    Crashed,
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
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight

Observed = Judged | MetricsSilent | GatewaySilent
_CUT_SHORT = (Crashed, Interrupted, Overtaken, TrafficUnproven, WeightRefused)


@dataclass(slots=True)
class Leg:
    """What was seen at one weight.

    Attributes:
        since: when it was proven, epoch seconds.
        line: where it begins.
        moments: evaluations, and times at which a source was silent.
    """

    weight: Weight
    since: float
    line: int
    moments: list[Moment] = field(default_factory=list)


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
    for moment in moments:
        event = moment.event
        if isinstance(event, _CUT_SHORT):
            break
        if isinstance(event, WeightProven):
            if event.weight > Weight.ZERO:
                _begin(found, event.weight, event.at, moment.line)
            elif found:
                break  # it went back
        elif isinstance(event, Observed):
            seen = event.observation if isinstance(event, Judged) else None
            if seen is not None:
                weight = Weight(round(seen.weight * FULL_HUNDREDTHS))
                if not found or found[-1].weight != weight:
                    _begin(found, weight, seen.since, moment.line)
            if not found:
                said = f"line {moment.line}: no weight was proven before it, and it names none"
                raise UnreadableRecording(said)
            found[-1].moments.append(moment)
    return found


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
    player = Player(setup, recording)
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
    """Let one evaluation happen, earlier by what was left out before it."""
    event = moment.event
    assert isinstance(event, Observed)  # noqa: S101  a leg has nothing else
    at = event.at - shift
    if isinstance(event, Judged) and event.observation is not None:
        seen = event.observation
        moved = replace(seen, at=at, since=seen.since - shift)
        tick = player.take(moment.line, replace(event, at=at, observation=moved))
    else:
        tick = player.take(moment.line, replace(event, at=at))
    return replace(tick, at=event.at, said=moment.said)
