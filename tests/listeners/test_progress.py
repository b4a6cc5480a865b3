"""Time left, as the display shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.state import Phase, State
from canaryctl.listeners.line import cells
from canaryctl.listeners.progress import bar, fitting, parts, progress
from tests.listeners.walk import plan

OBSERVING = State(plan(observe=900.0), Phase.OBSERVING, index=0, since=1000.0, next_at=1260.0)


def test_in_mid_stage() -> None:
    seen = progress(OBSERVING, 1252.0)
    assert (seen.observed, seen.left, seen.next_in, seen.silent) == (252.0, 648.0, 8.0, None)
    assert parts(seen) == (
        "10 min 48 s left",
        "4 min 12 s of 15 min observed",
        "next evaluation in 8 s",
    )


def test_an_extended_stage_says_when_it_ends_at_the_latest() -> None:
    seen = progress(OBSERVING, 2000.0)
    assert seen.extended
    assert parts(seen)[:2] == (
        "extended: 16 min 40 s of 15 min",
        "ends in 28 min 20 s at the latest",
    )


def test_time_without_metrics_is_not_observed_time() -> None:
    seen = progress(replace(OBSERVING, lost=30.0, silent_since=1240.0), 1252.0)
    assert (seen.observed, seen.silent) == (210.0, 12.0)
    assert parts(seen)[0] == "waiting for metrics, 12 s so far"


@pytest.mark.parametrize(
    ("width", "said"), [(80, "a is long · b · c"), (13, "a is long · b"), (3, "a is long")]
)
def test_what_does_not_fit_is_left_out(width: int, said: str) -> None:
    assert fitting(("a is long", "b", "c"), width) == said


@pytest.mark.parametrize("width", [12, 40, 96])
@pytest.mark.parametrize("now", [1000.0, 1007.0, 1449.0, 1900.0, 3000.0])
def test_the_bar_fills_its_columns(width: int, now: float) -> None:
    assert cells(bar(progress(OBSERVING, now), width).text) == width


def test_the_bar_shows_the_share() -> None:
    text = bar(progress(OBSERVING, 1450.0), 46).text
    assert text == "━" * 20 + "─" * 20 + "  50 %"
