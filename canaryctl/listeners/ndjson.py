"""One JSON object a line, for ``--output json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from canaryctl.core.commands import Command
from canaryctl.core.events import Event
from canaryctl.core.state import State
from canaryctl.listeners.jsonable import compact
from canaryctl.listeners.outlet import Outlet
from canaryctl.listeners.records import records
from canaryctl.listeners.story import Story
from canaryctl.listeners.words import Banner


@dataclass(slots=True)
class NdjsonListener:
    """Writes each event as a line of its own, ASCII only, flushed; the last one is the outcome.

    Attributes:
        banner: what is rolled out.
        stream: where to; nothing else may write there.
        part: of something longer, which has an outcome of its own.
        late: the outcome is written when this is closed: others still write before it.
    """

    banner: Banner
    stream: TextIO
    part: bool = False
    late: bool = False
    _story: Story = field(default_factory=Story, init=False)
    _last: str = field(default="", init=False)
    _out: Outlet = field(init=False)

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Write what happened, what is announced, and the outcome."""
        self._story.hear(event, state, command)
        story = self._story
        for record in records(event, state, command, self.banner, story.weight, story.before):
            if record["event"] != "outcome":
                self._out.write(compact(record))
            elif self.late:
                self._last = compact(record)
            elif not self.part:
                self._out.write(compact(record))

    def ticked(self, state: State, now: float) -> None:
        """Time alone is not an event."""

    def close(self) -> None:
        """Write what was kept for the end."""
        if self._last:
            self._out.write(self._last)
            self._last = ""
