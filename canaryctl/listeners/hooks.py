"""Which hooks run beside a rollout, and when: it is told what happens, and hands them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from canaryctl.core.commands import Command, SetWeight
from canaryctl.core.events import Event, Started
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import HookFacts, HookMoment
from canaryctl.core.outcome import Outcome
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.story import Story

Fire = Callable[[HookMoment, HookFacts], None]


@dataclass(slots=True)
class HookListener:
    """Hands each moment on. What it is given returns at once.

    Attributes:
        about: whose rollout it is.
        fire: has the hooks of a moment run, beside the rollout.
        finish: waits for what is left of them, at the end.
    """

    about: HookAbout
    fire: Fire
    finish: Callable[[], None]
    _story: Story = field(default_factory=Story, init=False)
    _begun: int = field(default=-1, init=False)
    _passed: int = field(default=-1, init=False)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Hand on what this event is a moment of."""
        self._story.hear(event, state, command)
        for facts in self._moments(event, state, command):
            self.fire(facts.moment, facts)

    def ticked(self, state: State, now: float) -> None:
        """Time alone is no moment."""

    def close(self) -> None:
        """Wait for what is left."""
        self.finish()

    def _moments(self, event: Event, state: State, command: Command | None) -> Iterator[HookFacts]:
        about = self.about
        if isinstance(event, Started):
            yield about.plain(HookMoment.BEFORE_ROLLOUT)
        if (index := _left_well(state)) > self._passed:
            self._passed = index
            yield about.of_stage(HookMoment.AFTER_STAGE, state, index)
        shifts = state.phase is Phase.SHIFTING and isinstance(command, SetWeight)
        if shifts and state.index > self._begun:  # one that begins anew had its hooks
            self._begun = state.index
            yield about.of_stage(HookMoment.BEFORE_STAGE, state, state.index)
        if state.phase is Phase.ENDED:
            weight = self._story.weight
            if _rolled_back(state, weight):
                yield about.of_end(HookMoment.AFTER_ROLLBACK, state, weight)
            yield about.of_end(HookMoment.AFTER_ROLLOUT, state, weight)


def _left_well(state: State) -> int:
    """Give the newest stage that passed all its gates, from 0; -1: none, or it is open."""
    asked = state.asking is not None and state.asking.after
    if not state.records or asked or state.phase is Phase.RETURNING:
        return -1
    record = state.records[-1]
    return len(state.records) - 1 if record.passed and not record.skipped else -1


def _rolled_back(state: State, weight: Weight | None) -> bool:
    """Tell whether traffic was taken away from the canary again, which is known."""
    back = state.ending is not None and state.ending.outcome in (
        Outcome.ROLLED_BACK,
        Outcome.ABORTED,
    )
    return back and state.index >= 0 and weight == Weight.ZERO
