"""What gates that are read literally see in simulated counters: a ``Look``, as live."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from canaryctl.core.accounts import source_of
from canaryctl.core.gate import Finding, Gate, Judging, LatencyGate, RatioGate, UpGate
from canaryctl.core.look import UP, Frame, Look
from canaryctl.core.measure import measure
from canaryctl.core.selector import Selector
from canaryctl.core.series import Readings, Sample, Series, SeriesWanted, Version
from canaryctl.core.weight import Weight
from canaryctl.simulate.served import Served
from canaryctl.simulate.service import Service, Stream

NEWEST = 3
"""Samples that are kept beside the stage's base: enough to tell how often they come."""


@dataclass(slots=True)
class _Counters:
    """One version's counters since the stage began."""

    total: Served
    newest: deque[tuple[float, Served]] = field(default_factory=lambda: deque(maxlen=NEWEST))

    def add(self, at: float, new: Served) -> None:
        self.total.add(new)
        kept = Served(self.total.total, self.total.errors, self.total.slow, self.total.over)
        kept.above = [list(one) for one in self.total.above]
        self.newest.append((at, kept))


class Literal:
    """Reads the literal gates of one rollout with the very code that reads them live."""

    def __init__(self, service: Service, streams: tuple[Stream, ...]) -> None:
        self._service, self._streams = service, streams
        self._gates: list[Gate] = [
            gate for gate in service.gates if gate.rule.judge is Judging.THRESHOLD
        ]
        self._counters: dict[Version, _Counters] = {}
        self._up: deque[Sample] = deque(maxlen=NEWEST)
        self._since = 0.0

    def enter(self, since: float) -> None:
        """Begin a stage: its window begins."""
        self._since = since
        self._counters = {version: _Counters(Served()) for version in Version}

    def add(self, at: float, version: Version, new: Served) -> None:
        """Take a sample in."""
        if self._gates:
            self._counters[version].add(at, new)

    def answered(self, at: float, *, up: bool) -> None:
        """Take in whether the canary answered a scrape."""
        self._up.append(Sample(at, float(up)))

    def findings(self, at: float) -> tuple[Finding, ...]:
        """Read the gates."""
        if not self._gates:
            return ()
        interval = self._service.plan.interval
        frame = Frame(self._since, self._since, interval, {}, "simulated", Weight.ZERO)
        series: dict[SeriesWanted, tuple[Series, ...]] = {}
        for gate in self._gates:
            for version in Version:
                for selector, many in self._asked(gate, version):
                    series[SeriesWanted(version, selector)] = tuple(many)
        return measure(self._gates, Look(frame, Readings(at, series), at))

    def _asked(self, gate: Gate, version: Version) -> Iterator[tuple[Selector, Iterator[Series]]]:
        counters = self._counters[version]
        match gate:
            case RatioGate():
                good = self._service.ratios[source_of(gate)]
                bad = [
                    (at, one.total - one.errors if good else one.errors)
                    for at, one in counters.newest
                ]
                yield gate.bad, iter([self._series({}, bad)])
                total = [(at, one.total) for at, one in counters.newest]
                yield gate.total, iter([self._series({}, total)])
            case LatencyGate():
                yield gate.metric.suffixed("_bucket"), self._histogram(gate, counters)
            case UpGate():
                if version is Version.CANARY:
                    yield UP, iter([Series({}, tuple(self._up))])

    def _histogram(self, gate: LatencyGate, counters: _Counters) -> Iterator[Series]:
        source = source_of(gate)
        for index, stream in enumerate(self._streams):
            if stream.source != source:
                continue
            labels = {gate.by: stream.part} if gate.by else {}
            for place, bound in enumerate((*stream.bounds, inf)):
                counts = [(at, _at_most(one.above[index], place)) for at, one in counters.newest]
                le = "+Inf" if bound == inf else repr(bound)
                yield self._series({**labels, "le": le}, counts)

    def _series(self, labels: Mapping[str, str], counts: list[tuple[float, int]]) -> Series:
        base = Sample(self._since, 0.0)
        return Series(labels, (base, *(Sample(at, float(count)) for at, count in counts)))


def _at_most(counts: list[int], place: int) -> int:
    """Give the observations of at most a stream's ``place``-th bound; the one after all is +Inf."""
    above = counts[place + 1] if place + 1 < len(counts) else 0
    return counts[0] - above
