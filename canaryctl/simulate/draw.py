"""Fast random counts from ``random.Random``: exact where small, normal where large."""

from __future__ import annotations

from math import exp, log, sqrt
from random import Random

EXACT = 30.0


def poisson(rng: Random, mean: float) -> int:
    """Draw a Poisson count; above a mean of 30 from the normal approximation."""
    if mean <= 0:
        return 0
    if mean > EXACT:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    chance = rng.random()
    term = summed = exp(-mean)
    count = 0
    while chance > summed and term > 0:
        count += 1
        term *= mean / count
        summed += term
    return count


def binomial(rng: Random, trials: int, chance: float) -> int:
    """Draw a binomial count; the normal approximation where both outcomes are frequent."""
    if trials <= 0 or chance <= 0:
        return 0
    if chance >= 1:
        return trials
    if chance > 0.5:  # noqa: PLR2004  the rarer outcome is drawn
        return trials - binomial(rng, trials, 1 - chance)
    mean = trials * chance
    if mean > EXACT:
        drawn = round(rng.gauss(mean, sqrt(mean * (1 - chance))))
        return min(max(drawn, 0), trials)
    # Gaps between events are geometric: as many draws as there are events.
    scale = log(1 - chance) or -chance  # 1 - chance is 1 for the smallest ones
    count, place = 0, 0
    while True:
        gap = log(1.0 - rng.random()) / scale
        if gap > trials:
            return count
        place += int(gap) + 1
        if place > trials:
            return count
        count += 1
