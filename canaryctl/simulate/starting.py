"""The betting rule that this package's own started from, with its weaknesses, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log

from canaryctl.core.sequential.course import Move
from canaryctl.simulate.traffic import Side, Tick

MOST = 20.0
P0, SLOW, FLOOR = 0.005, 0.05, 0.001


class _Process:
    """A reserve and alternatives, each multiplied by clipped factors."""

    def __init__(self, many: int) -> None:
        self._reserve, self._parts = 1.0, [0.0] * many

    def take(self, share: float, factors: list[float]) -> float:
        moved = self._reserve * share / len(self._parts)
        self._reserve -= self._reserve * share
        self._parts = [
            min((part + moved) * min(factor, MOST), 1e200)
            for part, factor in zip(self._parts, factors, strict=True)
        ]
        return self._reserve + sum(self._parts)


def _absolute(n: float, x: float, p0: float) -> list[float]:
    factors = []
    for k in (1.7, 4, 12, 40, 150):
        q = min(p0 * k, 0.7)
        bet = min((q - p0) / (p0 * (1 - p0)) * n * p0, 0.85)
        factors.append(1 + bet * (x / (n * p0) - 1) if n else 1.0)
    return factors


def _relative(n: float, x: float, m: float, y: float, rho: float) -> list[float]:
    if n <= 0 or m <= 0 or x + y <= 0:
        return [1.0] * 5
    chance = rho * n / (rho * n + m)
    factors = []
    for k in (1.6, 3, 8, 30, 100):
        sought = rho * k * n / (rho * k * n + m)
        bet = min((sought - chance) / (1 - chance) * (x + y), 0.85)
        factors.append(1 + bet * (x / ((x + y) * chance) - 1))
    return factors


class Starting:
    """Threshold 1/1 % on a weighted sum; the share of traffic is read from the samples."""

    def __init__(self) -> None:
        names = ("abs", "rel", "floor", "labs", "lrel", "stable")
        self._processes = {name: _Process(5) for name in names}
        self._values = dict.fromkeys(names, 1.0)
        self._share, self._shared = _Process(2), 1.0
        self._smoothed = 0.0
        self._since = self._observe = self._next = 0.0
        self._stage, self._fresh = -1, True
        self._hold: float | None = None
        self._held = 0.0

    def enter(self, since: float, stage: int, weights: Sequence[float], observe: float) -> None:
        """A stage's weight is proven."""
        del weights
        self._since, self._observe, self._stage, self._fresh = since, observe, stage, True

    def look(self, tick: Tick) -> tuple[Move, str]:
        """Take a tick; what is missing reads as zero."""
        share = self._due(tick.at)
        canary, stable = tick.canary or Side(), tick.stable or Side()

        def take(name: str, make: Callable[[], list[float]]) -> None:
            self._values[name] = self._processes[name].take(share, make())

        n, m = canary.total, stable.total
        take("abs", lambda: _absolute(n, canary.errors, P0))
        take("rel", lambda: _relative(n, canary.errors, m, stable.errors, 1.5))
        take("floor", lambda: _absolute(n, canary.errors, FLOOR))
        warm = tick.into > 60  # noqa: PLR2004  its warm-up
        take("labs", lambda: _absolute(n, canary.over, SLOW) if warm else [1.0] * 5)
        take(
            "lrel",
            lambda: _relative(n, canary.slow, m, stable.slow, 1.25) if warm else [1.0] * 5,
        )
        take("stable", lambda: _absolute(m, stable.errors, P0))
        self._traffic(tick, share, n, m)
        held = self._held_now(tick.at, stable)
        v = self._values
        errors = min(v["abs"], v["rel"]) if held else v["abs"]
        total = (
            0.2 * errors
            + 0.3 * min(v["rel"], v["floor"])
            + 0.2 * v["labs"]
            + 0.2 * v["lrel"]
            + 0.1 * self._shared
        )
        if total >= 100:  # noqa: PLR2004  1/1 %
            return Move.BACK, "evidence"
        if held:
            return Move.HOLD, ""
        return (Move.ADVANCE if tick.into >= self._observe else Move.WAIT), ""

    def _due(self, at: float) -> float:
        if self._fresh:
            self._fresh, self._next = False, at + 30
            return 0.65 if self._stage == 0 else 0.25
        if at >= self._next:
            self._next = at + 30
            return 0.012
        return 0.0

    def _traffic(self, tick: Tick, share: float, n: float, m: float) -> None:
        total = float(n + m)
        self._smoothed = total if not self._smoothed else 0.95 * self._smoothed + 0.05 * total
        weight = tick.weight
        mean = 0.5 * (self._smoothed if weight >= 1 else m * weight / (1 - weight))
        self._shared = self._share.take(
            share, [exp(min((1 - d) * mean + n * log(d), 50.0)) for d in (0.05, 0.3)]
        )

    def _held_now(self, at: float, stable: Side) -> bool:
        if self._hold is None and self._values["stable"] >= MOST:
            self._hold = at
        elif (
            self._hold is not None
            and at - self._hold > 120  # noqa: PLR2004  two minutes
            and stable.errors <= P0 * stable.total
        ):
            self._hold = None
            self._processes["stable"], self._values["stable"] = _Process(5), 1.0
        return self._hold is not None
