"""Looks become observations: what each evaluation adds to the one before.

For each source and process it is remembered up to which sample was counted, so an increment
belongs to exactly one observation, however scrapes and evaluations fall, and over a change of
weight too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from canaryctl.core import histogram
from canaryctl.core.accounts import by_evidence, source_of
from canaryctl.core.counting import gains, instance, total
from canaryctl.core.gate import Gate, LatencyGate, RatioGate
from canaryctl.core.look import UP, Look
from canaryctl.core.observation import Both, Buckets, Observation, Trials
from canaryctl.core.selector import Selector
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.series import Sample, Series, Version, Window
from canaryctl.core.weight import FULL_HUNDREDTHS

Windows = Mapping[str, Window]
"""What was not counted yet of each instance; one without a new sample is left out."""


class Observer:
    """Reads looks of one rollout, in order."""

    def __init__(self, gates: Iterable[Gate]) -> None:
        self._gates = [
            gate
            for gate in gates
            if isinstance(gate, RatioGate | LatencyGate) and by_evidence(gate)
        ]
        self._marks: dict[tuple[str, Version, str], float] = {}
        self._up: dict[str, Sample] = {}
        self._restarted: dict[str, float] = {}

    def observe(self, look: Look, attempts: Attempts | None = None) -> Observation:
        """Give what this look adds. Each increment is given once."""
        ratios: dict[str, Both[Trials]] = {}
        histograms: dict[str, Mapping[str, Both[Buckets]]] = {}
        restarts, stale = 0, look.stale_after(())
        for gate in self._gates:
            source = source_of(gate)
            if source in ratios or source in histograms:
                continue
            counted = _counted(gate)
            windows = {
                version: self._windows(source, version, look, look.series(version, counted))
                for version in Version
            }
            ours = look.series(Version.CANARY, counted)
            stale = max(stale, look.stale_after(ours))
            restarts += self._restarts(ours, windows[Version.CANARY], look.frame.unseen)
            if isinstance(gate, RatioGate):
                ratios[source] = _ratio(gate, look, windows)
            else:
                histograms[source] = _histograms(gate, look, windows)
        return Observation(
            at=look.readings.at,
            since=look.frame.since,
            weight=look.frame.weight.hundredths / FULL_HUNDREDTHS,
            ratios=ratios,
            histograms=histograms,
            attempts=attempts,
            up=self._answered(look),
            restarts=restarts,
            stale=stale,
        )

    def _windows(
        self, source: str, version: Version, look: Look, series: Iterable[Series]
    ) -> Windows:
        """Give what was not counted yet, and note that it is now.

        Each instance has a mark of its own: one whose scrape is slow must not lose a sample to
        another whose newer one was stored first.
        """
        found: dict[str, Window] = {}
        for name, many in _by_instance(series).items():
            key = (source, version, name)
            mark = self._marks.get(key, look.frame.unseen)
            end = look.readings.at
            newest = max((s.at for one in many for s in one.samples if s.at <= end), default=mark)
            if newest > mark:
                self._marks[key] = newest
                found[name] = Window(mark, newest)
        return found

    def _restarts(self, series: Iterable[Series], windows: Windows, began: float) -> int:
        """Count the processes that started anew.

        A counter with labels comes back only when it counts again, so one restart shows in each
        series at a time of its own. It happened between that series' last sample and its first
        new one: a fall whose time overlaps with a restart that is known was that restart.
        """
        found = 0
        for name, many in _by_instance(series).items():
            if name not in windows:
                continue
            falls = [g for one in many for g in gains(one, windows[name]) if g.reset]
            for fall in sorted(falls):
                if fall.after >= self._restarted.setdefault(name, began):
                    self._restarted[name] = fall.at
                    found += 1
        return found

    def _answered(self, look: Look) -> bool | None:
        """Tell whether every instance answered its newest scrape; None when none was asked anew.

        Instances are scraped at moments of their own, so each one's newest answer counts.
        """
        series = look.series(Version.CANARY, UP)
        new = False
        for one in series:
            if one.samples and one.samples[-1] != self._up.get(instance(one)):
                self._up[instance(one)] = one.samples[-1]
                new = True
        oldest = look.readings.at - look.stale_after(series)
        fresh = [sample for sample in self._up.values() if sample.at >= oldest]
        return all(sample.value > 0 for sample in fresh) if new and fresh else None


def _counted(gate: RatioGate | LatencyGate) -> Selector:
    return gate.total if isinstance(gate, RatioGate) else gate.metric.suffixed("_bucket")


def _by_instance(series: Iterable[Series]) -> dict[str, list[Series]]:
    groups: defaultdict[str, list[Series]] = defaultdict(list)
    for one in series:
        groups[instance(one)].append(one)
    return groups


def _ratio(gate: RatioGate, look: Look, windows: Mapping[Version, Windows]) -> Both[Trials]:
    def side(version: Version) -> Trials | None:
        if not windows[version]:
            return None
        bad = _amount(look, version, gate.bad, windows[version])
        trials = _amount(look, version, gate.total, windows[version])
        # Two counters of one scrape may disagree by a request that ended between them.
        return Trials(max(trials, bad), bad)

    return Both(side(Version.CANARY), side(Version.STABLE))


def _amount(look: Look, version: Version, selector: Selector, windows: Windows) -> float:
    groups = _by_instance(look.series(version, selector))
    since = look.seen_from(version)
    return sum(
        total(groups[name], window, since).amount
        for name, window in windows.items()
        if name in groups
    )


def _histograms(
    gate: LatencyGate, look: Look, windows: Mapping[Version, Windows]
) -> Mapping[str, Both[Buckets]]:
    sides = {
        version: _split(gate, look, version, many) if many else None
        for version, many in windows.items()
    }
    ours, theirs = sides[Version.CANARY], sides[Version.STABLE]
    # A part that one version does not expose yet was asked of it 0 times.
    return {
        part: Both(
            None if ours is None else ours.get(part, {}),
            None if theirs is None else theirs.get(part, {}),
        )
        for part in sorted((ours or {}).keys() | (theirs or {}).keys())
    }


def _split(gate: LatencyGate, look: Look, version: Version, windows: Windows) -> dict[str, Buckets]:
    groups = _by_instance(look.series(version, gate.metric.suffixed("_bucket")))
    since = look.seen_from(version)
    found: dict[str, dict[float, float]] = {}
    for name, window in windows.items():
        series = groups[name]
        split = histogram.split_by(series, gate.by) if gate.by else {"": tuple(series)}
        for part, many in split.items():
            counts = found.setdefault(part, {})
            for bound, count in histogram.cumulative(many, window, since).items():
                counts[bound] = counts.get(bound, 0.0) + count
    return {part: counts if histogram.count(counts) else {} for part, counts in found.items()}
