"""Stable's traffic as it is now: how much, how many errors, how slow, from one look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, log

from canaryctl.core import histogram
from canaryctl.core.accounts import fraction, source_of
from canaryctl.core.gate import Gate, LatencyGate, RatioGate, Unit, written
from canaryctl.core.look import Look
from canaryctl.core.selector import Selector
from canaryctl.core.series import SeriesWanted, Version
from canaryctl.simulate.service import ERRORS_LIMIT, Latencies, Measured
from canaryctl.simulate.world import TAIL

LEAST = 20.0
"""Requests from which a rate, or a spread, is taken as measured."""
NARROWEST, WIDEST = 0.1, 2.0
"""Bounds of the spread of the logarithm: buckets tell no more."""
MOST_BOUNDS = 8


def asked(gates: Iterable[Gate]) -> tuple[SeriesWanted, ...]:
    """Name the series that are needed: those of the first ratio gate, and each histogram."""
    ratio, latencies = _sources(gates)
    selectors = [gate.metric.suffixed("_bucket") for gate in latencies]
    if ratio is not None:
        selectors += [ratio.total, ratio.bad]
    return tuple(SeriesWanted(version, one) for one in selectors for version in Version)


def measured(gates: Iterable[Gate], look: Look) -> Measured:
    """Measure the look's window.

    Raises:
        ValueError: there is no traffic, or no gate tells of it; says so.
    """
    ratio, latencies = _sources(gates)
    said: list[str] = []
    errors = None
    found = {source_of(gate): _latencies(gate, look) for gate in latencies}
    if ratio is not None:
        total = look.counted(Version.STABLE, ratio.total).amount
        both = total + look.counted(Version.CANARY, ratio.total).amount
        named = ratio.total
        if total >= LEAST:
            bad = look.counted(Version.STABLE, ratio.bad).amount
            bad = total - bad if _good(ratio) else bad
            errors = bad / total
            if bad <= 0:
                # None of so many is no proof of none at all.
                errors = min(0.5 / total, (fraction(ratio.rule) or ERRORS_LIMIT) / 5)
            said.append(f"{bad:.0f} of stable's {total:.0f} failed ({ratio.rule.name})")
    elif latencies:
        named = latencies[0].metric.suffixed("_bucket")
        both = sum(
            histogram.count(histogram.cumulative(look.series(version, named), look.window))
            for version in Version
        )
    else:
        raise ValueError("no gate of kind ratio or latency counts requests")
    length = _seen(look, named)
    if both <= 0 or length <= 0:
        raise ValueError(f"{named} did not rise in the {look.window.length:.0f} s looked at")
    said.insert(0, f"{both / length:.3g} requests/s over {length:.0f} s ({named})")
    for source, parts in found.items():
        for part, one in parts.items():
            where = f"{source} {part}".strip()
            said.append(
                f"{where}: p95 {written(one.p95, Unit.SECONDS)}, {one.share * 100:.0f} % of it,"
                f" spread {one.sigma:.2f}"
            )
    return Measured(float(f"{both / length:.3g}"), errors, found, tuple(said))


def _seen(look: Look, counted: Selector) -> float:
    """Give for how many of the window's seconds stable was seen: it may be younger than that."""
    samples = [one.samples[0].at for one in look.series(Version.STABLE, counted) if one.samples]
    return look.window.end - max(look.window.start, min(samples, default=look.window.end))


def _sources(gates: Iterable[Gate]) -> tuple[RatioGate | None, list[LatencyGate]]:
    many = tuple(gates)
    ratio = next((gate for gate in many if isinstance(gate, RatioGate)), None)
    latencies = {source_of(gate): gate for gate in many if isinstance(gate, LatencyGate)}
    return ratio, list(latencies.values())


def _good(gate: RatioGate) -> bool:
    return gate.rule.minimum is not None and gate.rule.maximum is None


def _latencies(gate: LatencyGate, look: Look) -> dict[str, Latencies]:
    """Measure each part that has observations enough."""
    series = look.series(Version.STABLE, gate.metric.suffixed("_bucket"))
    split = histogram.split_by(series, gate.by) if gate.by else {"": tuple(series)}
    since = look.seen_from(Version.STABLE)
    counted = {part: histogram.cumulative(many, look.window, since) for part, many in split.items()}
    whole = sum(histogram.count(buckets) for buckets in counted.values())
    found = {}
    for part, buckets in counted.items():
        total = histogram.count(buckets)
        p50, p95 = histogram.quantile(0.5, buckets), histogram.quantile(0.95, buckets)
        if total < LEAST or not p50 or not p95:
            continue
        sigma = min(max(log(p95 / p50) / TAIL, NARROWEST), WIDEST)
        limit = gate.limits.get(part, gate.rule.maximum)
        bounds = _bounds([bound for bound in buckets if 0 < bound < inf], p95, limit)
        found[part] = Latencies(total / whole, p95, sigma, bounds)
    return found


def _bounds(bounds: Sequence[float], p95: float, limit: float | None) -> tuple[float, ...]:
    """Keep the bounds that matter: those near stable's p95, and those around the limit."""

    def distance(bound: float) -> float:
        return min(abs(log(bound / one)) for one in (p95, limit) if one)

    return tuple(sorted(sorted(bounds, key=distance)[:MOST_BOUNDS]))
