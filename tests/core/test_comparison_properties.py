"""Whatever the figures are: symmetry, estimates inside their intervals, rare false alarms."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from math import exp, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.comparison.compare import Comparison, compared
from canaryctl.core.comparison.side import Latency, Side
from canaryctl.core.series import Window

WHOLE = Window(1000.0, 1060.0)
BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, inf)


def latency_of(values: Sequence[float]) -> Latency:
    counts = [0] * len(BOUNDS)
    for value in values:
        counts[bisect_left(BOUNDS, value)] += 1
    sums = {bound: float(sum(counts[: n + 1])) for n, bound in enumerate(BOUNDS)}
    return Latency(sums, sum(values))


@st.composite
def sides(draw: st.DrawFn) -> Side:
    latency = latency_of(draw(st.lists(st.floats(0, 4), max_size=60)))
    total = draw(st.integers(0, 5000))
    return Side(
        requests=float(total),
        errors=float(draw(st.integers(0, total))),
        latency=latency,
        parts={"one": latency, "two": latency_of(draw(st.lists(st.floats(0, 4), max_size=20)))},
        seen=60.0,
        memory=draw(st.none() | st.floats(0, 1e10)),
    )


@settings(max_examples=120, deadline=None)
@given(sides(), sides())
def test_swapping_the_versions_turns_every_sign(one: Side, other: Side) -> None:
    ours, theirs = compared(one, other, WHOLE, "mode"), compared(other, one, WHOLE, "mode")
    assert ours.level == theirs.level
    assert ours.every().keys() == theirs.every().keys()
    for name, here in ours.every().items():
        there = theirs.every()[name]
        assert (here.value is None) is (there.value is None)
        if here.value is not None and there.value is not None:
            assert here.value == pytest.approx(-there.value)
        assert (here.interval is None) is (there.interval is None)
        if here.interval is not None and there.interval is not None:
            assert here.interval.low == pytest.approx(-there.interval.high)
            assert here.interval.high == pytest.approx(-there.interval.low)
    assert (ours.worse, ours.improved) == (theirs.improved, theirs.worse)
    assert ours.significant_difference == theirs.significant_difference
    if ours.is_better:
        assert theirs.is_better is False


@settings(max_examples=120, deadline=None)
@given(sides(), sides())
def test_what_was_measured_lies_in_its_interval(one: Side, other: Side) -> None:
    for found in compared(one, other, WHOLE, "mode").every().values():
        if found.interval is not None and found.value is not None:
            low, high = found.interval.low, found.interval.high
            assert low - 1e-9 <= found.value <= high + 1e-9


@settings(max_examples=40, deadline=None)
@given(sides())
def test_a_version_never_differs_from_itself(one: Side) -> None:
    assert not compared(one, one, WHOLE, "mode").significant_difference


def service(rng: random.Random, requests: int, errors: float, factor: float = 1.0) -> Side:
    """A version's minute: two modes, log-normal latencies, independent errors."""
    fast = [0.05 * factor * exp(0.8 * rng.gauss(0, 1)) for _ in range(requests // 2)]
    deep = [0.4 * factor * exp(0.8 * rng.gauss(0, 1)) for _ in range(requests - len(fast))]
    return Side(
        requests=float(requests),
        errors=float(sum(rng.random() < errors for _ in range(requests))),
        latency=latency_of([*fast, *deep]),
        parts={"fast": latency_of(fast), "deep": latency_of(deep)},
        seen=60.0,
    )


def shown(runs: int, seed: int, errors: float, factor: float) -> list[Comparison]:
    rng = random.Random(seed)  # noqa: S311  a seeded simulation
    return [
        compared(service(rng, 120, errors, factor), service(rng, 1200, 0.005), WHOLE, "mode")
        for _ in range(runs)
    ]


def test_two_equal_versions_rarely_differ_significantly() -> None:
    found = shown(300, 5, errors=0.005, factor=1.0)
    assert sum(bool(one.significant_difference) for one in found) / len(found) <= 0.05


@pytest.mark.parametrize(("errors", "factor"), [(0.15, 1.0), (0.005, 4.0)])
def test_a_version_that_is_clearly_worse_is_seen(errors: float, factor: float) -> None:
    found = shown(40, 6, errors=errors, factor=factor)
    assert sum(one.is_better is False for one in found) / len(found) >= 0.95
