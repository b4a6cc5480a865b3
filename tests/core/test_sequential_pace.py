"""Evaluations every second in stages of ten seconds, and every half a minute."""

from __future__ import annotations

from random import Random

import pytest

from canaryctl.core.sequential.batch import Attempts, Counts, Evaluation, Seen
from canaryctl.core.sequential.judge import Judge
from canaryctl.core.sequential.terms import for_errors
from canaryctl.simulate.draw import binomial, poisson

WEIGHTS = (0.01, 0.05, 0.25, 1.0)


def compressed() -> Judge:
    return Judge([for_errors("errors", 0.005)], shortest=10.0, down_for=2.0)


def looks(rng: Random, rate: float, *, start: float = 10.0, rps: float = 100.0) -> float | None:
    """Seconds from ``start`` to the rollback of a canary that fails at ``rate`` from then on."""
    judging = compressed()
    for second in range(1, 41):
        at, stage = float(second), min((second - 1) // 10, 3)
        weight = WEIGHTS[stage]
        ours, theirs = poisson(rng, rps * weight), poisson(rng, rps * (1 - weight))
        bad = binomial(rng, ours, rate if at > start else 0.001)
        also = binomial(rng, theirs, 0.001)
        seen = Evaluation(
            at,
            weight,
            10.0 * stage,
            {"errors": Seen(Counts(ours, bad, bad), Counts(theirs, also, also))},
            attempts=Attempts(ours, 0, theirs, 0),
            up=True,
        )
        if judging.take(seen).back:
            return at - start
    return None


def test_a_compressed_rollout_finds_gross_defects_in_seconds() -> None:
    rng = Random(5)  # noqa: S311  a simulation
    half = [looks(rng, 0.5, rps=500.0) for _ in range(40)]
    assert all(one is not None and one <= 3 for one in half)
    # At 5 requests a second, 5 % are one failure in four seconds: a second one has to come.
    found = sorted(
        one if one is not None else 99.0 for one in (looks(rng, 0.05) for _ in range(60))
    )
    assert found[30] <= 13
    assert found[-1] <= 20
    busy = sorted(
        one if one is not None else 99.0
        for one in (looks(rng, 0.05, rps=1000.0) for _ in range(60))
    )
    assert busy[30] <= 4
    assert busy[57] <= 6


def test_a_compressed_healthy_rollout_passes() -> None:
    rng = Random(7)  # noqa: S311  a simulation
    assert sum(looks(rng, 0.001) is not None for _ in range(200)) <= 2


def test_a_dead_canary_is_known_in_seconds() -> None:
    judging = compressed()
    for second in range(1, 30):
        dead = second > 15
        attempts = Attempts(5, 5 if dead else 0, 100, 0)
        seen = Evaluation(
            float(second),
            0.05,
            0.0,
            {"errors": Seen(None if dead else Counts(5, 0, 0), Counts(95, 0, 0))},
            attempts=attempts,
            up=not dead,
        )
        if judging.take(seen).back:
            break
    assert 15 < second <= 20


def half_minutes(bad: int, *, down: float = 0.0, judging: Judge | None = None) -> int | None:
    """Evaluations until the rollback, every 30 s; ``down``: seconds of outage across two."""
    judging = judging or Judge([for_errors("errors", 0.005)])
    for look in range(1, 60):
        failed = (300 * down / 60) if look in {20, 21} else 0.0
        seen = Evaluation(
            30.0 * look,
            0.05,
            0.0,
            {"errors": Seen(Counts(300, bad, bad), Counts(5700, 6, 6))},
            attempts=Attempts(300, failed, 5700 + failed, 0),
            up=True,
        )
        if judging.take(seen).back:
            return look
    return None


def test_evaluations_every_half_minute_work_too() -> None:
    assert half_minutes(0) is None
    assert half_minutes(0, down=9.0) is None
    assert half_minutes(150) in {1, 2}
    found = half_minutes(9)
    assert found is not None
    assert found <= 6


@pytest.mark.parametrize("answered", [0, 1])
def test_refused_scrapes_tell_where_attempts_are_few(answered: int) -> None:
    judging = Judge([for_errors("errors", 0.005)])
    backs = []
    for look in range(1, 30):
        dead = look > 10
        attempts = Attempts(1, 1 - answered if dead else 0, 100, 0)
        seen = Evaluation(5.0 * look, 0.01, 0.0, {}, attempts=attempts, up=not dead)
        backs.append(judging.take(seen).back)
    assert backs.index(True) == 12 if not answered else not any(backs)
