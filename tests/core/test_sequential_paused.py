"""A paused stage: its time stands still, and its evidence does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.sequential.course import Bound, Course, Move, Policy
from canaryctl.core.sequential.judge import Assessment, Judge

CLEAR = Assessment(
    quality=0.0,
    traffic=0.0,
    quality_needed=4.8,
    traffic_needed=6.5,
    back=False,
    reason="",
    hold=(),
    clear=True,
    open=(),
    gates=(),
)


def course(observe: float = 60.0, **policy: float) -> Course:
    made = Course(Judge((), risk=0.01), Policy(**policy))  # type: ignore[arg-type]
    made.enter(0.0, observe, None)
    return made


def test_a_pause_adds_nothing_to_what_was_observed() -> None:
    one = course()
    assert one.step(20.0, CLEAR, data=True).observed == 20.0
    for at in (30.0, 600.0):
        step = one.step(at, CLEAR, data=True, paused=True)
        assert (step.move, step.reason, step.observed) == (Move.HOLD, "paused", 20.0)
    assert one.step(610.0, CLEAR, data=True).observed == 30.0
    assert one.step(640.0, CLEAR, data=True).move is Move.ADVANCE


def test_evidence_speaks_in_a_pause() -> None:
    guilty = replace(CLEAR, back=True, reason="errors")
    step = course().step(30.0, guilty, data=True, paused=True)
    assert (step.move, step.reason) == (Move.BACK, "errors")


def test_a_pause_takes_nothing_from_what_stable_may_hold() -> None:
    one = course(hold_for=100.0)
    troubled = replace(CLEAR, hold=("errors",))
    assert one.step(500.0, troubled, data=True, paused=True).move is Move.HOLD
    assert one.step(590.0, troubled, data=True).move is Move.HOLD
    step = one.step(600.0, troubled, data=True)
    assert (step.move, step.bound) == (Move.INCONCLUSIVE, Bound.HOLD)


def test_a_wait_of_the_plan_takes_nothing_from_what_stable_may_hold() -> None:
    one = course(hold_for=100.0)
    troubled = replace(CLEAR, hold=("errors",))
    step = one.step(500.0, troubled, data=True, waiting=True)
    assert (step.move, step.reason) == (Move.HOLD, "stable breaks its own limit: errors")
    one.enter(600.0, 60.0, None)
    assert one.step(690.0, troubled, data=True).move is Move.HOLD
    step = one.step(700.0, troubled, data=True)
    assert (step.move, step.bound) == (Move.INCONCLUSIVE, Bound.HOLD)


@pytest.mark.parametrize("paused_for", [0.0, 1000.0])
def test_a_pause_moves_the_bound_without_samples(paused_for: float) -> None:
    one = course(extend_to=3.0)
    if paused_for:
        one.step(paused_for, CLEAR, data=False, paused=True)
    assert one.step(paused_for + 179.0, CLEAR, data=False).move is Move.WAIT
    step = one.step(paused_for + 180.0, CLEAR, data=False)
    assert (step.move, step.bound) == (Move.INCONCLUSIVE, Bound.NO_DATA)


def test_a_pause_with_gaps_in_it_is_over_when_it_is_over() -> None:
    one = course()
    one.step(10.0, CLEAR, data=True, paused=True)
    one.step(400.0, CLEAR, data=False, paused=True)
    assert one.step(405.0, CLEAR, data=True).observed == 5.0
