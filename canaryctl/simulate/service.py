"""The service that a configuration is simulated on: its gates, its errors, its latencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import erfc, exp, inf, log, sqrt
from statistics import NormalDist

from canaryctl.core.accounts import MOST_LIMIT, fraction, source_of
from canaryctl.core.analysis import Judgement
from canaryctl.core.gate import Gate, LatencyGate, RatioGate, Severity, UpGate
from canaryctl.core.plan import Plan
from canaryctl.simulate.traffic import TICK
from canaryctl.simulate.world import TAIL

SIGMA = 0.5
"""Spread of the logarithm of latencies, unless it was measured."""
LIMIT_RATIO = 1.4
"""The latency limit as a multiple of stable's quantile, unless it was measured."""
ERRORS_LIMIT = 0.005
UNKNOWN_P95 = 0.1


@dataclass(frozen=True, slots=True)
class Stream:
    """Latencies of one histogram, or of one value of its label: log-normal.

    Attributes:
        source: the histogram, see ``accounts.source_of``.
        part: the label's value, else empty.
        share: of all requests, 0 to 1.
        p95: stable's, seconds.
        sigma: spread of the logarithm.
        bounds: the histogram's finite bucket bounds, seconds, rising.
        limit: what the strictest gate allows, seconds; ``inf`` without such a limit.
    """

    source: str
    part: str
    share: float
    p95: float
    sigma: float
    bounds: tuple[float, ...]
    limit: float = inf

    def slower(self, bound: float, factor: float, tail: float = 0.0) -> float:
        """Give the fraction slower than ``bound``: all latencies by ``factor``, a tail tenfold."""
        usual = self._slower(bound, factor)
        return usual + tail * (self._slower(bound, 10 * factor) - usual) if tail else usual

    def _slower(self, bound: float, factor: float) -> float:
        away = TAIL + log(bound / (self.p95 * factor)) / self.sigma
        return 0.5 * erfc(away / sqrt(2))


@dataclass(frozen=True, slots=True)
class Latencies:
    """What was measured of one stream. Units as in ``Stream``."""

    share: float
    p95: float
    sigma: float
    bounds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What stable showed of itself.

    Attributes:
        rps: requests a second, both versions together; None: not measured.
        errors: fraction of bad requests.
        latencies: by ``accounts.source_of``, then by the label's value.
        said: what was measured, a sentence each.
    """

    rps: float | None = None
    errors: float | None = None
    latencies: Mapping[str, Mapping[str, Latencies]] = field(default_factory=dict)
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """All that a simulated rollout needs to know. Can be sent to another process.

    Attributes:
        gates: those that are simulated.
        plan: stages, interval and bounds.
        judgement: risk and policy.
        errors: fraction of requests that fail on either side.
        limit: the strictest limit on failed requests.
        ratios: for each ratio gate's source whether its ``bad`` counts the good ones.
        streams: of latencies.
        attempts: NGINX's counts per attempt exist.
        history: seconds of stable's history that the judge is given.
        notes: what is not simulated, and why.
    """

    gates: tuple[Gate, ...]
    plan: Plan
    judgement: Judgement
    errors: float
    limit: float
    ratios: Mapping[str, bool]
    streams: tuple[Stream, ...]
    attempts: bool
    history: float
    notes: tuple[str, ...] = ()


def service_of(
    gates: Iterable[Gate],
    plan: Plan,
    judgement: Judgement,
    *,
    errors: float | None = None,
    measured: Measured | None = None,
    attempts: bool = True,
    history: float = 0.0,
) -> Service:
    """Give the service that stands in for a configuration's.

    Args:
        gates: the configuration's.
        plan: the configuration's.
        judgement: the configuration's.
        errors: base rate; left out: as measured, else a fifth of the strictest limit.
        measured: what stable shows now.
        attempts: whether NGINX's counts per attempt are read.
        history: seconds.
    """
    many = tuple(gates)
    reasons = {gate.rule.name: _why_not(gate) for gate in many}
    kept = tuple(gate for gate in many if not reasons[gate.rule.name])
    ratios = [gate for gate in kept if isinstance(gate, RatioGate)]
    limits = [found for gate in ratios if (found := fraction(gate.rule)) is not None]
    limit = min(limits, default=ERRORS_LIMIT)
    seen = measured or Measured()
    if errors is None:
        errors = limit / 5 if seen.errors is None else seen.errors
    notes = [f"{name}: not simulated, {why}" for name, why in reasons.items() if why]
    if plan.interval < TICK:
        notes.append(f"samples come every {TICK:g} s, so that is how often gates are evaluated")
    if not attempts:
        notes.append("gateway.attempts is not set: NGINX's counts per attempt are not used")
    return Service(
        gates=kept,
        plan=plan,
        judgement=judgement,
        errors=errors,
        limit=limit,
        ratios={source_of(gate): _good(gate) for gate in ratios},
        streams=tuple(_streams([g for g in kept if isinstance(g, LatencyGate)], seen)),
        attempts=attempts,
        history=history,
        notes=tuple(notes),
    )


def _why_not(gate: Gate) -> str:
    if gate.rule.severity is Severity.WARN:
        return "it only warns"
    match gate:
        case RatioGate():
            limit = fraction(gate.rule)
            if limit is not None and limit > MOST_LIMIT:
                return "a limit on rare events is expected"
            return ""
        case LatencyGate() | UpGate():
            return ""
        case _:
            return "its values are not counts of requests"


def _good(gate: RatioGate) -> bool:
    return gate.rule.minimum is not None and gate.rule.maximum is None


def _streams(gates: Sequence[LatencyGate], seen: Measured) -> Iterable[Stream]:
    by_source: dict[str, list[LatencyGate]] = {}
    for gate in gates:
        by_source.setdefault(source_of(gate), []).append(gate)
    for source, many in by_source.items():
        known = seen.latencies.get(source, {})
        parts = list(dict.fromkeys(part for gate in many for part in gate.limits))
        if not parts:
            parts = sorted(known) or [""]
        shares = {part: known[part].share for part in parts if part in known}
        for part in parts:
            if known and part not in known:
                continue  # nobody asks for it
            given = known.get(part)
            share = shares[part] if given else 1.0 / len(parts)
            yield _stream(source, part, share, many, given)


def _stream(
    source: str, part: str, share: float, gates: Sequence[LatencyGate], given: Latencies | None
) -> Stream:
    """Give one stream; what was not measured lies below the strictest limit by ``LIMIT_RATIO``."""
    limits = [(bound, gate.quantile) for gate in gates if (bound := _limit(gate, part))]
    sigma = given.sigma if given else SIGMA

    def as_p95(value: float, quantile: float) -> float:
        return value * exp(-sigma * (NormalDist().inv_cdf(quantile) - TAIL))

    strictest = min((as_p95(bound, q) for bound, q in limits), default=inf)
    if given is not None:
        bounds = {*given.bounds}
        p95 = given.p95
    else:
        p95 = UNKNOWN_P95 if strictest == inf else strictest / LIMIT_RATIO
        quantiles = {p95 * p95 / as_p95(p95, gate.quantile) for gate in gates}
        bounds = {*quantiles, *(bound for bound, _ in limits)}
        if any(gate.rule.max_ratio is not None for gate in gates):
            bounds |= {p95 * step for step in (0.5, 0.75, 1.25, 1.5, 2.0, 3.0, 5.0)}
    limit = min((bound for bound, _ in limits), default=inf)
    return Stream(source, part, share, p95, sigma, tuple(sorted(bounds)), limit)


def _limit(gate: LatencyGate, part: str) -> float | None:
    return gate.limits.get(part) if gate.limits else gate.rule.maximum
