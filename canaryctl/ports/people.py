"""Who is asked, and who listens."""

from __future__ import annotations

from typing import Protocol

from canaryctl.core.commands import Command
from canaryctl.core.control import Answer, Desk
from canaryctl.core.events import Event
from canaryctl.core.hooks import HookResult
from canaryctl.core.state import State


class Asking(Protocol):
    """Who runs the hooks that are gates, beside the rollout. No method waits for one, or raises."""

    def look(self, state: State) -> tuple[HookResult, ...] | None:
        """Have the hooks run that the state waits for, and end those of any other state.

        Gives the results once all have passed, or one has not; None: nothing is new.
        """
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


class Controls(Protocol):
    """Where people ask things of a running rollout."""

    def read(self) -> Desk:
        """See what was asked and answered.

        Raises:
            HostError: the host cannot be reached.
        """
        ...

    def answer(self, answer: Answer) -> None:
        """Answer a request.

        Raises:
            HostError: the host cannot be reached, or refuses.
        """
        ...


class Listener(Protocol):
    """Told of everything. What it raises is noted and changes nothing."""

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """An event happened, gave this state, and this command is about to be carried out."""
        ...

    def ticked(self, state: State, now: float) -> None:
        """Time passes while a stage is observed; about four times a second."""
        ...
