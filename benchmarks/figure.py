"""What a benchmark gives: figures, each a ratio of two things measured in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any


class NotRunnable(Exception):
    """This machine lacks something that the benchmark needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured.

    Attributes:
        runs: repeats; None: as many as the benchmark thinks right.
        quick: as little as shows that it works; not figures to quote.
        verbose: also say where the time goes, module by module or step by step.
    """

    runs: int | None = None
    quick: bool = False
    verbose: bool = False

    def repeats(self, usual: int, few: int) -> int:
        """Give the number of repeats."""
        return self.runs or (few if self.quick else usual)


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio, measured several times.

    Attributes:
        benchmark: the benchmark's name.
        name: what was compared with what.
        values: one ratio a run, in the order of the runs.
        at_most: what the median should not exceed; None: nothing was promised.
        note: what it was measured on, and absolute times of this run for orientation.
    """

    benchmark: str
    name: str
    values: tuple[float, ...]
    at_most: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the promise; None when there is none."""
        return None if self.at_most is None else self.median <= self.at_most

    def record(self) -> dict[str, Any]:
        """Give it for JSON."""
        return {
            "benchmark": self.benchmark,
            "name": self.name,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "runs": len(self.values),
            "values": list(self.values),
            "at_most": self.at_most,
            "met": self.met,
            "note": self.note,
        }


Benchmark = Callable[[Settings], Iterable[Figure]]


def took(act: Callable[[], object]) -> float:
    """Give the seconds an act takes."""
    began = perf_counter()
    act()
    return perf_counter() - began


def interleaved(acts: Sequence[Callable[[], float]], rounds: int) -> list[tuple[float, ...]]:
    """Do the acts in turn, A B A B, so that the machine's moods hit all of them alike.

    The first round warms caches up and is not counted. Returns one tuple of times a round.
    """
    for act in acts:
        act()
    return [tuple(act() for act in acts) for _ in range(rounds)]


def ms(times: Sequence[float]) -> str:
    """Write the median of some seconds, for orientation only."""
    return f"{median(times) * 1000:.0f} ms"
