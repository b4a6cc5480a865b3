"""Who is told what a deployment does: announced before it is done, confirmed after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from canaryctl.ports import Clock


class Teller(Protocol):
    """Told of everything. Never raises."""

    def begun(self, step: str, said: str) -> None:
        """A step begins."""
        ...

    def done(self, step: str, said: str, seconds: float) -> None:
        """A step has come to its good end."""
        ...

    def failed(self, step: str, said: str, seconds: float) -> None:
        """A step has not."""
        ...

    def note(self, step: str, said: str) -> None:
        """Something worth knowing."""
        ...


@dataclass(slots=True)
class Told:
    """What a step came to, filled in by it."""

    said: str = "done"


@dataclass(slots=True)
class Steps:
    """Steps, one after the other, each told with its time.

    Attributes:
        teller: who is told.
        clock: for the times.
        now: the step under way; empty: none.
    """

    teller: Teller
    clock: Clock
    now: str = field(default="", init=False)

    @contextlib.contextmanager
    def step(self, name: str, said: str) -> Iterator[Told]:
        """Do one."""
        self.now = name
        began = self.clock.now()
        told = Told()
        self.teller.begun(name, said)
        try:
            yield told
        except Exception as error:
            self.teller.failed(name, str(error), self.clock.now() - began)
            raise
        self.teller.done(name, told.said, self.clock.now() - began)
        self.now = ""
