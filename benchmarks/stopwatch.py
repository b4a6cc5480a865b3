"""Where the time of a weight change goes: every call of the host, timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

from canaryctl.ports import Glance, Host, Located, Performed, Run, Step, Swap, Tail, Worker

T = TypeVar("T")


@dataclass(slots=True)
class Laps:
    """Seconds by name, since the last ``reset``.

    Attributes:
        by_name: what was done, and how long it took in all.
        performed_at: when the last swap and reload had been done (``perf_counter``).
    """

    by_name: dict[str, float] = field(default_factory=dict)
    performed_at: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.by_name.values())

    def timed(self, name: str, act: Callable[[], T]) -> T:
        """Do it, and add what it took to a name."""
        began = perf_counter()
        try:
            return act()
        finally:
            self.by_name[name] = self.by_name.get(name, 0.0) + perf_counter() - began

    def reset(self) -> None:
        """Begin anew."""
        self.by_name.clear()


@dataclass(frozen=True, slots=True)
class TimedHost:
    """A host, timed."""

    host: Host
    laps: Laps

    def read(self, path: str) -> str | None:
        """See ``ports.Host``."""
        return self.laps.timed("reading the live file", lambda: self.host.read(path))

    def glance(self, path: str) -> Glance:
        """See ``ports.Host``."""
        return self.laps.timed("reading the lease", lambda: self.host.glance(path))

    def tail(self, path: str, offset: int) -> Tail | None:
        """See ``ports.Host``."""
        return self.laps.timed("reading a log", lambda: self.host.tail(path, offset))

    def perform(self, steps: Sequence[Step]) -> Performed:
        """See ``ports.Host``."""
        done = self.laps.timed(_named(steps), lambda: self.host.perform(steps))
        if any(isinstance(step, Swap) for step in steps):
            self.laps.performed_at = perf_counter()
        return done

    def locate(self, address: str) -> Located:
        """See ``ports.Host``."""
        return self.laps.timed("looking names up", lambda: self.host.locate(address))

    def workers(self) -> tuple[Worker, ...]:
        """See ``ports.Host``."""
        return self.laps.timed("looking at the workers", self.host.workers)


def _named(steps: Sequence[Step]) -> str:
    if any(isinstance(step, Swap) for step in steps):
        return "stage, test, swap, reload (one exec)"
    if any(isinstance(step, Run) for step in steps):
        return "looking NGINX over (an exec)"
    return "cleaning up (an exec)"
