"""A world in memory: a clock that advances itself, a router, metrics made by a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from canaryctl.core.drained import Drained
from canaryctl.core.errors import GatewayUnreachable, MetricsUnavailable, Superseded
from canaryctl.core.selector import Selector, parse_selector
from canaryctl.core.series import (
    QueryWanted,
    Readings,
    Sample,
    Series,
    SeriesWanted,
    Version,
    Wanted,
)
from canaryctl.core.weight import Weight
from canaryctl.ports import InForce, Mark, Proof


@dataclass
class FakeClock:
    """Sleeping is what makes time pass."""

    at: float = 1_000_000.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += max(0.0, seconds)


@dataclass
class FakeRouter:
    """Keeps weights in memory.

    Attributes:
        fail: called before each change; what it raises is the change's end.
        drifted: tells what is not as it was set; empty: nothing.
        streams: seconds that the longest stream lives on after going back.
    """

    clock: FakeClock
    fail: Callable[[Weight], None] = lambda _: None
    weights: list[Weight] = field(default_factory=list)
    there: str = "0-start"
    mark: Mark = field(default_factory=Mark)
    silent_until: float = 0.0
    drifted: Callable[[], str] = lambda: ""
    streams: float = 1.5

    def check(self, weights: Sequence[Weight]) -> tuple[str, ...]:
        return (f"{len(weights)} weights",)

    def set(self, weight: Weight, mark: Mark, expect: str | None) -> Proof:
        if expect is not None and expect != self.there:
            raise Superseded(f"generation {self.there} is there, not {expect}")
        self.fail(weight)
        self.clock.sleep(0.2)
        self.weights.append(weight)
        self.mark = mark
        self.there = f"{len(self.weights)}-fake"
        return Proof(self.there, weight, 0.2, 8)

    def generation(self) -> str:
        if self.clock.now() < self.silent_until:
            raise GatewayUnreachable("the fake does not answer")
        return self.there

    def drift(self) -> str:
        return self.drifted()

    def drained(self, within: float, alive: Callable[[], object] = lambda: None) -> Drained:
        took = min(self.streams, within)
        for _ in range(round(took / 0.5)):
            self.clock.sleep(0.5)
            alive()
        return Drained(workers=2, connections=8, requests=0.5, took=1.5)

    def look(self) -> InForce:
        weight = self.weights[-1] if self.weights else Weight.ZERO
        return InForce(self.there, weight, self.mark, self.there)


@dataclass
class FakeMetrics:
    """A service whose counters are functions of time, sampled every ``every`` seconds.

    Attributes:
        value: gives a series' value at a time, None while it does not exist.
        silent: tells whether the source answers at a time.
    """

    clock: FakeClock
    series: dict[tuple[Version, str], Callable[[float], float | None]]
    every: float = 1.0
    silent: Callable[[float], bool] = lambda _: False
    queries: Callable[[str, float], tuple[float, ...]] = lambda _query, _at: ()

    def read(self, wanted: Sequence[Wanted], since: float) -> Readings:
        now = self.clock.now()
        if self.silent(now):
            raise MetricsUnavailable("the fake source is silent")
        found = {w: self._series(w, since, now) for w in wanted if isinstance(w, SeriesWanted)}
        values = {w: self.queries(w.query, now) for w in wanted if isinstance(w, QueryWanted)}
        return Readings(now, found, values)

    def _series(self, want: SeriesWanted, since: float, now: float) -> tuple[Series, ...]:
        found = []
        for (version, text), value in self.series.items():
            one = parse_selector(text)
            labels = {m.label: m.value for m in one.matchers} | {"instance": version.value}
            if version is want.version and want.selector.matches(one.metric, labels):
                found.append(Series(labels, self._samples(value, since, now)))
        return tuple(one for one in found if one.samples)

    def _samples(
        self, value: Callable[[float], float | None], since: float, now: float
    ) -> tuple[Sample, ...]:
        ticks = int((now - since + 60) / self.every) + 1
        times = [now - self.every * step for step in range(ticks, -1, -1)]
        seen = [(at, value(at)) for at in times]
        return tuple(Sample(at, one) for at, one in seen if one is not None)


def constant(value: float) -> Callable[[float], float | None]:
    """A value that stays."""
    return lambda _: value


def rising(rate: float, origin: float = 1_000_000.0) -> Callable[[float], float | None]:
    """A counter that rises by ``rate`` a second, in whole numbers."""
    return lambda at: float(int(1000 + rate * (at - origin)))


def selector(text: str) -> Selector:
    return parse_selector(text)
