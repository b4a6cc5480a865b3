"""Which metrics the comparison reads: those that the gates name, and a process's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from canaryctl.core.gate import Gate, LatencyGate, RatioGate
from canaryctl.core.selector import Selector
from canaryctl.core.series import SeriesWanted, Version

MEMORY = Selector("process_resident_memory_bytes")
CPU = Selector("process_cpu_seconds_total")
"""What Prometheus' client libraries expose of their process:
https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where requests, errors and latencies are counted.

    Attributes:
        total: the counter of requests; None where no gate names one.
        bad: the counter of errors, or of successes where ``bad_is_good``.
        bad_is_good: whether ``bad`` counts the good ones, as it does with a lower limit.
        histogram: of latencies, without its suffix; None where no gate names one.
        label: the label that the latency gate tells apart.
    """

    total: Selector | None = None
    bad: Selector | None = None
    bad_is_good: bool = False
    histogram: Selector | None = None
    label: str | None = None

    @classmethod
    def of(cls, gates: Iterable[Gate]) -> Source:
        """Take the first ratio gate and the first latency gate."""
        gates = tuple(gates)
        ratio = next((gate for gate in gates if isinstance(gate, RatioGate)), None)
        latency = next((gate for gate in gates if isinstance(gate, LatencyGate)), None)
        lower = ratio is not None and ratio.rule.minimum is not None and not _has_upper(ratio)
        return cls(
            total=ratio.total if ratio else None,
            bad=ratio.bad if ratio else None,
            bad_is_good=lower,
            histogram=latency.metric if latency else None,
            label=latency.by if latency else None,
        )

    @property
    def buckets(self) -> Selector | None:
        """The histogram's buckets."""
        return self.histogram.suffixed("_bucket") if self.histogram else None

    @property
    def sums(self) -> Selector | None:
        """The sum of all that the histogram observed."""
        return self.histogram.suffixed("_sum") if self.histogram else None

    def wanted(self) -> tuple[SeriesWanted, ...]:
        """Name every series that is needed, of both versions."""
        named = (self.total, self.bad, self.buckets, self.sums, MEMORY, CPU)
        selectors = dict.fromkeys(one for one in named if one is not None)
        return tuple(SeriesWanted(version, one) for one in selectors for version in Version)


def _has_upper(gate: RatioGate) -> bool:
    return gate.rule.maximum is not None or gate.rule.max_ratio is not None
