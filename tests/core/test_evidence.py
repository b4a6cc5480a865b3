"""How often chance alone shows so many bad events."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.evidence import beyond_chance, tail
from canaryctl.core.sequential.estimate import poisson_tail


def exact(k: int, n: int, p: Fraction) -> Fraction:
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 99))
def test_the_tail_is_the_binomial_one(k: int, n: int, percent: int) -> None:
    if k > n:
        k, n = n, k
    expected = float(exact(k, n, Fraction(percent, 100)))
    assert tail(k, n, percent / 100) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_extremes() -> None:
    assert tail(0, 100, 0.005) == 1.0
    assert tail(1, 100, 0.0) == 0.0
    assert tail(5, 100, 1.0) == 1.0
    assert 0 <= tail(500_000, 1_000_000, 0.49) < 1e-80


def test_far_from_the_mean_there_is_an_end() -> None:
    assert tail(10, 1_000_000, 0.05) == 1.0
    assert poisson_tail(450, 5) == 0.0
    assert poisson_tail(4, 350) == pytest.approx(1.0)


def test_a_single_error_is_chance_and_a_burst_is_not() -> None:
    assert not beyond_chance(1, 20, 0.005)
    assert beyond_chance(8, 20, 0.005)
    assert not beyond_chance(6, 1000, 0.005)
