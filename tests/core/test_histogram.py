"""Histograms: against brute force over the observations, and against Prometheus' own readings."""

from __future__ import annotations

from math import ceil, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.histogram import (
    above,
    beyond,
    count,
    cumulative,
    estimated_above,
    quantile,
    split_by,
)
from canaryctl.core.series import Sample, Series, Window

WINDOW = Window(100, 160)


def bucket(le: str, *values: float, **labels: str) -> Series:
    """A bucket sampled at 100 (the window's start), 110, 120 and so on."""
    samples = (Sample(100 + 10 * n, value) for n, value in enumerate(values))
    return Series({"le": le, **labels}, tuple(samples))


def bucketed(observations: list[float], bounds: list[float]) -> dict[float, float]:
    return {b: float(sum(o <= b for o in observations)) for b in [*bounds, inf]}


# --- counting buckets ----------------------------------------------------------------------


def test_buckets_are_counted_over_the_window_and_summed_over_instances() -> None:
    series = [
        bucket("0.5", 10, 13, instance="a"),
        bucket("+Inf", 20, 25, instance="a"),
        bucket("0.5", 1, 2, instance="b"),
        bucket("+Inf", 1, 3, instance="b"),
    ]
    assert cumulative(series, WINDOW) == {0.5: 4, inf: 7}


def test_a_histogram_born_in_the_window_counts_from_its_first_observation() -> None:
    born = [Series({"le": le}, (Sample(130, value),)) for le, value in (("1", 0), ("+Inf", 1))]
    assert cumulative(born, WINDOW) == {1: 0, inf: 1}


def test_one_bound_spelt_in_two_ways_is_one_bound() -> None:
    series = [bucket("1", 0, 2), bucket("1.0", 0, 3), bucket("+Inf", 0, 5)]
    assert cumulative(series, WINDOW) == {1: 5, inf: 5}


def test_what_buckets_held_when_their_process_was_first_seen_does_not_count() -> None:
    series = [
        Series({"le": le, "instance": "a"}, (Sample(110, held), Sample(120, held + 2)))
        for le, held in (("1", 300.0), ("+Inf", 900.0))
    ]
    assert cumulative(series, WINDOW, {"a": 110}) == {1: 2, inf: 2}
    assert cumulative(series, WINDOW, {"a": 90}) == {1: 302, inf: 902}


@pytest.mark.parametrize("le", ["", "fast", "NaN", "-Inf", "1,5"])
def test_what_is_no_bound_is_ignored(le: str) -> None:
    assert cumulative([bucket(le, 0, 9), bucket("+Inf", 0, 5)], WINDOW) == {inf: 5}
    assert cumulative([Series({}, (Sample(100, 0), Sample(110, 9)))], WINDOW) == {}


def test_a_bound_without_usable_samples_is_unknown_not_zero() -> None:
    series = [bucket("0.5", 0, 8), bucket("1", nan, nan), bucket("+Inf", 0, 10)]
    assert cumulative(series, WINDOW) == {0.5: 8, inf: 10}


def test_bounds_come_in_order() -> None:
    series = [bucket("+Inf", 0, 3), bucket("10", 0, 2), bucket("9", 0, 1)]
    assert list(cumulative(series, WINDOW)) == [9, 10, inf]


def test_splitting_keeps_every_series_and_calls_a_missing_label_empty() -> None:
    fast, slow, none = bucket("1", 0, mode="fast"), bucket("1", 0, mode="slow"), bucket("1", 0)
    parts = split_by([slow, fast, none, fast], "mode")
    assert parts == {"": (none,), "fast": (fast, fast), "slow": (slow,)}
    assert list(parts) == ["", "fast", "slow"]


# --- quantiles -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "buckets", "read"),
    [
        # Read off Prometheus 2.42 with `promtool test rules`.
        (0.95, {1: 10, 2: 20, inf: 20}, 1.9),
        (0.5, {1: 10, 2: 20, inf: 20}, 1.0),
        (0.25, {1: 10, 2: 20, inf: 20}, 0.5),
        (0.95, {1: 10, 2.5: 18, inf: 20}, 2.5),
        (0.99, {0.1: 90, 0.5: 99, 1: 100, inf: 100}, 0.5),
        (0.9, {0.1: 7, 0.5: 5, 1: 9, inf: 8}, 0.775),
        (0.5, {-1: 6, 1: 10, inf: 10}, -1.0),
        (0.8, {-1: 6, 1: 10, inf: 10}, 0.0),
        (0.5, {0: 4, 1: 8, inf: 8}, 0.0),
        (1.0, {1: 3, 2: 3, 4: 4, inf: 4}, 4.0),
    ],
)
def test_reads_as_prometheus_does(q: float, buckets: dict[float, float], read: float) -> None:
    assert quantile(q, buckets) == pytest.approx(read)


@pytest.mark.parametrize(
    "buckets",
    [
        {},
        {inf: 5},
        {1: 5},
        {1: 5, 2: 6},
        {1: 0, 2: 0, inf: 0},
    ],
)
def test_nothing_to_estimate_from_is_none_never_nan(buckets: dict[float, float]) -> None:
    assert quantile(0.95, buckets) is None
    assert not beyond(0.95, buckets)


@pytest.mark.parametrize("q", [-0.1, 1.01, 95, nan])
def test_what_is_no_quantile_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile(q, {1: 5, inf: 5})
    with pytest.raises(ValueError, match="between 0 and 1"):
        beyond(q, {})


def test_the_zero_quantile_starts_where_observations_do() -> None:
    assert quantile(0, {1: 0, 2: 3, inf: 3}) == 1
    assert quantile(0, {1: 2, inf: 2}) == 0


def test_a_quantile_above_every_finite_bound_says_so() -> None:
    slow = {1: 10, 2.5: 18, inf: 20}
    assert quantile(0.95, slow) == 2.5
    assert beyond(0.95, slow)
    assert not beyond(0.9, slow)


OBSERVATIONS = st.lists(st.integers(1, 1200).map(lambda n: n / 100), min_size=1, max_size=60)
BOUNDS = st.lists(
    st.integers(1, 1000).map(lambda n: n / 100), min_size=1, max_size=8, unique=True
).map(sorted)
QUANTILES = st.sampled_from([0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0])


@given(OBSERVATIONS, BOUNDS, QUANTILES)
def test_the_estimate_lies_in_the_bucket_of_the_true_quantile(
    observations: list[float], bounds: list[float], q: float
) -> None:
    true = sorted(observations)[ceil(q * len(observations)) - 1]
    buckets = bucketed(observations, bounds)
    estimate = quantile(q, buckets)
    assert estimate is not None
    assert beyond(q, buckets) == (true > bounds[-1])
    if true > bounds[-1]:
        assert estimate == bounds[-1]
    else:
        upper = min(b for b in bounds if b >= true)
        lower = max((b for b in bounds if b < true), default=0.0)
        assert lower - 1e-9 <= estimate <= upper + 1e-9


@given(OBSERVATIONS, BOUNDS, QUANTILES, QUANTILES)
def test_higher_quantiles_are_never_lower(
    observations: list[float], bounds: list[float], one: float, two: float
) -> None:
    buckets = bucketed(observations, bounds)
    low, high = quantile(min(one, two), buckets), quantile(max(one, two), buckets)
    assert low is not None
    assert high is not None
    assert low <= high + 1e-9


@given(
    st.dictionaries(st.sampled_from([0.1, 0.5, 1.0, 2.5, inf]), st.integers(0, 40)),
    QUANTILES,
)
def test_whatever_the_counts_the_answer_is_a_finite_bound_or_between_two(
    buckets: dict[float, float], q: float
) -> None:
    estimate = quantile(q, buckets)
    answerable = inf in buckets and len(buckets) > 1 and max(buckets.values()) > 0
    assert (estimate is not None) == answerable
    if estimate is not None:
        assert 0 <= estimate <= max(b for b in buckets if b < inf)
    for bound in (0.0, 0.3, 2.5, 9.0):
        assert 0 <= above(bound, buckets) <= count(buckets)


# --- counts --------------------------------------------------------------------------------


@given(OBSERVATIONS, BOUNDS, st.integers(1, 1200).map(lambda n: n / 100))
def test_above_is_exact_at_a_bound_and_never_too_high_between_two(
    observations: list[float], bounds: list[float], limit: float
) -> None:
    buckets = bucketed(observations, bounds)
    assert count(buckets) == len(observations)
    assert above(limit, buckets) <= sum(o > limit for o in observations)
    for bound in bounds:
        assert above(bound, buckets) == sum(o > bound for o in observations)


@given(OBSERVATIONS, BOUNDS, QUANTILES, st.integers(1, 1200).map(lambda n: n / 100))
def test_a_quantile_is_above_a_limit_exactly_when_too_many_are_estimated_so(
    observations: list[float], bounds: list[float], q: float, limit: float
) -> None:
    buckets = bucketed(observations, bounds)
    estimate, estimated = quantile(q, buckets), estimated_above(limit, buckets)
    allowed = (1 - q) * len(observations)
    assert estimate is not None
    assert above(limit, buckets) <= estimated + 1e-9
    off_scale = limit >= bounds[-1] and beyond(q, buckets)
    if off_scale:
        assert estimated > allowed
    elif abs(estimated - allowed) > 1e-6:
        assert (estimate > limit) == (estimated > allowed)


def test_above_every_finite_bound_nothing_is_sure() -> None:
    assert above(3, {1: 10, 2.5: 18, inf: 20}) == 0
    assert above(2.5, {1: 10, 2.5: 18, inf: 20}) == 2
    assert above(2, {1: 10, 2.5: 18, inf: 20}) == 2


def test_without_the_inf_bucket_nothing_is_known() -> None:
    assert count({}) == 0
    assert count({1: 5}) == 0
    assert above(1, {1: 5, 2: 7}) == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.integers(1, 400)), max_size=50
    ),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_scraped_buckets_hold_the_observations_made_in_the_window(
    made: list[tuple[int, str, int]], one: int, two: int
) -> None:
    start, end = min(one, two) + 0.5, max(one, two) + 0.5
    bounds = [0.5, 1.0, 2.5, inf]
    looks = [n + 0.5 for n in range(31)]
    series = [
        Series(
            {"le": "+Inf" if bound == inf else str(bound), "instance": instance},
            tuple(
                Sample(at, sum(t < at and i == instance and ms / 100 <= bound for t, i, ms in made))
                for at in looks
            ),
        )
        for instance in "abc"
        for bound in bounds
    ]
    inside = [ms / 100 for t, _, ms in made if start < t < end]
    assert cumulative(series, Window(start, end)) == bucketed(inside, bounds[:-1])


@given(
    st.lists(st.integers(0, 50), min_size=3, max_size=6), st.floats(0.01, 8), st.floats(0.05, 0.95)
)
def test_the_estimate_above_a_bound_agrees_with_the_quantile(
    amounts: list[int], bound: float, q: float
) -> None:
    reached, buckets = 0, {}
    for index, amount in enumerate(amounts):
        reached += amount
        buckets[float(index + 1)] = float(reached)
    buckets[inf] = float(reached)
    value = quantile(q, buckets)
    if value is None:
        return
    share = estimated_above(bound, buckets) / reached
    if value > bound + 1e-9:
        assert share >= 1 - q - 1e-9
    if value < bound - 1e-9:
        assert share <= 1 - q + 1e-9
