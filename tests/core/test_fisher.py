"""Fisher's exact test, against all tables counted one by one."""

from __future__ import annotations

from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.comparison.fisher import more_often


def counted(bad: int, total: int, bad_there: int, total_there: int) -> float:
    every = bad + bad_there
    ways = [comb(total, k) * comb(total_there, every - k) for k in range(every + 1)]
    return sum(ways[bad:]) / comb(total + total_there, every)


@pytest.mark.parametrize(("total", "there"), list(product((0, 1, 4, 9), repeat=2)))
def test_it_is_the_share_of_tables_that_are_as_bad(total: int, there: int) -> None:
    for bad, bad_there in product(range(total + 1), range(there + 1)):
        expected = counted(bad, total, bad_there, there)
        assert more_often(bad, total, bad_there, there) == pytest.approx(expected)


def test_the_lady_tasting_tea() -> None:
    # Fisher 1935: eight cups, four of them milk first; all four told: 1 of 70.
    assert more_often(4, 4, 0, 4) == pytest.approx(1 / 70)


@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(0, 5000), st.integers(1, 5000))
def test_it_is_a_chance(bad: int, total: int, bad_there: int, there: int) -> None:
    chance = more_often(min(bad, total), total, min(bad_there, there), there)
    assert 0.0 <= chance <= 1.0
