"""Increments of counters, counted from raw samples.

Prometheus' ``increase()`` extrapolates to the window's edges and takes a series' first sample
as its zero. A failure counter that does not exist until it appears at 1 therefore reads 0, and
a gate with zero tolerance would never fire. So increments are counted here, sample by sample:

- what a counter holds when it appears inside the window was counted inside the window (a birth),
  unless its whole process comes into sight only then;
- a value below the one before means the process started anew and counts in full (a reset);
- nothing is extrapolated: what was not sampled yet is not counted yet.

The reading errs in one direction. Increments that no sample ever showed (made after the last
sample before a restart) are missed; none is ever invented, as long as the source hands over the
last sample at or before the window's start where it has one, as ``ports.Metrics.read`` promises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, inf, isfinite
from statistics import median
from typing import NamedTuple

from canaryctl.core.series import Sample, Series, Window


@dataclass(frozen=True, slots=True)
class Counted:
    """What counters gained in a window.

    Attributes:
        amount: increments, never negative.
        newest: epoch seconds of the newest usable sample at or before the window's end; None
            when there is none. Zero increments without a recent sample are no evidence of zero.
        resets: how often a counter fell, that is, a process started anew.
        births: how many series appeared inside the window.
    """

    amount: float
    newest: float | None
    resets: int
    births: int


def increase(series: Series, window: Window, seen_from: float = -inf) -> Counted:
    """Count one counter's increments in a window.

    Args:
        series: its samples.
        window: the time that is counted.
        seen_from: since when the source has seen this process at all, epoch seconds. What a
            counter holds at that first sight was counted at any time before; it is the base,
            not a birth.

    The base is the last sample at or before ``window.start``, so adjacent windows tile time: an
    increment between two samples belongs to the window that holds the later one, and to no other.
    Samples that no counter can expose (NaN, infinite, negative) are skipped, samples after
    ``window.end`` ignored.
    """
    amounts: list[float] = []
    resets = births = 0
    for gain in gains(series, window, seen_from):
        amounts.append(gain.amount)
        resets += gain.reset
        births += gain.birth
    newest = max((s.at for s in _countable(series, window.end)), default=None)
    return Counted(fsum(amounts), newest, resets, births)


class Gain(NamedTuple):
    """What one sample added to the one before, and how that is known.

    Attributes:
        at: epoch seconds of the sample.
        after: of the one before; minus infinity for a birth.
        amount: what was added.
    """

    at: float
    after: float
    amount: float
    reset: bool = False
    birth: bool = False


def gains(series: Series, window: Window, seen_from: float = -inf) -> Iterator[Gain]:
    """Give a counter's increments in a window one by one; see ``increase``."""
    previous: Sample | None = None
    for sample in _countable(series, window.end):
        if sample.at > window.start:
            if previous is None:
                if sample.at > seen_from:
                    yield Gain(sample.at, -inf, sample.value, birth=True)
            elif sample.value < previous.value:
                yield Gain(sample.at, previous.at, sample.value, reset=True)
            else:
                yield Gain(sample.at, previous.at, sample.value - previous.value)
        previous = sample


def total(
    series: Iterable[Series], window: Window, seen_from: Mapping[str, float] | None = None
) -> Counted:
    """Count the increments of several series (instances, statuses, …) together.

    ``newest`` is the most recent of them all. No series at all is amount 0, newest None.
    ``seen_from`` tells for each instance since when it is seen; see ``increase``.
    """
    since = seen_from or {}
    counted = [increase(one, window, since.get(instance(one), -inf)) for one in series]
    return Counted(
        amount=fsum(one.amount for one in counted),
        newest=max((one.newest for one in counted if one.newest is not None), default=None),
        resets=sum(one.resets for one in counted),
        births=sum(one.births for one in counted),
    )


def instance(series: Series) -> str:
    """Name the process that exposes a series; empty where the source does not tell."""
    return series.labels.get("instance", "")


def first_seen(series: Iterable[Series]) -> dict[str, float]:
    """Give since when each instance is seen, epoch seconds."""
    found: dict[str, float] = {}
    for one in series:
        if one.samples:
            name = instance(one)
            found[name] = min(found.get(name, inf), one.samples[0].at)
    return found


def spacing(series: Iterable[Series]) -> float | None:
    """Give the median of the seconds between consecutive samples: how often the source looks.

    Only times matter here, so unusable values count as looks. None when no series has two samples.
    """
    gaps = [
        later.at - earlier.at
        for one in series
        for earlier, later in pairwise(one.samples)
        if later.at > earlier.at
    ]
    return median(gaps) if gaps else None


def latest(series: Series, window: Window) -> Sample | None:
    """Give a gauge's newest sample at or before ``window.end``, None when there is none.

    Its value may be NaN: a gauge that stopped being a number is not what it was before. It may
    also lie before ``window.start``; whether it is too old to speak of the window is the
    caller's question, and ``Sample.at`` its answer.
    """
    return next((sample for sample in reversed(series.samples) if sample.at <= window.end), None)


def _countable(series: Series, end: float) -> Iterator[Sample]:
    return (s for s in series.samples if s.at <= end and isfinite(s.value) and s.value >= 0)
