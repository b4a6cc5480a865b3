"""How other tools decide, re-implemented from their documents, on the same simulated counters.

All of them look at one-minute windows once a minute, and hold the canary against the same
limits as the gates here: errors 0.5 %, p95 within the latency limit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from math import erfc, sqrt

from canaryctl.core.sequential.course import Move
from canaryctl.simulate.traffic import Side, Tick

LIMIT = 0.005
SLOW = 0.05
MINUTE = 60.0


class _EveryMinute(ABC):
    """Sums ticks to minutes and calls ``minute`` at the end of each."""

    window = 1
    limit = LIMIT
    """Fraction of failed requests that is allowed."""

    def __init__(self) -> None:
        self._since = self._observe = 0.0
        self._recent: deque[tuple[Side, Side]] = deque(maxlen=self.window)
        self._open = (Side(), Side())

    def enter(self, since: float, stage: int, weights: Sequence[float], observe: float) -> None:
        """A stage's weight is proven."""
        self._since, self._observe = since, observe
        self._control = weights[stage] < 1

    def look(self, tick: Tick) -> tuple[Move, str]:
        """Decide after a tick; at the end of a minute the rule is asked."""
        for kept, seen in zip(self._open, (tick.canary, tick.stable), strict=True):
            if seen is not None:
                kept.add(seen)
        into = tick.at - self._since
        if into % MINUTE:
            return Move.WAIT, ""
        self._recent.append(self._open)
        self._open = (Side(), Side())
        move, reason = self.minute(due=into >= self._observe)
        if move is Move.WAIT and into >= self._observe:
            return Move.ADVANCE, ""
        return move, reason

    @abstractmethod
    def minute(self, *, due: bool) -> tuple[Move, str]:
        """Decide at the end of a minute."""

    def _windowed(self) -> Side:
        total = Side()
        for canary, _ in self._recent:
            total.add(canary)
        return total


def _broken(seen: Side, limit: float) -> str:
    """Name the first broken limit; ``no data`` without requests."""
    if seen.total == 0:
        return "no data"
    if seen.errors > limit * seen.total:
        return "errors"
    return "latency" if seen.over > SLOW * seen.total else ""


class Flagger(_EveryMinute):
    """Failures add up and never reset; at the threshold the tick after rolls back."""

    def __init__(self, threshold: int = 5) -> None:
        super().__init__()
        self._threshold, self._failures = threshold, 0

    def minute(self, *, due: bool) -> tuple[Move, str]:
        """Count one failure, or go on."""
        if self._failures >= self._threshold:
            return Move.BACK, "failed checks threshold reached"
        broken = _broken(self._windowed(), self.limit)
        self._failures += bool(broken)
        # A failed tick does not advance.
        return (Move.EXTEND if broken and due else Move.WAIT), broken


class Argo(_EveryMinute):
    """More failed measurements than the limit, or five errors in a row, abort."""

    def __init__(self, failure_limit: int = 3) -> None:
        super().__init__()
        self._limit, self._failures, self._errors = failure_limit, 0, 0

    def minute(self, *, due: bool) -> tuple[Move, str]:
        """Count failures; no data is an error."""
        del due
        broken = _broken(self._windowed(), self.limit)
        self._errors = self._errors + 1 if broken == "no data" else 0
        self._failures += broken not in {"", "no data"}
        if self._failures > self._limit or self._errors > 4:  # noqa: PLR2004  Argo's default
            return Move.BACK, broken
        return Move.WAIT, ""


class Documents(_EveryMinute):
    """The limits on a five-minute window, once, at each stage's end."""

    window = 5

    def minute(self, *, due: bool) -> tuple[Move, str]:
        """Decide at the stage's end only."""
        broken = _broken(self._windowed(), self.limit) if due else ""
        return (Move.BACK, broken) if broken not in {"", "no data"} else (Move.WAIT, "")


class Kayenta(_EveryMinute):
    """Mann-Whitney at 98 % on the stage's minute values, and a mean more than a quarter higher."""

    chance = 0.02
    least_ratio = 1.25
    each_minute = False

    def __init__(self) -> None:
        super().__init__()
        self._values: tuple[list[list[float]], list[list[float]]] = ([[], []], [[], []])

    def enter(self, since: float, stage: int, weights: Sequence[float], observe: float) -> None:
        """Begin with no values."""
        super().enter(since, stage, weights, observe)
        self._values = ([[], []], [[], []])

    def minute(self, *, due: bool) -> tuple[Move, str]:
        """Compare the minutes so far."""
        for side, values in zip(self._recent[-1], self._values, strict=True):
            if side.total:
                values[0].append(side.errors / side.total)
                values[1].append(side.slow / side.total)
        if not (due or self.each_minute) or not self._control:
            return Move.WAIT, ""
        for ours, theirs, name in zip(*self._values, ("errors", "latency"), strict=True):
            if higher(ours, theirs, self.chance, self.least_ratio):
                return Move.BACK, name
        return Move.WAIT, ""


class PipeCD(Kayenta):
    """Mann-Whitney at 95 % at each interval, no failure allowed."""

    chance = 0.05
    least_ratio = 1.0
    each_minute = True


def higher(ours: list[float], theirs: list[float], chance: float, ratio: float) -> bool:
    """Tell whether ``ours`` are significantly higher: Mann-Whitney U, normal with ties."""
    n, m = len(ours), len(theirs)
    if min(n, m) < 3:  # noqa: PLR2004  the normal approximation needs some values
        return False
    pooled = sorted([*ours, *theirs])
    ranks: dict[float, float] = {}
    edges = [0, *(i for i, (a, b) in enumerate(pairwise(pooled), 1) if a != b), n + m]
    ties = 0.0
    for start, end in pairwise(edges):
        ranks[pooled[start]] = (start + end + 1) / 2
        ties += (end - start) ** 3 - (end - start)
    u = sum(ranks[value] for value in ours) - n * (n + 1) / 2
    whole = n + m
    variance = n * m / 12 * (whole + 1 - ties / (whole * (whole - 1)))
    if variance <= 0:
        return False
    z = (u - n * m / 2 - 0.5) / sqrt(variance)
    return erfc(z / sqrt(2)) <= chance and sum(ours) / n > ratio * sum(theirs) / m
