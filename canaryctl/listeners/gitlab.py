"""A rollout as a job of GitLab CI shows it: a section of the log for each stage, to be folded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from canaryctl.core.commands import Command, SetWeight
from canaryctl.core.events import Event
from canaryctl.core.state import Phase, State
from canaryctl.listeners.outlet import Outlet
from canaryctl.listeners.words import stage_title

_CLEAR = "\x1b[0K"


@dataclass(slots=True)
class GitlabListener:
    """Stands behind the listener that writes the log's lines.

    Attributes:
        stream: the log.
    """

    stream: TextIO
    _out: Outlet = field(init=False)
    _open: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """End a section with its stage, and begin the next one."""
        begins = isinstance(command, SetWeight) and state.phase is Phase.SHIFTING
        over = state.phase in (Phase.RETURNING, Phase.ENDED)
        if self._open and (begins or over):
            self._out.write(f"{_CLEAR}section_end:{int(event.at)}:{self._open}\r{_CLEAR}")
            self._open = ""
        if begins:
            self._open = f"canaryctl_stage_{state.index + 1}"
            head = f"section_start:{int(event.at)}:{self._open}\r{_CLEAR}{stage_title(state)}"
            self._out.write(f"{_CLEAR}{head}")

    def ticked(self, state: State, now: float) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing is held open."""
