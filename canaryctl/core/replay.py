"""A recording judged again, by the code that judges live: the same verdicts, or others.

``replayed`` walks through what happened, event by event, and says where this verdict is not
the one that was recorded. It stops there: what came later was under other weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from canaryctl.core.analysis import Analysis
from canaryctl.core.events import Controlled, Event, Judged, PreflightEnded, WeightProven
from canaryctl.core.recording import Recording, Said, Setup, UnreadableRecording
from canaryctl.core.replay_literal import Literal
from canaryctl.core.rollout import TABLE, advance
from canaryctl.core.state import Phase, State


@dataclass(frozen=True, slots=True)
class Tick:
    """One event, judged again.

    Attributes:
        line: where it stands in the recording.
        at: when it happened, epoch seconds, as recorded.
        event: with the verdict of now.
        before: what was known until then.
        state: what is known since.
        said: what was made of it then; None where that was not recorded.
    """

    line: int
    at: float
    event: Event
    before: State
    state: State
    said: Said | None = None

    @property
    def now(self) -> Said:
        """What is made of it now."""
        verdict = self.state.records[-1].verdict if isinstance(self.event, Judged) else None
        weighed = self.event.weighed if isinstance(self.event, Judged) else None
        ending, answer = self.state.ending, self.state.answer
        return Said(
            phase=self.state.phase,
            stage=self.state.index,
            ruling=verdict.ruling if verdict else None,
            reason=verdict.reason if verdict else "",
            move=weighed.step.move if weighed else None,
            cause=ending.cause if ending else None,
            why=ending.reason if ending else "",
            quality=weighed.found.quality if weighed else None,
            traffic=weighed.found.traffic if weighed else None,
            accepted=answer.accepted if answer and isinstance(self.event, Controlled) else None,
        )

    @property
    def differs(self) -> bool:
        """Whether something else follows from it than followed then."""
        if self.said is None:
            return False
        now, then = self.now, self.said
        moved = then.move is not None and now.move is not then.move
        led = (now.phase, now.stage, now.cause) != (then.phase, then.stage, then.cause)
        asked = then.accepted is not None and now.accepted is not then.accepted
        return moved or led or asked or now.ruling is not then.ruling

    @property
    def gap(self) -> float:
        """How far the evidence (log e-values) is from what was recorded; 0.0 is the very same."""
        if self.said is None:
            return 0.0
        now, then = self.now, self.said
        pairs = ((now.quality, then.quality), (now.traffic, then.traffic))
        known = (abs(a - b) for a, b in pairs if a is not None and b is not None)
        return max(known, default=0.0)

    @property
    def changed(self) -> bool:
        """Whether it is worth telling: a phase, a stage or a verdict is not what it was."""
        before, after = self.before, self.state
        if (before.phase, before.index) != (after.phase, after.index) or self.differs:
            return True
        if not isinstance(self.event, Judged):
            return True
        return _outlook(before) != _outlook(after)


def _outlook(state: State) -> tuple[object, ...]:
    if not state.records:
        return ()
    verdict, weighed = state.records[-1].verdict, state.records[-1].weighed
    deciding = verdict.deciding.name if verdict and verdict.deciding else ""
    ruling = verdict.ruling if verdict else None
    return ruling, deciding, weighed.step.move if weighed else None


class Player:
    """One rollout, told what happens instead of a runner's finding out."""

    def __init__(self, setup: Setup, recording: Recording, first: int = 0) -> None:
        """Begin.

        Args:
            setup: by what is judged.
            recording: where what happens comes from.
            first: the stage to begin with, from 0; another one for a rollout that was resumed.
        """
        self.state = State(setup.plan, first=first)
        self._analysis = Analysis(setup.gates, setup.plan, setup.judgement)
        self._literal = Literal(setup.gates, recording)

    def take(self, line: int, event: Event, said: Said | None = None) -> Tick:
        """Let an event happen.

        Raises:
            UnreadableRecording: it cannot happen now.
        """
        before, at = self.state, event.at
        if (before.phase, type(event)) not in TABLE:
            what = f"{type(event).__name__} cannot happen while {before.phase}"
            raise UnreadableRecording(f"line {line}: {what}; is something before it missing?")
        if isinstance(event, PreflightEnded) and event.history is not None:
            self._analysis.learn(event.history)
        if isinstance(event, Judged):
            event = self._judged(event, said)
        self.state, _ = advance(before, event)
        return Tick(line, at, event, before, self.state, said)

    def _judged(self, event: Judged, said: Said | None) -> Judged:
        read = self._literal.read(event)
        if event.observation is None or not self._analysis.any:
            return Judged(event.at, read)
        judged = self._analysis.judged(event.observation, read, self.state.index)
        assert judged.weighed is not None  # noqa: S101  there is evidence
        if said is not None and said.move is judged.weighed.step.move and event.findings:
            # The same move: what was said of each gate is what would be said of it now.
            return replace(judged, findings=event.findings)
        return judged


def replayed(recording: Recording, setup: Setup) -> Iterator[Tick]:
    """Judge what happened again; the last tick is the first that differs, or the end.

    Raises:
        UnreadableRecording: an event cannot happen when it is said to.
    """
    player = Player(setup, recording, _first(recording, setup))
    for moment in recording.moments:
        tick = player.take(moment.line, moment.event, moment.said)
        yield tick
        if tick.differs or tick.state.phase is Phase.ENDED:
            return


def _first(recording: Recording, setup: Setup) -> int:
    """Tell with which stage a rollout began: what it went on to once it had the gateway."""
    taken = (one for one in recording.moments if isinstance(one.event, WeightProven))
    one = next(taken, None)
    if one is None or one.said is None:
        return 0
    count = len(setup.plan.stages)
    if one.said.phase is Phase.WAITING and -1 <= one.said.stage < count - 1:
        return one.said.stage + 1  # it waits before its first one
    if one.said.phase is not Phase.SHIFTING:
        return 0
    if 0 <= one.said.stage < count:
        return one.said.stage
    raise UnreadableRecording(
        f"line {one.line}: stage {one.said.stage} is none of {count} (from 0)"
    )
