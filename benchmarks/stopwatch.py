"""Where the time of a weight change goes: every call of the host and of the proof, timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from canaryctl.drivers.nginx_control import Answer, Control
from canaryctl.ports import Host, Located, Performed, Step


@dataclass(slots=True)
class Laps:
    """Seconds by name, since the last ``reset``."""

    by_name: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """Add to a name."""
        self.by_name[name] = self.by_name.get(name, 0.0) + seconds

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.by_name.values())

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
        began = perf_counter()
        try:
            return self.host.read(path)
        finally:
            self.laps.add("read the live file", perf_counter() - began)

    def perform(self, steps: Sequence[Step]) -> Performed:
        """See ``ports.Host``."""
        began = perf_counter()
        try:
            return self.host.perform(steps)
        finally:
            self.laps.add("stage, test, swap, reload", perf_counter() - began)

    def locate(self, address: str) -> Located:
        """See ``ports.Host``."""
        began = perf_counter()
        try:
            return self.host.locate(address)
        finally:
            self.laps.add("look names up", perf_counter() - began)


@dataclass(frozen=True)
class TimedControl(Control):
    """A control listener, timed: until the new generation first answers, and from then on."""

    laps: Laps = field(default_factory=Laps)
    first: dict[str, float] = field(default_factory=dict)

    def prove(self, generation: str, within: float) -> int:
        """See ``Control.prove``."""
        began = perf_counter()
        try:
            return super().prove(generation, within)
        finally:
            ended = perf_counter()
            answered = self.first.get(generation, ended)
            self.laps.add("proof: until the first new answer", answered - began)
            self.laps.add("proof: until no old worker is left", ended - answered)

    def ask(self) -> Answer:
        """See ``Control.ask``."""
        answer = super().ask()
        self.first.setdefault(answer.generation, perf_counter())
        return answer
