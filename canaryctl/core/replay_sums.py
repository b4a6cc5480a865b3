"""A stage's observations added up, and shown as a metrics source would show them.

So that a gate whose limit was changed is read by the very code that reads it live.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import TypeVar

from canaryctl.core.accounts import source_of
from canaryctl.core.gate import Gate, LatencyGate, RatioGate
from canaryctl.core.look import Frame, Look
from canaryctl.core.observation import Both, Buckets, Observation
from canaryctl.core.selector import Selector
from canaryctl.core.series import Readings, Sample, Series, SeriesWanted, Version
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight

T = TypeVar("T")

Sides = tuple[Version, str]
"""Whose counts of which source."""


class Sums:
    """What each source counted since the present weight was proven."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._trials: dict[Sides, tuple[float, float]] = {}
        self._buckets: dict[Sides, dict[str, dict[float, float]]] = {}
        self._newest: dict[Sides, float] = {}

    def take(self, seen: Observation) -> None:
        """Add an observation; a new weight begins at zero."""
        if seen.since != self._since:
            self._since = seen.since
            self._trials, self._buckets, self._newest = {}, {}, {}
        for source, both in seen.ratios.items():
            for version, one in _sides(both):
                if one is not None:
                    total, bad = self._trials.get((version, source), (0.0, 0.0))
                    self._trials[version, source] = total + one.total, bad + one.bad
                    self._newest[version, source] = seen.at
        for source, parts in seen.histograms.items():
            for part, sides in parts.items():
                for version, buckets in _sides(sides):
                    if buckets is not None:
                        self._add((version, source), part, buckets, seen.at)

    def _add(self, key: Sides, part: str, buckets: Buckets, at: float) -> None:
        held = self._buckets.setdefault(key, {}).setdefault(part, {})
        for bound, count in buckets.items():
            held[bound] = held.get(bound, 0.0) + count
        self._newest[key] = at

    def age(self, gate: RatioGate | LatencyGate, at: float) -> float | None:
        """Give the seconds since the canary's newest sample; None without any."""
        newest = self._newest.get((Version.CANARY, source_of(gate)))
        return None if newest is None else at - newest

    def look(self, gates: Iterable[Gate], seen: Observation) -> Look:
        """Show the sums as series, for gates on counters."""
        series: dict[SeriesWanted, tuple[Series, ...]] = {}
        for gate in gates:
            for version in Version:
                if isinstance(gate, RatioGate):
                    series |= self._ratio(gate, version, seen)
                elif isinstance(gate, LatencyGate):
                    wanted = SeriesWanted(version, gate.metric.suffixed("_bucket"))
                    series[wanted] = self._latency(gate, version, seen)
        weight = Weight(round(seen.weight * FULL_HUNDREDTHS))
        frame = Frame(seen.since, seen.since, seen.stale / 3, {}, "", weight)
        return Look(frame, Readings(seen.at, series), seen.at)

    def _ratio(
        self, gate: RatioGate, version: Version, seen: Observation
    ) -> Mapping[SeriesWanted, tuple[Series, ...]]:
        key = version, source_of(gate)
        if key not in self._trials:
            return {}
        total, bad = self._trials[key]
        counts: tuple[tuple[Selector, float], ...] = ((gate.total, total), (gate.bad, bad))
        return {
            SeriesWanted(version, selector): (self._series({}, seen.since, key, count),)
            for selector, count in counts
        }

    def _latency(
        self, gate: LatencyGate, version: Version, seen: Observation
    ) -> tuple[Series, ...]:
        key = version, source_of(gate)
        found = []
        for part, buckets in self._buckets.get(key, {}).items():
            own = {gate.by: part} if gate.by else {}
            for bound, count in buckets.items():
                labels = {**own, "le": "+Inf" if bound == inf else repr(bound)}
                found.append(self._series(labels, seen.since, key, count))
        return tuple(found)

    def _series(self, labels: Mapping[str, str], since: float, key: Sides, count: float) -> Series:
        """Give a counter that was 0 when the weight was proven."""
        samples = Sample(since, 0.0), Sample(self._newest[key], count)
        return Series({**labels, "instance": key[0].value}, samples)


def _sides(both: Both[T]) -> tuple[tuple[Version, T | None], ...]:
    return (Version.CANARY, both.canary), (Version.STABLE, both.stable)
