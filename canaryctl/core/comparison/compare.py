"""Canary against stable: every figure, its difference, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canaryctl.core.comparison.difference import Difference, Good, Interval, of_several
from canaryctl.core.comparison.means import means_interval
from canaryctl.core.comparison.quantiles import quantiles_interval
from canaryctl.core.comparison.rates import rates_interval
from canaryctl.core.comparison.side import LEAST, Latency, Side, side
from canaryctl.core.comparison.source import Source
from canaryctl.core.gate import Gate
from canaryctl.core.look import Look
from canaryctl.core.series import Version, Window

CONFIDENCE = 0.95
"""In so many of 1 comparisons all intervals hold together."""

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_OF_A_LATENCY = len(("mean", *QUANTILES))
_SAID_ONCE = "success_rate"
"""The error rate's mirror image: what is so of the one is so of the other."""

Differences = Mapping[str, Difference]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both versions over one window.

    Attributes:
        window: what is compared.
        canary: the canary's figures.
        stable: stable's.
        label: the label whose values are in ``parts``; None where no gate has one.
        differences: canary less stable, by figure.
        parts: the same of latencies, for each value of ``label``.
        confidence: how often all intervals hold together.
        level: that of each interval: ``confidence``, corrected for how many there are.
    """

    window: Window
    canary: Side
    stable: Side
    label: str | None
    differences: Differences
    parts: Mapping[str, Differences]
    confidence: float
    level: float

    def every(self) -> dict[str, Difference]:
        """Give all differences by name, those of label values as ``p95 (fast)``."""
        of_parts = {
            f"{name} ({part})": one
            for part, many in self.parts.items()
            for name, one in many.items()
        }
        return {**self.differences, **of_parts}

    @property
    def significant_difference(self) -> bool | None:
        """Tell whether any difference is more than chance; None where no interval can be given."""
        told = [one.significant for one in self.every().values() if one.significant is not None]
        return any(told) if told else None

    @property
    def worse(self) -> tuple[str, ...]:
        """Name what is surely worse."""
        return tuple(n for n, one in self.every().items() if one.is_worse and n != _SAID_ONCE)

    @property
    def improved(self) -> tuple[str, ...]:
        """Name what is surely better."""
        return tuple(n for n, one in self.every().items() if one.is_improved and n != _SAID_ONCE)

    @property
    def is_better(self) -> bool | None:
        """Tell whether the canary is better: somewhere surely better, nowhere surely worse.

        False where it is surely worse somewhere; None where neither can be told.
        """
        if self.worse:
            return False
        return True if self.improved else None


def compare(gates: Iterable[Gate], look: Look, confidence: float = CONFIDENCE) -> Comparison:
    """Compare both versions on one look, which has to hold ``Source.of(gates).wanted()``."""
    source = Source.of(gates)
    canary, stable = side(source, look, Version.CANARY), side(source, look, Version.STABLE)
    return compared(canary, stable, look.window, source.label, confidence)


def compared(
    canary: Side,
    stable: Side,
    window: Window,
    label: str | None = None,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Compare two versions' figures.

    Error and success rate are one comparison. A pair with fewer than ``LEAST`` requests on one side
    is none.
    """
    parts = {
        part: (canary.parts.get(part, Latency()), stable.parts.get(part, Latency()))
        for part in sorted(canary.parts.keys() | stable.parts.keys())
    }
    latencies = [(canary.latency, stable.latency), *parts.values()]
    count = _OF_A_LATENCY * sum(_enough(*pair) for pair in latencies)
    count += canary.errors is not None and stable.errors is not None and _requests(canary, stable)
    level = of_several(confidence, count)
    return Comparison(
        window=window,
        canary=canary,
        stable=stable,
        label=label,
        differences={
            **_counts(canary, stable, level),
            **_latencies(canary.latency, stable.latency, level),
            **_loads(canary, stable),
        },
        parts={part: _latencies(ours, theirs, level) for part, (ours, theirs) in parts.items()},
        confidence=confidence,
        level=level,
    )


def _requests(canary: Side, stable: Side) -> bool:
    return (canary.requests or 0) >= LEAST and (stable.requests or 0) >= LEAST


def _enough(canary: Latency, stable: Latency) -> bool:
    return min(canary.observations, stable.observations) >= LEAST


def _counts(canary: Side, stable: Side, level: float) -> Differences:
    errors = successes = None
    if canary.errors is not None and stable.errors is not None and _requests(canary, stable):
        errors = rates_interval(
            canary.errors, canary.requests or 0, stable.errors, stable.requests or 0, level
        )
        successes = Interval(0.0 - errors.high, 0.0 - errors.low, level)
    return {
        "requests": Difference(_less(canary.requests, stable.requests)),
        "errors": Difference(_less(canary.errors, stable.errors)),
        "success_rate": Difference(
            _less(canary.success_rate, stable.success_rate), successes, Good.HIGHER
        ),
        "error_rate": Difference(_less(canary.error_rate, stable.error_rate), errors, Good.LOWER),
    }


def _latencies(canary: Latency, stable: Latency, level: float) -> Differences:
    mean = None
    enough = _enough(canary, stable)
    if enough and canary.total is not None and stable.total is not None:
        mean = means_interval(canary.buckets, canary.total, stable.buckets, stable.total, level)
    found = {"mean": Difference(_less(canary.mean, stable.mean), mean, Good.LOWER)}
    for name, q in QUANTILES.items():
        hidden = canary.is_beyond(q) or stable.is_beyond(q)
        value = None if hidden else _less(canary.quantile(q), stable.quantile(q))
        interval = quantiles_interval(q, canary.buckets, stable.buckets, level) if enough else None
        found[name] = Difference(value, interval, Good.LOWER)
    return found


def _loads(canary: Side, stable: Side) -> Differences:
    """Throughput follows the weights, CPU the throughput: no difference of them says better."""
    return {
        "throughput": Difference(_less(canary.throughput, stable.throughput)),
        "memory": Difference(_less(canary.memory, stable.memory)),
        "cpu": Difference(_less(canary.cpu, stable.cpu)),
    }


def _less(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs
