"""Plain lines, for a CI log or a file: no colours, nothing that moves.

Every entry begins with its time on this machine's clock face, ``HH:MM:SS``; what belongs to it
is indented below. The gate tree is written at a stage's first evaluation, whenever a gate's
status changes, and at the stage's end; in between a short line now and then shows life.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TextIO

from canaryctl.core.commands import Command
from canaryctl.core.events import Event, GatewaySilent, Judged, MetricsSilent, Started, Waited
from canaryctl.core.state import Phase, State
from canaryctl.listeners.asked import begun, waited_for
from canaryctl.listeners.line import Line
from canaryctl.listeners.outlet import Outlet
from canaryctl.listeners.progress import parts, progress
from canaryctl.listeners.silences import goes_on
from canaryctl.listeners.story import Story
from canaryctl.listeners.summary import closing
from canaryctl.listeners.tree import tree
from canaryctl.listeners.verdicts import tally
from canaryctl.listeners.when import day, hms
from canaryctl.listeners.words import Banner, announced, banner_lines, sentences, told

QUIET = 30.0
"""Seconds of rollout time after which a line shows that it still runs."""
_INDENT = " " * len("HH:MM:SS  ")


@dataclass(slots=True)
class PlainListener:
    """Writes a rollout as lines.

    Attributes:
        banner: what is rolled out.
        stream: where to; stderr as well as stdout.
        zone: of the times; None is this machine's.
        part: of something longer, which has its own beginning and end.
    """

    banner: Banner
    stream: TextIO
    zone: tzinfo | None = None
    part: bool = False
    _story: Story = field(default_factory=Story, init=False)
    _out: Outlet = field(init=False)
    _seen: object = field(default=None, init=False)
    _spoke: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Write what happened and what is done next."""
        self._story.hear(event, state, command)
        match event:
            case Started():
                if not self.part:
                    self._banner(event, state)
                self._say(event.at, announced(command, state, event))
            case Judged():
                self._judged(event, state)
                self._say(event.at, announced(command, state, event))
            case MetricsSilent() | GatewaySilent() if goes_on(event, state):
                self.ticked(state, event.at)
            case Waited() if not begun(state, self._story.before) and command is not None:
                self.ticked(state, event.at)
                self._say(event.at, announced(command, state, event))
            case _:
                self._seen = None
                self._say(event.at, sentences(event, state, command, self._story.before))
        if state.phase is Phase.ENDED and not self.part:
            self._block(closing(state, self._story, self.banner, zone=self.zone))

    def ticked(self, state: State, now: float) -> None:
        """Show life when nothing was written for a while."""
        if now - self._spoke < QUIET:
            return
        if state.phase is Phase.WAITING:
            self._entry(now, f"before the first stage: {waited_for(state, now)}")
        if state.phase is not Phase.OBSERVING:
            return
        said = " · ".join(parts(progress(state, now))[:2])
        found = state.records[-1].findings
        counted = f", {tally(found)}" if found else ""
        number = f"{state.index + 1}/{len(state.plan.stages)}"
        self._entry(now, f"stage {number}, canary {state.stage.weight} %: {said}{counted}")

    def close(self) -> None:
        """Nothing is held open."""

    def _banner(self, event: Started, state: State) -> None:
        first, *rest = banner_lines(self.banner, state.plan)
        self._entry(event.at, f"{first.text} ({day(event.at, self.zone)})")
        self._below(rest)

    def _judged(self, event: Judged, state: State) -> None:
        record = state.records[-1]
        streaks = record.verdict.streaks if record.verdict else {}
        seen = (
            len(state.records),
            [(finding.name, finding.status) for finding in event.findings],
            # A failure that has to repeat is news each time, one that went on for long is not.
            [min(streaks.get(f.name, 0), f.consecutive) for f in event.findings],
        )
        over = state.phase is not Phase.OBSERVING or begun(state, self._story.before)
        if seen == self._seen and not over:
            self.ticked(state, event.at)
            return
        self._seen = seen
        evaluated = f"Evaluation {record.evaluations} of stage {len(state.records)}"
        self._entry(event.at, f"{evaluated}, canary {record.stage.weight} %")
        self._below(tree(event.findings, record.verdict, self._story.values))
        self._say(event.at, told(event, state, self._story.before))

    def _say(self, at: float, lines: Iterable[Line]) -> None:
        for one in lines:
            self._entry(at, one.text)

    def _entry(self, at: float, text: str) -> None:
        self._spoke = at
        self._out.write(f"{hms(at, self.zone)}  {text}")

    def _below(self, lines: Iterable[Line]) -> None:
        for one in lines:
            self._out.write(f"{_INDENT}{one.text}".rstrip())

    def _block(self, lines: Iterable[Line]) -> None:
        for one in lines:
            self._out.write(one.text.rstrip())
