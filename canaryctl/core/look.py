"""One evaluation: what is asked of the metrics source, and what it answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from canaryctl.core.counting import Counted, first_seen, spacing, total
from canaryctl.core.gate import (
    Gate,
    GaugeGate,
    LatencyGate,
    PromqlGate,
    RatioGate,
    UpGate,
    ZeroGate,
)
from canaryctl.core.promql import rendered
from canaryctl.core.selector import Selector
from canaryctl.core.series import (
    QueryWanted,
    Readings,
    Series,
    SeriesWanted,
    Version,
    Wanted,
    Window,
)
from canaryctl.core.weight import Weight

UP = Selector("up")
LEAST_STALE = 5.0
"""Seconds: a sample younger than this is never called old."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stays the same during one stage.

    Attributes:
        since: when this weight was proven, epoch seconds.
        unseen: from when on zero gates count, at or before ``since``.
        interval: seconds between evaluations.
        select: each version's labels, for PromQL placeholders.
        release: the release being rolled out.
        weight: the canary's.
    """

    since: float
    unseen: float
    interval: float
    select: Mapping[Version, Mapping[str, str]]
    release: str
    weight: Weight


def wanted(gates: Iterable[Gate], frame: Frame, now: float) -> tuple[Wanted, ...]:
    """Name everything that these gates need, each once."""
    asked: dict[Wanted, None] = {SeriesWanted(version, UP): None for version in Version}
    for gate in gates:
        for want in asked_by(gate, frame, now):
            asked[want] = None
    return tuple(asked)


def asked_by(gate: Gate, frame: Frame, now: float) -> Iterable[Wanted]:
    """Name what one gate needs."""
    if isinstance(gate, UpGate):
        return ()
    if isinstance(gate, PromqlGate):
        versions = Version if gate.rule.max_ratio is not None else (Version.CANARY,)
        return [query_for(gate, version, frame, now) for version in versions]
    selectors: tuple[Selector, ...]
    match gate:
        case RatioGate():
            selectors = (gate.bad, gate.total)
        case LatencyGate():
            selectors = (gate.metric.suffixed("_bucket"),)
        case ZeroGate() | GaugeGate():
            selectors = (gate.metric,)
    return [SeriesWanted(version, selector) for selector in selectors for version in Version]


def query_for(gate: PromqlGate, version: Version, frame: Frame, now: float) -> QueryWanted:
    """Fill a PromQL gate in for one version."""
    return QueryWanted(
        rendered(
            gate.query,
            version=version,
            release=frame.release,
            select=frame.select.get(version, {}),
            window=now - frame.since,
            weight=str(frame.weight),
        )
    )


@dataclass(frozen=True, slots=True)
class Look:
    """The answers to one evaluation, with the window they speak of.

    Attributes:
        asked: when the queries were rendered, epoch seconds; they are found again by it.
    """

    frame: Frame
    readings: Readings
    asked: float

    @property
    def window(self) -> Window:
        """From this weight's proof to now."""
        return Window(self.frame.since, self.readings.at)

    def series(self, version: Version, selector: Selector) -> tuple[Series, ...]:
        """Give the raw series of one version; none is an empty tuple."""
        return self.readings.series.get(SeriesWanted(version, selector), ())

    @property
    def unseen(self) -> Window:
        """From the last evaluation that surely saw all, over the change of weight, to now."""
        return Window(self.frame.unseen, self.readings.at)

    def seen_from(self, version: Version) -> dict[str, float]:
        """Give since when each instance of a version is seen; a failed scrape is no sight."""
        sights: list[Series] = []
        for want, many in self.readings.series.items():
            if want.version is version and want.selector != UP:
                sights += many
            elif want.version is version:
                sights += [
                    replace(o, samples=tuple(s for s in o.samples if s.value > 0)) for o in many
                ]
        return first_seen(sights)

    def counted(
        self, version: Version, selector: Selector, window: Window | None = None
    ) -> Counted:
        """Count a version's increments over the window, or over another one."""
        series = self.series(version, selector)
        return total(series, window or self.window, self.seen_from(version))

    def error(self, *wants: Wanted) -> str | None:
        """Give why one of these could not be answered."""
        return next((self.readings.errors[w] for w in wants if w in self.readings.errors), None)

    def stale_after(self, series: Iterable[Series]) -> float:
        """Give the age in seconds from which a newest sample is old.

        Four of the source's own intervals, three evaluations, and never under
        ``LEAST_STALE``: one missed scrape is not a silent canary.
        """
        seen = spacing(series)
        return max(4 * (seen or 0.0), 3 * self.frame.interval, LEAST_STALE)

    def alive(self, version: Version) -> bool:
        """Tell whether any fresh sample of this version exists (a failed scrape is none)."""
        for want, many in self.readings.series.items():
            if want.version is not version:
                continue
            bound = self.window.end - self.stale_after(many)
            for one in many:
                counts = [s for s in one.samples if want.selector != UP or s.value > 0]
                if counts and counts[-1].at >= bound:
                    return True
        return False
