"""What a listener has to remember of the events so far: no more than this."""

from __future__ import annotations

from dataclasses import dataclass, field

from canaryctl.core.commands import Command, SetWeight
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Crashed,
    DrainEnded,
    Drifted,
    Event,
    Hooked,
    Judged,
    Overtaken,
    Started,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.asked import asked_line, begun_lines, done
from canaryctl.listeners.hooked import hooked_lines
from canaryctl.listeners.incidents import incident_line
from canaryctl.listeners.tree import Before
from canaryctl.listeners.words import proof


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done to the traffic, or to the rollout, and when (epoch seconds)."""

    at: float
    text: str


@dataclass(slots=True)
class Story:
    """A fold over the events of one rollout.

    Attributes:
        began, now: the first and the newest event, epoch seconds.
        before: the state that the newest event found.
        values: what the evaluation before the newest one of this stage found.
        deeds: what was done to the traffic, and what people did to the rollout.
        weight: what NGINX is known to have in force: proven, or read from it; None: unknown.
        proof: by what ``weight`` is proven; empty when it was only read from NGINX.
    """

    began: float = 0.0
    now: float = 0.0
    before: State | None = None
    values: Before = field(default_factory=Before)
    deeds: list[Deed] = field(default_factory=list)
    weight: Weight | None = None
    proof: str = ""
    _newest: Before = field(default_factory=Before)
    _state: State | None = None
    _doing: Command | None = None

    def hear(self, event: Event, state: State, command: Command | None) -> None:
        """Take an event in."""
        self.before, self._state = self._state, state
        self.now = event.at
        match event:
            case Started():
                self.began = event.at
            case WeightProven():
                self.weight, self.proof = event.weight, proof(event.generation, event.took)
                self.values = self._newest = Before()
                self._did(event.at, event.weight, f", proven {self.proof}")
            case WeightRefused():
                self._did(event.at, event.weight, " refused; what was in force before is proven")
            case TrafficUnproven():
                self._unknown()
                self._did(event.at, event.weight, " could not be proven")
            case Crashed() if isinstance(self._doing, SetWeight):
                self._unknown()
                self._did(event.at, self._doing.weight, " ended in an error, not proven")
            case Overtaken():
                self.weight, self.proof = event.weight, ""
                self.deeds.append(Deed(event.at, f"overtaken: {event.by}"))
            case Judged():
                self.values, self._newest = self._newest, Before.of(event.findings)
            case _:
                self._note(event, state)
        if state.asking is None:  # how they ended is told
            self.deeds += [Deed(event.at, one.text) for one in begun_lines(state, self.before)]
        self._doing = command

    def _note(self, event: Event, state: State) -> None:
        """Keep what people did, and what became of the weights without them."""
        match event:
            case Controlled() if done(state):
                self.deeds.append(Deed(event.at, asked_line(event, state).text))
            case Hooked():
                self.deeds += [Deed(event.at, one.text) for one in hooked_lines(event, state)]
            case Drifted() | BreakerMoved() | DrainEnded():
                self.deeds.append(Deed(event.at, incident_line(event, state).text))

    def _for(self) -> str:
        """Name what a weight was set for: the beginning, a stage, going back."""
        if self.before is None or self.before.phase is Phase.TAKING:
            return "start"
        if self.before.phase is Phase.RETURNING:
            return "rollback"
        stage = f"stage {self.before.index + 1}/{len(self.before.plan.stages)}"
        more = {Phase.REASSERTING: ", set again", Phase.SWITCHING: ", circuit breaker"}
        return f"{stage}{more.get(self.before.phase, '')}"

    def _unknown(self) -> None:
        self.weight, self.proof = None, ""

    def _did(self, at: float, weight: Weight, how: str) -> None:
        self.deeds.append(Deed(at, f"{self._for()}: canary {weight} %{how}"))
