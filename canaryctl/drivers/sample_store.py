"""Samples of scraped targets, kept in memory for as long as a window can ask for them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from canaryctl.core.series import Sample, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from canaryctl.core.selector import Selector
    from canaryctl.drivers.exposition_text import Exposed

_Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Track:
    """One series; arrays, because a sample then takes 16 bytes instead of a hundred."""

    labels: Mapping[str, str]
    ats: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, at: float, value: float) -> None:
        if self.ats and at <= self.ats[-1]:
            self.values[-1] = value
        else:
            self.ats.append(at)
            self.values.append(value)

    def forget_before(self, horizon: float) -> None:
        """Drop what is older than the base: the last sample at or before ``horizon``."""
        surplus = bisect_right(self.ats, horizon) - 1
        if surplus > 0:
            del self.ats[:surplus]
            del self.values[:surplus]

    def series(self) -> Series:
        return Series(self.labels, tuple(map(Sample, self.ats, self.values)))


class TargetSamples:
    """The samples of one target."""

    def __init__(self) -> None:
        self._tracks: dict[str, dict[_Labels, _Track]] = {}
        self._exposed_at = float("-inf")

    def record(self, at: float, exposed: Iterable[Exposed], labels: Mapping[str, str]) -> None:
        """Add what one page exposed.

        Args:
            at: epoch seconds; the same time again replaces.
            exposed: the page.
            labels: put on every series; an exposed label of that name becomes ``exported_…``,
                as with Prometheus.
        """
        self._exposed_at = at
        for metric, own, value in exposed:
            self.add(metric, _joined(own, labels), at, value)

    def add(self, metric: str, labels: Mapping[str, str], at: float, value: float) -> None:
        """Add one sample."""
        tracks = self._tracks.setdefault(metric, {})
        key = tuple(sorted(labels.items()))
        if key not in tracks:
            tracks[key] = _Track(labels)
        tracks[key].add(at, value)

    def matching(self, selector: Selector) -> tuple[Series, ...]:
        """Give the series that a selector selects, each with all samples that are kept."""
        return tuple(
            track.series()
            for track in self._tracks.get(selector.metric, {}).values()
            if selector.matches(selector.metric, track.labels)
        )

    def forget_before(self, horizon: float) -> None:
        """Drop what no window starting at or after ``horizon`` can need.

        A series that the target stopped exposing is dropped as a whole once it lies before
        the horizon: should it come back, then from a new process and from zero. While the
        target does not answer, its series keep their base.
        """
        for metric, tracks in list(self._tracks.items()):
            for key, track in list(tracks.items()):
                track.forget_before(horizon)
                if track.ats[-1] <= horizon and track.ats[-1] < self._exposed_at:
                    del tracks[key]
            if not tracks:
                del self._tracks[metric]

    def __len__(self) -> int:
        return sum(len(track.ats) for tracks in self._tracks.values() for track in tracks.values())


def _joined(own: Mapping[str, str], added: Mapping[str, str]) -> Mapping[str, str]:
    renamed = {(f"exported_{name}" if name in added else name): v for name, v in own.items()}
    return {**renamed, **added}
