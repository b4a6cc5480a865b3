"""The draws have the moments they should."""

from __future__ import annotations

from random import Random
from statistics import fmean, pvariance

import pytest

from canaryctl.simulate.draw import binomial, poisson


@pytest.mark.parametrize("mean", [0.05, 2.0, 25.0, 400.0])
def test_poisson_mean_and_variance(mean: float) -> None:
    rng = Random(1)  # noqa: S311  a simulation
    drawn = [poisson(rng, mean) for _ in range(8000)]
    assert fmean(drawn) == pytest.approx(mean, rel=0.1)
    assert pvariance(drawn) == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize(("trials", "chance"), [(10, 0.001), (10, 0.5), (1000, 0.05), (900, 0.97)])
def test_binomial_mean_and_variance(trials: int, chance: float) -> None:
    rng = Random(2)  # noqa: S311  a simulation
    drawn = [binomial(rng, trials, chance) for _ in range(12_000)]
    assert min(drawn) >= 0
    assert max(drawn) <= trials
    assert fmean(drawn) == pytest.approx(trials * chance, rel=0.25)
    if trials * chance > 1:
        assert pvariance(drawn) == pytest.approx(trials * chance * (1 - chance), rel=0.15)


def test_impossible_draws_are_zero_and_certain_ones_everything() -> None:
    rng = Random(3)  # noqa: S311  a simulation
    assert poisson(rng, 0) == poisson(rng, -1) == binomial(rng, 0, 0.5) == binomial(rng, 5, 0) == 0
    assert binomial(rng, 5, 1.0) == 5


@pytest.mark.parametrize("chance", [1e-16, 1e-17, 5e-324])
def test_a_chance_below_what_one_can_be_lessened_by_is_none(chance: float) -> None:
    rng = Random(4)  # noqa: S311  a simulation
    assert binomial(rng, 1000, chance) == 0
    assert binomial(rng, 1000, 1 - chance) == 1000
