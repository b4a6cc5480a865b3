"""What one version showed in the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from canaryctl.core import histogram
from canaryctl.core.comparison.process import cores, memory
from canaryctl.core.comparison.sight import sight
from canaryctl.core.comparison.source import Source
from canaryctl.core.counting import total
from canaryctl.core.look import Look
from canaryctl.core.selector import Selector
from canaryctl.core.series import Series, SeriesWanted, Version

LEAST = 10
"""Fewer requests than this are not a verdict (mission, part C)."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A histogram's increments.

    Attributes:
        buckets: observations at most as high, by bound in seconds.
        total: the sum of all of them, seconds; None where it is not exposed.
    """

    buckets: Mapping[float, float] = field(default_factory=dict)
    total: float | None = None

    @property
    def observations(self) -> float:
        """How many there are."""
        return histogram.count(self.buckets)

    @property
    def mean(self) -> float | None:
        """Seconds; None without observations."""
        if self.total is None or not self.observations:
            return None
        return self.total / self.observations

    def quantile(self, q: float) -> float | None:
        """Give a quantile in seconds, the highest bucket bound where it lies above it."""
        return histogram.quantile(q, self.buckets)

    def is_beyond(self, q: float) -> bool:
        """Tell whether a quantile lies above the highest bucket bound, nobody knows how far."""
        return histogram.beyond(q, self.buckets)


@dataclass(frozen=True, slots=True)
class Side:
    """One version's figures.

    Attributes:
        requests: None where they are not known.
        errors: the bad ones among them.
        latency: of all requests that the histogram observed.
        parts: the same for each value of the latency gate's label.
        seen: seconds of the window in which the metrics source saw this version.
        memory: resident bytes, the mean over instances; None where it is not exposed.
        cpu: cores in use, the mean over instances; None where it is not exposed.
    """

    requests: float | None = None
    errors: float | None = None
    latency: Latency = field(default_factory=Latency)
    parts: Mapping[str, Latency] = field(default_factory=dict)
    seen: float | None = None
    memory: float | None = None
    cpu: float | None = None

    @property
    def error_rate(self) -> float | None:
        """Errors of all requests, 0 to 1."""
        if self.errors is None or not self.requests:
            return None
        return self.errors / self.requests

    @property
    def success_rate(self) -> float | None:
        """The rest of the requests, 0 to 1."""
        rate = self.error_rate
        return None if rate is None else 1 - rate

    @property
    def throughput(self) -> float | None:
        """Requests a second, over the time this version was seen."""
        if self.requests is None or not self.seen:
            return None
        return self.requests / self.seen


def side(source: Source, look: Look, version: Version) -> Side:
    """Read one version's figures from one look."""
    seen = sight(look, version)
    if seen is None:
        return Side()
    latency = Latency()
    parts: dict[str, Latency] = {}
    if source.buckets is not None and source.sums is not None:
        buckets, sums = _series(look, version, source.buckets), _series(look, version, source.sums)
        latency = _latency(look, version, buckets, sums)
        if source.label is not None:
            split = histogram.split_by(buckets, source.label)
            split_sums = histogram.split_by(sums, source.label)
            for part, ours in split.items():
                parts[part] = _latency(look, version, ours, split_sums.get(part, ()))
    requests, errors = _requests(source, look, version)
    if source.total is None and source.histogram is not None:
        requests = latency.observations
    return Side(
        requests=requests,
        errors=errors,
        latency=latency,
        parts=parts,
        seen=seen.length,
        memory=memory(look, version),
        cpu=cores(look, version),
    )


def _series(look: Look, version: Version, selector: Selector) -> tuple[Series, ...]:
    return look.series(version, selector)


def _latency(
    look: Look, version: Version, buckets: tuple[Series, ...], sums: tuple[Series, ...]
) -> Latency:
    seen_from = look.seen_from(version)
    counted = total(sums, look.window, seen_from)
    return Latency(
        buckets=histogram.cumulative(buckets, look.window, seen_from),
        total=None if counted.newest is None else counted.amount,
    )


def _requests(source: Source, look: Look, version: Version) -> tuple[float | None, float | None]:
    if source.total is None or source.bad is None:
        return None, None
    wants = [SeriesWanted(version, one) for one in (source.total, source.bad)]
    if look.error(*wants) is not None:
        return None, None
    requests = look.counted(version, source.total).amount
    # Two counters of one page may be a request apart.
    bad = min(look.counted(version, source.bad).amount, requests)
    return requests, requests - bad if source.bad_is_good else bad
