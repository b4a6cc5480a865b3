"""Many rollouts of a family, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from math import exp, lgamma, log, log1p
from statistics import fmean

from canaryctl.simulate.evidence import Evidence
from canaryctl.simulate.run import End, Result, RolloutRule, history, run
from canaryctl.simulate.traffic import TICK
from canaryctl.simulate.world import Family


@dataclass(frozen=True, slots=True)
class Row:
    """What a rule did in one family at one rate.

    Attributes:
        family: its name.
        rps: requests a second, both versions together.
        runs: simulated rollouts.
        back: fraction thrown back.
        back_at_most: its upper bound with 95 % confidence.
        inconclusive: fraction that ended without a verdict.
        promoted: fraction that got all traffic for good.
        hurt: failed requests of the canary, on average.
        slow: its requests over the latency limit, on average.
        wald: the fewest failed requests any rule needs on average, where that is known.
        looks: evaluations from a defect's first failed request to the rollback: 95th percentile.
        full_at: seconds until the last stage began: 95th percentile of those that reached it.
        lasted: seconds until the end: 95th percentile.
        held: fraction that held at some time.
        reasons: what ended those not promoted, most frequent first.
    """

    family: str
    rps: float
    runs: int
    back: float
    back_at_most: float
    inconclusive: float
    promoted: float
    hurt: float
    slow: float
    wald: float | None
    looks: float | None
    full_at: float | None
    lasted: float
    held: float
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def wald(bad: float, usual: float, risk: float = 0.01) -> float:
    """Give Wald's bound: failed requests until a defect is known at this risk, on average.

    A test of power one needs at least ``ln(1/risk) / KL`` requests, of which ``bad`` fail.
    """
    information = bad * log(bad / usual) + (1 - bad) * log((1 - bad) / (1 - usual))
    return bad * log(1 / risk) / information


def simulate(
    family: Family,
    rps: float,
    runs: int,
    make: Callable[[], RolloutRule] = Evidence,
    *,
    seed: object = 0,
    before: float = 0.0,
) -> list[Result]:
    """Run rollouts; ``before``: seconds of stable's history that an ``Evidence`` rule is given."""
    results = []
    for index in range(runs):
        rule, key = make(), (seed, family.name, rps, index)
        if before and isinstance(rule, Evidence):
            rule.learn(history(family, rps, key, before))
        results.append(run(family, rps, rule, key))
    return results


def summed(
    family: Family,
    rps: float,
    results: Iterable[Result],
    *,
    interval: float = TICK,
    stages: int = 4,
    risk: float = 0.01,
) -> Row:
    """Sum rollouts up; ``interval``: seconds between evaluations, ``stages``: the plan's."""
    many = list(results)
    runs = len(many)

    def part(end: End) -> float:
        return sum(one.end is end for one in many) / runs

    thrown = sum(one.end is End.BACK for one in many)
    looks = [
        (one.lasted - one.harmed_at) / interval
        for one in many
        if one.end is End.BACK and one.harmed_at is not None
    ]
    full = [one.entered[-1] for one in many if len(one.entered) == stages]
    why = Counter(one.reason for one in many if one.end is not End.PROMOTED)
    return Row(
        family=family.name,
        rps=rps,
        runs=runs,
        back=thrown / runs,
        back_at_most=at_most(thrown, runs),
        inconclusive=part(End.INCONCLUSIVE),
        promoted=part(End.PROMOTED),
        hurt=fmean(one.hurt for one in many),
        slow=fmean(one.slow for one in many),
        wald=wald(family.bad, family.errors, risk) if family.bad and family.errors else None,
        looks=percentile(looks, 0.95),
        full_at=percentile(full, 0.95),
        lasted=percentile([one.lasted for one in many], 0.95) or 0.0,
        held=sum(one.held > 0 for one in many) / runs,
        reasons=tuple(f"{reason} ({count})" for reason, count in why.most_common(3)),
    )


def percentile(values: list[float], part: float) -> float | None:
    """Give a percentile; None of nothing."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)] if values else None


def at_most(hits: int, runs: int, doubt: float = 0.05) -> float:
    """Give the upper Clopper-Pearson bound of a fraction, by bisection."""
    if hits >= runs:
        return 1.0
    low, high = hits / runs, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _below(hits, runs, middle) > doubt else (low, middle)
    return high


def _below(hits: int, runs: int, chance: float) -> float:
    """Give P(X ≤ hits), from the largest term down; the mean lies above ``hits``."""
    term = exp(
        lgamma(runs + 1)
        - lgamma(hits + 1)
        - lgamma(runs - hits + 1)
        + hits * log(chance)
        + (runs - hits) * log1p(-chance)
    )
    total = 0.0
    for index in range(hits, -1, -1):
        total += term
        term *= index / (runs - index + 1) * (1 - chance) / chance
    return total
