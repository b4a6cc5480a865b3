"""Traffic of a configured service: each request fails or not, and is so slow, in its mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import groupby
from math import inf
from random import Random

from canaryctl.core.observation import Buckets
from canaryctl.simulate.draw import binomial
from canaryctl.simulate.service import LIMIT_RATIO, SIGMA, Service, Stream
from canaryctl.simulate.traffic import Side, Traffic
from canaryctl.simulate.world import Family


@dataclass(slots=True)
class Served(Side):
    """One version's increments, with those of each stream of latencies.

    Attributes:
        above: for each stream its observations, then those above each finite bucket bound.
    """

    above: list[list[int]] = field(default_factory=list)

    def add(self, other: Side) -> None:
        """Count another side's increments in."""
        Side.add(self, other)
        if isinstance(other, Served):
            if not self.above:
                self.above = [[0] * len(one) for one in other.above]
            for mine, theirs in zip(self.above, other.above, strict=True):
                for index, count in enumerate(theirs):
                    mine[index] += count

    def buckets(self, streams: Sequence[Stream]) -> list[Buckets]:
        """Give each stream's increments as a histogram has them; empty without any."""
        found: list[Buckets] = []
        for stream, (total, *above) in zip(streams, self.above, strict=True):
            counts = {
                bound: float(total - over) for bound, over in zip(stream.bounds, above, strict=True)
            }
            found.append(counts | {inf: float(total)} if total else {})
        return found


class ServedTraffic(Traffic):
    """Draws one rollout's traffic for a service."""

    def __init__(self, service: Service, family: Family, rps: float, rng: Random) -> None:
        self.streams = fitted_streams(service.streams, family)
        self._groups = [list(many) for _, many in groupby(self.streams, lambda one: one.source)]
        self._fractions = lru_cache(maxsize=4096)(self._reckoned)
        super().__init__(family, rps, rng)

    @cached_property
    def _places(self) -> list[tuple[int, int | None]]:
        """Where, among a stream's bounds, stable's own p95 and the limit lie."""
        found: list[tuple[int, int | None]] = []
        for one in self.streams:
            own = min(range(len(one.bounds)), key=lambda at: abs(one.bounds[at] - one.p95))
            reached = (at for at, bound in enumerate(one.bounds) if bound >= one.limit)
            found.append((own, next(reached, None)))
        return found

    def _nothing(self) -> Side:
        return Served(above=[[0] * (1 + len(one.bounds)) for one in self.streams])

    def _reckoned(self, index: int, factor: float, tail: float) -> tuple[float, ...]:
        """Give, for each bound, the part of those above the bound before that are above it too."""
        stream = self.streams[index]
        before, found = 1.0, []
        for bound in stream.bounds:
            chance = stream.slower(bound, factor, tail)
            found.append(chance / before if before else 0.0)
            before = chance
        return tuple(found)

    def _side(self, total: int, errors: float, latency: float, tail: float) -> Side:
        side = Served(total, binomial(self._rng, total, errors))
        for group in self._groups:
            left, share = total, 1.0
            for stream in group:
                part = min(stream.share / share, 1.0) if share > 0 else 0.0
                count = binomial(self._rng, left, part)
                left, share = left - count, share - stream.share
                side.above.append(self._drawn(len(side.above), count, latency, tail))
        # What the first histogram shows is what the comparison with other tools goes by.
        for counts, (own, over) in zip(side.above[: self._first], self._places, strict=False):
            side.slow += counts[own + 1]
            side.over += counts[over + 1] if over is not None else 0
        return side

    @property
    def _first(self) -> int:
        return len(self._groups[0]) if self._groups else 0

    def _drawn(self, index: int, count: int, latency: float, tail: float) -> list[int]:
        counts = [count]
        for part in self._fractions(index, round(latency, 3), tail):
            count = binomial(self._rng, count, part)
            counts.append(count)
        return counts


def fitted_streams(streams: Sequence[Stream], family: Family) -> tuple[Stream, ...]:
    """Give the streams as a kind of traffic has them: nearer to the limit, or spread wider."""
    return tuple(
        replace(
            one,
            p95=one.p95 if family.limit_ratio == LIMIT_RATIO else _near(one, family.limit_ratio),
            sigma=one.sigma * family.sigma / SIGMA,
        )
        for one in streams
    )


def _near(one: Stream, ratio: float) -> float:
    return one.p95 if one.limit == inf else one.p95 * LIMIT_RATIO / ratio
