"""Every factor has mean at most 1 for a healthy canary: summed exactly, not simulated."""

from __future__ import annotations

from math import exp, isclose, lgamma, log, log1p

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.sequential.batch import Counts
from canaryctl.core.sequential.compare import Comparison, alone, paired_logs
from canaryctl.core.sequential.estimate import BETTER, poisson_tail, visible
from canaryctl.core.sequential.minutes import minute_log
from canaryctl.core.sequential.spread import MOST_SPREAD, Usual
from canaryctl.core.sequential.stake import Schedule, Stake
from canaryctl.core.sequential.terms import for_errors, for_latency
from canaryctl.core.sequential.trailing import Trailing

FACTORS = for_errors("e", 0.005).factors
ROUNDING = 1 + 1e-6


def binomial(n: int, p: float, k: int) -> float:
    if p <= 0:
        return float(k == 0)
    if p >= 1:
        return float(k == n)
    choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(choose + k * log(p) + (n - k) * log1p(-p))


def poisson(mean: float, k: int) -> float:
    return exp(k * log(mean) - mean - lgamma(k + 1)) if mean > 0 else float(k == 0)


def gamma_poisson(mean: float, spread: float, k: int) -> float:
    shape = 1 / spread
    place = mean / (mean + shape)
    return exp(
        lgamma(k + shape) - lgamma(shape) - lgamma(k + 1) + shape * log(1 - place) + k * log(place)
    )


@settings(max_examples=60, deadline=None)
@given(
    bad=st.integers(1, 60),
    ours=st.integers(1, 5000),
    theirs=st.integers(1, 100_000),
    ratio=st.floats(1.0, 3.0),
    healthier=st.floats(0.0, 1.0),
)
def test_a_paired_factor_has_mean_at_most_one_while_the_ratio_is_kept(
    bad: int, ours: int, theirs: int, ratio: float, healthier: float
) -> None:
    actual = ratio * healthier
    chance = actual * ours / (actual * ours + theirs)
    for index in range(len(FACTORS)):
        mean = sum(
            binomial(bad, chance, k)
            * exp(paired_logs(k, ours, bad - k, theirs, ratio, FACTORS)[index])
            for k in range(bad + 1)
        )
        assert mean <= ROUNDING


def test_a_paired_factor_is_fair_at_the_boundary_and_favourable_beyond() -> None:
    def mean(actual: float) -> float:
        chance = actual * 500 / (actual * 500 + 9500)
        return sum(
            binomial(40, chance, k) * exp(paired_logs(k, 500, 40 - k, 9500, 1.3, (3.0,))[0])
            for k in range(41)
        )

    assert isclose(mean(1.3), 1.0, rel_tol=1e-9)
    assert mean(1.0) < 1
    assert mean(3.9) > 10


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 400),
    limit=st.floats(0.001, 0.3),
    healthier=st.floats(0.0, 1.0),
)
def test_the_factor_without_a_control_has_mean_at_most_one_within_the_limit(
    n: int, limit: float, healthier: float
) -> None:
    for index in range(len(FACTORS)):
        chances = ((k, binomial(n, limit * healthier, k)) for k in range(n + 1))
        mean = sum(exp(log(p) + alone(k, n, limit, FACTORS)[index]) for k, p in chances if p > 0)
        assert mean <= ROUNDING


@settings(max_examples=60, deadline=None)
@given(
    allowed=st.floats(0.05, 30.0),
    healthier=st.floats(0.05, 1.0),
    spread=st.floats(0.02, MOST_SPREAD),
    factor=st.floats(1.2, 200.0),
    actual=st.sampled_from([None, 0.3, 1.0]),
)
def test_a_minutes_factor_has_mean_at_most_one_for_any_spread_up_to_the_assumed(
    allowed: float, healthier: float, spread: float, factor: float, actual: float | None
) -> None:
    rate = allowed * healthier

    def chance(k: int) -> float:
        if actual is None:
            return poisson(rate, k)
        return gamma_poisson(rate, spread * actual, k)

    chances = ((k, chance(k)) for k in range(1500))
    mean = sum(exp(log(p) + minute_log(k, allowed, factor, spread)) for k, p in chances if p > 0)
    assert mean <= ROUNDING


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 400), limit=st.floats(0.002, 0.3), worse=st.floats(1.0, 3.0))
def test_evidence_for_the_canary_has_mean_at_most_one_over_the_limit(
    n: int, limit: float, worse: float
) -> None:
    for share in BETTER:
        mean = sum(
            binomial(n, min(limit * worse, 1.0), k) * exp(k * log(share) + n * limit * (1 - share))
            for k in range(n + 1)
        )
        assert mean <= ROUNDING


def test_a_stake_that_meets_nothing_keeps_its_value() -> None:
    stake, schedule = Stake([1, 2, 3]), Schedule()
    for at in range(0, 4000, 5):
        share = schedule.due(at, stage=at // 1000)
        if share:
            stake.invest(share)
        stake.grow([0.0, 0.0, 0.0])
    assert isclose(stake.value, 1.0)
    assert 0 < stake.left < 0.2


def test_a_stake_never_overflows() -> None:
    stake = Stake([1.0])
    stake.invest(0.5)
    for _ in range(10):
        stake.grow([10_000.0])
    assert 1e200 < stake.value < float("inf")
    assert stake.value_with([1e6]) < float("inf")


def test_without_requests_there_is_no_evidence() -> None:
    comparison = Comparison(for_errors("e", 0.005))
    for at in range(5, 3000, 5):
        assert isclose(comparison.take(at, 0.0, Counts(0, 0, 0), Counts(100, 3, 3)), 1.0)


def test_spread_is_measured_on_stable() -> None:
    calm, bursty = Usual(for_errors("e", 0.005)), Usual(for_errors("e", 0.005))
    for minute in range(40):
        calm.learn(12_000, 10 + minute % 5, 0, ill=False)
        bursty.learn(12_000, 120 if minute % 10 == 3 else 12, 0, ill=minute % 10 == 3)
    assert calm.spread == for_errors("e", 0.005).least_spread
    assert bursty.begins > 2 * calm.begins
    assert isclose(bursty.bad, 0.001, rel_tol=0.1)
    assert 0.005 < bursty.worst <= 0.01


def test_a_latency_gate_allows_what_its_quantile_leaves() -> None:
    terms = for_latency("l", 0.99)
    assert isclose(terms.limit, 0.01)
    assert terms.warm_up == 60.0


@pytest.mark.parametrize("mean", [0.2, 3.0, 40.0, 390.0, 900.0])
def test_the_poisson_tail_is_exact_enough(mean: float) -> None:
    for count in (0, round(mean), round(mean * 1.2 + 2)):
        summed = 1 - sum(poisson(mean, k) for k in range(count))
        assert poisson_tail(count, mean) == pytest.approx(summed, rel=0.05, abs=1e-4)


def test_the_poisson_tail_far_out_is_nothing() -> None:
    assert poisson_tail(5000, 20.0) == 0.0
    assert poisson_tail(450, 22.5) < 1e-200


def test_what_was_visible_shrinks_with_traffic() -> None:
    few, many = visible(200, 0.0013, 7.0), visible(20_000, 0.0013, 7.0)
    assert few is not None
    assert many is not None
    assert many < 0.005
    assert 0.02 < few < 0.12
    assert visible(1, 0.0013, 7.0) is None


def test_trailing_sums_forget() -> None:
    trailing = Trailing(100.0, 2)
    for at in range(0, 200, 10):
        trailing.add(at, 1.0, 2.0)
    assert trailing.sums(190) == [10.0, 20.0]
    assert trailing.sums(1000) == [0.0, 0.0]
