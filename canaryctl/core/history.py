"""Stable's last hour, read once before a rollout: how its rates usually scatter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import inf

from canaryctl.core.accounts import by_evidence, source_of
from canaryctl.core.counting import gains, instance
from canaryctl.core.gate import Gate, LatencyGate, RatioGate
from canaryctl.core.histogram import by_bound, split_by
from canaryctl.core.histogram import count as count_of
from canaryctl.core.look import Look
from canaryctl.core.observation import Buckets, History, Trials
from canaryctl.core.series import Series, Version

LENGTH = 3600.0
"""Seconds before the rollout that are asked for."""
MINUTE = 60.0


def history(gates: Iterable[Gate], look: Look) -> History:
    """Read stable's minutes in the look's window, oldest first; empty ones are left out."""
    ratios: dict[str, tuple[Trials, ...]] = {}
    histograms: dict[str, Mapping[str, tuple[Buckets, ...]]] = {}
    for gate in gates:
        if not by_evidence(gate):
            continue
        if isinstance(gate, RatioGate):
            bad = _minutes(look, look.series(Version.STABLE, gate.bad))
            each = _minutes(look, look.series(Version.STABLE, gate.total))
            ratios[source_of(gate)] = tuple(
                Trials(max(count, bad[minute]), bad[minute])
                for minute, count in sorted(each.items())
                if count > 0
            )
        elif isinstance(gate, LatencyGate):
            histograms[source_of(gate)] = dict(_parts(gate, look))
    return History(ratios, histograms)


def _minutes(look: Look, series: Iterable[Series]) -> defaultdict[int, float]:
    """Give the increments of each minute, by its number from the window's start."""
    since, window = look.seen_from(Version.STABLE), look.window
    found: defaultdict[int, float] = defaultdict(float)
    for one in series:
        for gain in gains(one, window, since.get(instance(one), -inf)):
            found[int((gain.at - window.start) // MINUTE)] += gain.amount
    return found


def _parts(gate: LatencyGate, look: Look) -> Iterator[tuple[str, tuple[Buckets, ...]]]:
    series = look.series(Version.STABLE, gate.metric.suffixed("_bucket"))
    split = split_by(series, gate.by) if gate.by else {"": series}
    for part, many in split.items():
        minutes: defaultdict[int, dict[float, float]] = defaultdict(dict)
        for bound, group in by_bound(many).items():
            for minute, count in _minutes(look, group).items():
                minutes[minute][bound] = count
        each = (counts for _, counts in sorted(minutes.items()))
        yield part, tuple(counts for counts in each if count_of(counts) > 0)
