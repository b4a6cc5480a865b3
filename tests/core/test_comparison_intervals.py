"""Intervals keep their level: known values, exact coverage, and samples whose truth is known."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from math import comb, exp, inf, log
from statistics import NormalDist, variance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.comparison.beta import at_least, beta_quantile, beta_share, student
from canaryctl.core.comparison.difference import each_of_two, of_several
from canaryctl.core.comparison.means import FEWEST, largest_variance, means_interval
from canaryctl.core.comparison.quantiles import quantile_interval, quantiles_interval
from canaryctl.core.comparison.rates import rate_interval, rates_interval

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, inf)


def histogram(values: Sequence[float], bounds: Sequence[float] = BOUNDS) -> dict[float, float]:
    counts = Counter(bounds[bisect_left(bounds, value)] for value in values)
    return {bound: sum(counts[low] for low in bounds if low <= bound) for bound in bounds}


def binomial(n: int, p: float) -> list[float]:
    return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


# --- the beta distribution -----------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("p", [0.001, 0.05, 0.5, 0.99])
def test_binomial_tails_are_the_sum_of_their_terms(n: int, p: float) -> None:
    terms = binomial(n, p)
    for k in range(n + 2):
        assert at_least(k, n, p) == pytest.approx(sum(terms[k:]), rel=1e-10, abs=1e-14)


def test_a_quantile_is_the_inverse_of_the_share_also_of_large_samples() -> None:
    for a, b, share in product((0.5, 3, 3e5), (0.5, 40, 3e7), (1e-4, 0.5, 0.999)):
        assert beta_share(beta_quantile(share, a, b), a, b) == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize(
    ("alpha", "freedom", "t"),
    [(0.05, 9, 2.262157), (0.01, 29, 2.756386), (0.05, 1, 12.706205), (0.001, 120, 3.373454)],
)
def test_students_t_is_that_of_the_tables(alpha: float, freedom: float, t: float) -> None:
    assert student(alpha, freedom) == pytest.approx(t, abs=1e-6)


def test_students_t_of_many_is_the_normal_one() -> None:
    assert student(0.05, 1e7) == pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-6)


# --- rates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "total", "low", "high"),
    [(0, 10, 0.0, 1 - 0.025**0.1), (10, 10, 0.025**0.1, 1.0), (1, 10, 0.002529, 0.445016)],
)
def test_clopper_and_pearson(bad: float, total: float, low: float, high: float) -> None:
    assert rate_interval(bad, total, 0.95) == pytest.approx((low, high), abs=1e-6)


def test_a_difference_of_rates_by_hand() -> None:
    # 5 of 100 at 95 % is 1.6432 … 11.2835 %, 1 of 100 is 0.0253 … 5.4459 %.
    found = rates_interval(5, 100, 1, 100, 0.95)
    low = 0.04 - ((0.05 - 0.016432) ** 2 + (0.054459 - 0.01) ** 2) ** 0.5
    high = 0.04 + ((0.112835 - 0.05) ** 2 + (0.01 - 0.000253) ** 2) ** 0.5
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)
    assert found.level == 0.95
    assert not found.excludes_zero


def missed(n: int, m: int, p: float, q: float, level: float) -> float:
    """Count out how often the interval misses the true difference; nothing is drawn."""
    total = 0.0
    for (x, chance), (y, other) in product(
        enumerate(binomial(n, p)), [(y, c) for y, c in enumerate(binomial(m, q)) if c > 1e-9]
    ):
        if chance * other > 1e-9:
            found = rates_interval(x, n, y, m, level)
            total += chance * other * (not found.low <= p - q <= found.high)
    return total


@pytest.mark.parametrize("level", [0.95, 0.99, 0.997])
@pytest.mark.parametrize(
    ("n", "m", "p", "q"),
    [
        *((10, 10, p, p) for p in (0.005, 0.3)),
        *((10, 1000, p, p) for p in (0.001, 0.005)),
        *((50, 950, p, 0.005) for p in (0.001, 0.005, 0.02)),
        *((100, 100, p, 0.005) for p in (0.005, 0.02)),
        (30, 60, 0.3, 0.3),
    ],
)
def test_a_difference_of_rates_keeps_its_level(
    n: int, m: int, p: float, q: float, level: float
) -> None:
    assert missed(n, m, p, q, level) <= 1 - level


def test_wilsons_intervals_in_its_place_would_not_keep_it() -> None:
    """The figures in ``core/comparison/rates.py``."""

    def wilson(bad: int, total: int) -> tuple[float, float]:
        z = NormalDist().inv_cdf(0.995)
        p, share = bad / total, 1 / (1 + z * z / total)
        middle = p + z * z / 2 / total
        reach = z * (p * (1 - p) / total + z * z / 4 / total**2) ** 0.5
        return (middle - reach) * share, (middle + reach) * share

    outside = {"wilson": 0.0, "exact": 0.0}
    width = {"wilson": 0.0, "exact": 0.0}
    stable = [exp(log(comb(4950, y)) + y * log(0.001) + (4950 - y) * log(0.999)) for y in range(40)]
    for (x, chance), (y, other) in product(enumerate(binomial(50, 0.001)[:6]), enumerate(stable)):
        ours, theirs = wilson(x, 50), wilson(y, 4950)
        value = x / 50 - y / 4950
        low = value - ((x / 50 - ours[0]) ** 2 + (theirs[1] - y / 4950) ** 2) ** 0.5
        high = value + ((ours[1] - x / 50) ** 2 + (y / 4950 - theirs[0]) ** 2) ** 0.5
        outside["wilson"] += chance * other * (low > 0 or high < 0)
        width["wilson"] += chance * other * (high - low)
        exact = rates_interval(x, 50, y, 4950, 0.99)
        outside["exact"] += chance * other * exact.excludes_zero
        width["exact"] += chance * other * (exact.high - exact.low)
    assert outside["wilson"] == pytest.approx(0.048, abs=0.0005)
    assert outside["exact"] == pytest.approx(0.0015, abs=0.0001)
    assert width["exact"] < width["wilson"]


# --- quantiles -----------------------------------------------------------------------------


def ranks(q: float, n: int, level: float) -> tuple[int, int]:
    """Find the two ordered observations by summing the binomial's terms."""
    terms, out = binomial(n, q), (1 - level) / 2
    lower = max(r for r in range(n + 1) if sum(terms[:r]) <= out)
    upper = min(r for r in range(1, n + 2) if sum(terms[r:]) <= out)
    return lower, upper


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.sampled_from([0.5, 0.95, 0.99]), st.sampled_from([0.9, 0.95, 0.99]))
def test_ranks_are_those_of_the_binomial(n: int, q: float, level: float) -> None:
    # One bucket an observation: the bucket bounds name the ranks.
    fine = {float(k): float(k) for k in range(1, n + 1)} | {inf: float(n)}
    lower, upper = ranks(q, n, level)
    low, high = quantile_interval(q, fine, level)
    assert low == (lower - 1 if lower else 0)
    assert high == (upper if upper <= n else inf)


def test_the_median_of_a_hundred_lies_between_the_40th_and_the_61st() -> None:
    assert ranks(0.5, 100, 0.95) == (40, 61)
    buckets = {1.0: 39.0, 2.0: 60.0, 4.0: 100.0, inf: 100.0}
    assert quantile_interval(0.5, buckets, 0.95) == (1.0, 4.0)
    assert quantile_interval(0.5, {1.0: 40.0, 2.0: 61.0, inf: 100.0}, 0.95) == (0.0, 2.0)


def test_too_few_observations_leave_the_upper_end_open() -> None:
    low, high = quantile_interval(0.95, {1.0: 5.0, 2.0: 10.0, inf: 10.0}, 0.95)
    assert (low, high) == (1.0, inf)
    assert quantile_interval(0.95, {}, 0.95) == (-inf, inf)
    assert quantile_interval(0.5, {1.0: 0.0, inf: 0.0}, 0.95) == (0.0, inf)


def test_buckets_below_zero_leave_the_lower_end_open() -> None:
    assert quantile_interval(0.5, {-1.0: 50.0, 1.0: 100.0, inf: 100.0}, 0.95)[0] == -inf


def test_ends_of_a_difference_add_up() -> None:
    ours = {0.1: 0.0, 0.2: 1000.0, inf: 1000.0}
    theirs = {0.5: 0.0, 1.0: 1000.0, inf: 1000.0}
    found = quantiles_interval(0.95, ours, theirs, 0.99)
    assert (found.low, found.high) == pytest.approx((0.1 - 1.0, 0.2 - 0.5))
    assert found.excludes_zero


def drawn(rng: random.Random, sigma: float) -> Callable[[], float]:
    return lambda: 0.2 * exp(sigma * rng.gauss(0, 1))


@pytest.mark.parametrize("q", [0.5, 0.95])
@pytest.mark.parametrize(("n", "m"), [(20, 200), (200, 200)])
def test_a_difference_of_quantiles_keeps_its_level(q: float, n: int, m: int) -> None:
    """Buckets as fine as the observations, so that their width adds nothing."""
    rng = random.Random(7)  # noqa: S311  a seeded simulation
    one, other = drawn(rng, 1.0), drawn(rng, 0.5)
    z = NormalDist().inv_cdf(q)
    true = 0.2 * exp(z) - 0.2 * exp(0.5 * z)
    runs, outside = 500, 0
    for _ in range(runs):
        ours, theirs = sorted(one() for _ in range(n)), sorted(other() for _ in range(m))
        fine = [
            {value: float(rank) for rank, value in enumerate(values, 1)} | {inf: float(len(values))}
            for values in (ours, theirs)
        ]
        found = quantiles_interval(q, fine[0], fine[1], 0.9)
        outside += not found.low <= true <= found.high
    assert outside / runs <= 0.1


# --- means ---------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(0.001, 40), min_size=FEWEST, max_size=90))
def test_no_sample_varies_more_than_its_buckets_and_sum_allow(values: list[float]) -> None:
    bound = largest_variance(histogram(values), sum(values))
    assert bound is not None
    assert variance(values) <= bound * (1 + 1e-9) + 1e-9


def test_the_largest_variance_is_reached() -> None:
    # All in (1, 2], half of them at either end: the sum allows no more.
    half = FEWEST // 2
    values = [1.0000001] * half + [2.0] * half
    found = largest_variance(histogram(values, (1.0, 2.0, inf)), sum(values))
    assert found == pytest.approx(variance(values), rel=1e-5)
    # A sum at the lower ends allows no scatter at all, and one that is too small neither.
    at_the_bottom = {1.0: 0.0, 2.0: 40.0, inf: 40.0}
    assert largest_variance(at_the_bottom, 40.0) == pytest.approx(0.0)
    assert largest_variance(at_the_bottom, 3.0) == pytest.approx(0.0)


def test_a_mean_without_enough_or_with_negative_observations_has_no_interval() -> None:
    few, many = histogram([0.2] * (FEWEST - 1)), histogram([0.2] * FEWEST)
    assert means_interval(few, 5.8, many, 6.0, 0.99) is None
    assert means_interval(many, 6.0, few, 5.8, 0.99) is None
    assert largest_variance({-1.0: 3.0, 1.0: 40.0, inf: 40.0}, 1.0) is None
    assert largest_variance({}, 0.0) is None


def test_a_difference_of_means_by_hand() -> None:
    # 40 in (0, 1] with a sum of 20 are at most 20 zeros and 20 ones: variance 10 / 39.
    ours, theirs = {1.0: 40.0, inf: 40.0}, {1.0: 40.0, inf: 40.0}
    found = means_interval(ours, 20.0, theirs, 10.0, 0.95)
    assert found is not None
    # 30 zeros and 10 ones: variance 7.5 / 39. t of 39 degrees is 2.022691.
    reach = 2.022691 * ((10 / 39 + 7.5 / 39) / 40) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.25 - reach, 0.25 + reach), abs=1e-6)


@pytest.mark.parametrize("median", [0.05, 0.2, 1.0])
def test_a_difference_of_means_keeps_its_level_and_never_says_slower_for_nothing(
    median: float,
) -> None:
    rng = random.Random(11)  # noqa: S311  a seeded simulation
    runs, slower, faster = 400, 0, 0
    for _ in range(runs):
        ours, theirs = (
            [median * exp(rng.gauss(0, 1)) for _ in range(size)] for size in (FEWEST, 1000)
        )
        found = means_interval(histogram(ours), sum(ours), histogram(theirs), sum(theirs), 0.99)
        assert found is not None
        slower += found.low > 0
        faster += found.high < 0
    assert slower == 0
    assert faster / runs <= 0.02


# --- several at once -----------------------------------------------------------------------


def test_levels() -> None:
    assert each_of_two(0.9) ** 2 == pytest.approx(0.9)
    assert of_several(0.95, 5) == pytest.approx(0.99)
    assert of_several(0.95, 0) == pytest.approx(0.95)
