"""What bursts of stable explain: the evidence that is left has mean 1 for a canary that bursts."""

from __future__ import annotations

from math import exp, isclose, lgamma, log

import pytest

from canaryctl.core.sequential.batch import Counts
from canaryctl.core.sequential.bursts import Bursts
from canaryctl.core.sequential.minutes import Minutes
from canaryctl.core.sequential.spread import Usual
from canaryctl.core.sequential.terms import for_errors

LEVELS = (2.5, 8.0, 28.0)


def usual(*, bursts: bool) -> Usual:
    """An hour of stable at 200 requests a second, with four bursts of two minutes or none."""
    seen = Usual(for_errors("e", 0.005))
    for minute in range(60):
        bad = 240 if bursts and minute % 15 in {7, 8} else 12
        seen.learn(12_000, bad, bad, ill=bad > 12)
    return seen


def poisson(mean: float, count: int) -> float:
    return exp(count * log(mean) - mean - lgamma(count + 1))


def ratios(count: int, mean: float) -> list[float]:
    return [count * log(level) - mean * (level - 1) for level in LEVELS]


def test_how_often_and_for_how_long_stable_bursts_is_counted() -> None:
    calm, bursty = usual(bursts=False), usual(bursts=True)
    assert isclose(calm.begins, 1 / 89, rel_tol=0.05)
    assert isclose(bursty.begins, 5 / 85, rel_tol=0.05)
    assert 0.4 < bursty.stays < 0.6
    assert bursty.worst > 0.015
    # The calm minutes between bursts are as calm as those of a service without.
    assert bursty.spread == calm.spread


@pytest.mark.parametrize("mean", [0.1, 1.0, 6.0])
def test_what_is_left_has_mean_one_for_a_canary_that_bursts_like_stable(mean: float) -> None:
    bursty = usual(bursts=True)
    rates = (1.0, *LEVELS)

    def predicted(bursts: Bursts) -> list[float]:
        # explained() of a minute that only one level could give tells that level's chance.
        chances = []
        for level in range(len(LEVELS)):
            logs = [-1e9] * len(LEVELS)
            logs[level] = 0.0
            with_it = exp(bursts.explained(logs, len(LEVELS), bursty, tender=False))
            without = exp(bursts.explained([-1e9] * len(LEVELS), len(LEVELS), bursty, tender=False))
            chances.append(with_it - without)
        return [1 - sum(chances), *chances]

    bursts = Bursts(len(LEVELS))
    for before in (0, round(30 * mean), 0):
        chances = predicted(bursts)
        for alternative in range(len(LEVELS)):
            expected = 0.0
            for count in range(600):
                logs = ratios(count, mean)
                left = logs[alternative] - bursts.explained(logs, len(LEVELS), bursty, tender=False)
                chance = sum(
                    part * poisson(mean * rate, count)
                    for part, rate in zip(chances, rates, strict=True)
                )
                expected += chance * exp(left) if chance > 0 else 0.0
            assert isclose(expected, 1.0, rel_tol=1e-6)
        bursts.close(ratios(before, mean), len(LEVELS), bursty, tender=False)


def test_a_burst_gives_a_bounded_amount_and_one_that_lasts_gives_more() -> None:
    bursty, bursts = usual(bursts=True), Bursts(len(LEVELS))
    left = []
    for _ in range(6):
        logs = ratios(200, 10.0)
        left.append(max(logs) - bursts.explained(logs, len(LEVELS), bursty, tender=False))
        bursts.close(logs, len(LEVELS), bursty, tender=False)
    assert left[0] < log(len(LEVELS) / bursty.begins) + 0.1
    assert all(0.3 < one < 1.5 for one in left[1:])


def test_nothing_overflows() -> None:
    bursts, seen = Bursts(3), usual(bursts=False)
    for logs in ([9e4, 1e5, 2e5], [-9e4, -1e5, -2e5], [0.0, 9e5, -9e5]):
        assert bursts.explained(logs, 2, seen, tender=False) > -1e6
        bursts.close(logs, 2, seen, tender=False)
    bursts.mix()


def against(bad: int, minutes: int, *, bursts: bool) -> float:
    """Evidence after so many minutes with ``bad`` of 600, after ten calm ones."""
    gate = Minutes(for_errors("e", 0.005))
    for minute in range(60):
        known = 240 if bursts and minute % 15 in {7, 8} else 12
        gate.usual.learn(12_000, known, known, ill=known > 12)
    most = 0.0
    for tick in range(12 * (10 + minutes)):
        failed = bad / 12 if tick >= 120 else 0.0
        value = gate.take(
            5.0 * tick + 5,
            0.0,
            Counts(50, failed, failed),
            Counts(950, 1, 1),
            control=True,
            ill=False,
        )
        most = max(most, log(value))
    return most


def test_a_small_defect_has_to_last_and_a_gross_one_has_not() -> None:
    needed = 5.2
    assert against(12, 1, bursts=True) < against(12, 4, bursts=True) < needed
    assert against(12, 12, bursts=True) > needed
    assert against(12, 9, bursts=False) > needed
    assert against(300, 1, bursts=True) > needed
