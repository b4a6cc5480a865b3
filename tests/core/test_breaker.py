"""When the circuit breaker opens, closes and gives up, and that it always ends."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import cycle, islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.breaker import (
    CHANCE,
    Breaker,
    BreakerPolicy,
    Circuit,
    Trigger,
    half_open,
    seen,
)
from canaryctl.core.streaks import Served, Streaks, gathered
from canaryctl.core.weight import Weight

USUAL = BreakerPolicy()
LINES = {
    "g": Served(canary=True),
    "b": Served(canary=False),
    "s": Served(None, 10),
    "f": Served(None, 10, 10),
}
NOW = 1_000.0


def of(text: str) -> Streaks:
    found = Streaks()
    for number, part in enumerate(text.split("|")):
        found += (Streaks.GAP if number else Streaks()) + gathered(LINES[one] for one in part)
    return found


def after(*readings: str, policy: BreakerPolicy = USUAL, start: Breaker | None = None) -> Breaker:
    breaker = start or Breaker()
    for number, text in enumerate(readings):
        breaker = seen(policy, breaker, of(text), NOW + number)
    return breaker


def opened() -> Breaker:
    return after("bbbbb")


def halfway(*readings: str, policy: BreakerPolicy = USUAL) -> Breaker:
    return after(*readings, policy=policy, start=half_open(policy, opened(), NOW + 60))


# --- closed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "readings",
    [
        ("bbbbb",),
        ("gbbbbbg",),  # in the middle of one reading, with a success on either side
        ("bb", "bbb"),
        ("gb", "b", "", "sb", "b", "b"),
        ("gbb", "ss", "bbbg"),
        ("|bbbbb",),
        ("sssbsbsbsbsb",),  # stable serves on meanwhile
        ("bbbbbbbbbbbb",),
    ],
)
def test_failures_in_a_row_open_it(readings: tuple[str, ...]) -> None:
    found = after(*readings)
    assert found.circuit is Circuit.OPEN
    assert found.trigger is Trigger.FAILURES
    assert found.openings == 1
    assert found.until == NOW + len(readings) - 1 + 60
    assert "failed" in found.reason


@pytest.mark.parametrize(
    "readings",
    [
        (),
        ("",),
        ("bbbb",),
        ("bbbb", "gb"),
        ("bbbbgbbbb",),
        ("bbb", "|", "bbb"),  # nobody knows what was in between
        ("bbb|bbb",),
        ("bbb", "|bb", "|bb"),
        ("ssss", "ffff"),
        ("bfbfbfbfbfbfbf",),  # so does stable
        ("ffff", "bbbbb"),
        ("ssssssssffbbbbb",),  # 20 % at stable: five are no wonder
    ],
)
def test_nothing_less_opens_it(readings: tuple[str, ...]) -> None:
    found = after(*readings)
    assert found.circuit is Circuit.CLOSED
    assert (found.openings, found.reason, found.until) == (0, "", None)


@pytest.mark.parametrize(("share", "needed"), [(0.01, 5), (0.06, 5), (0.099, 6), (0.5, 20)])
def test_the_more_stable_fails_the_longer_a_streak_has_to_be(share: float, needed: int) -> None:
    assert needed == 5 or share**needed <= CHANCE * 1.001 < share ** (needed - 1)
    before = seen(USUAL, Breaker(), gathered([Served(None, 1000, round(1000 * share))]), NOW)
    almost = seen(USUAL, before, of("b" * (needed - 1)), NOW)
    assert almost.circuit is Circuit.CLOSED
    assert seen(USUAL, almost, of("b"), NOW).circuit is Circuit.OPEN


def test_the_reason_tells_what_stable_did() -> None:
    assert after("bbbbb").reason == "the canary failed 5 requests in a row"
    said = "the canary failed 5 requests in a row, stable 0 of about 20 meanwhile"
    assert after("gsbbsbbb").reason == said


def test_a_healthy_canary_practically_never_opens_it() -> None:
    """100,000 requests, of which the same share fails at either version."""
    for share in (0.005, 0.05, 0.1, 0.3, 0.9):
        draw, openings, breaker = random.Random(f"healthy {share}"), 0, Breaker()  # noqa: S311
        for _ in range(1_000):
            text = "".join(
                ("f" if draw.random() < share else "s")
                if draw.random() < 0.5
                else ("b" if draw.random() < share else "g")
                for _ in range(100)
            )
            breaker = seen(USUAL, breaker, of(text), NOW)
            if breaker.circuit is Circuit.OPEN:
                openings, breaker = openings + 1, Breaker(stable=breaker.stable)
        assert openings <= 1, share


def test_a_dead_canary_opens_it_however_stable_does_short_of_failing_itself() -> None:
    for share in (0, 0.05, 0.3):
        draw, breaker, requests = random.Random(f"dead {share}"), Breaker(), 0  # noqa: S311
        while breaker.circuit is Circuit.CLOSED and requests < 1000:
            requests += 1
            text = "b" + "".join("f" if draw.random() < share else "s" for _ in range(9))
            breaker = seen(USUAL, breaker, of(text), NOW)
        assert breaker.circuit is Circuit.OPEN
        assert requests <= (5 if share == 0 else 20), share


# --- open ---------------------------------------------------------------------------------


def test_while_open_nothing_that_comes_in_counts() -> None:
    one = opened()
    assert after("bbbbbbbb", "ggggggg", "|", start=one) == one


def test_half_open_comes_after_its_time_and_only_from_open() -> None:
    one = opened()
    found = half_open(USUAL, one, NOW + 61.5)
    assert found.circuit is Circuit.HALF_OPEN
    assert found.until == NOW + 61.5 + 600
    for wrong, at in ((one, NOW + 59), (Breaker(), NOW), (found, NOW + 100)):
        with pytest.raises(ValueError, match="comes after open"):
            half_open(USUAL, wrong, at)


# --- half-open ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "readings",
    [("ggggg",), ("gg", "s", "", "gg", "g"), ("gggggb",), ("gggg", "g"), ("|", "ggggg")],
)
def test_so_many_served_in_a_row_close_it(readings: tuple[str, ...]) -> None:
    found = halfway(*readings)
    assert found.circuit is Circuit.CLOSED
    assert found.openings == 1  # it is not forgotten
    assert found.streak.failed == readings[-1].count("b")


@pytest.mark.parametrize("readings", [("b",), ("ggggb",), ("gg", "ggbggggg"), ("|b",), ("ssssfb",)])
def test_one_that_fails_opens_it_again_at_once(readings: tuple[str, ...]) -> None:
    found = halfway(*readings)
    assert (found.circuit, found.openings) == (Circuit.OPEN, 2)
    assert found.trigger is Trigger.PROBE
    assert found.until == NOW + len(readings) - 1 + 60
    assert "of 5 failed" in found.reason


@pytest.mark.parametrize("readings", [("gggg",), ("gggg", "|g"), ("ggg|gg",), ("sss",), ()])
def test_before_that_it_waits(readings: tuple[str, ...]) -> None:
    assert halfway(*readings).circuit is Circuit.HALF_OPEN


def test_the_number_of_the_test_that_failed_is_told() -> None:
    assert halfway("gg", "gb").reason == "test request 4 of 5 failed"


def test_a_failed_test_says_nothing_while_stable_fails_as_well() -> None:
    found = halfway("fffs", "gggfb")
    assert (found.circuit, found.passed) == (Circuit.HALF_OPEN, 0)
    assert after("gggg", start=found).circuit is Circuit.HALF_OPEN  # in a row anew
    assert after("ggggg", start=found).circuit is Circuit.CLOSED


def test_without_requests_it_opens_again_and_blames_nobody() -> None:
    waiting = halfway("gg")
    assert waiting.until is not None
    assert seen(USUAL, waiting, Streaks(), waiting.until - 0.1).circuit is Circuit.HALF_OPEN
    found = seen(USUAL, waiting, Streaks(), waiting.until)
    assert (found.circuit, found.trigger) == (Circuit.OPEN, Trigger.NO_VERDICT)
    assert found.reason == "2 of 5 test requests in a row were served in 600 s"


def test_what_closes_it_at_the_last_moment_closes_it() -> None:
    waiting = halfway("gg")
    assert waiting.until is not None
    assert seen(USUAL, waiting, of("ggg"), waiting.until).circuit is Circuit.CLOSED


def test_a_streak_after_the_last_test_opens_it_again() -> None:
    found = halfway("gggggbbbbb")
    assert (found.circuit, found.trigger, found.openings) == (Circuit.OPEN, Trigger.FAILURES, 2)


# --- for good -----------------------------------------------------------------------------


def test_after_so_many_openings_it_is_back_for_good() -> None:
    breaker = opened()
    for number in range(2, 5):
        assert breaker.circuit is Circuit.OPEN
        assert breaker.until is not None
        breaker = after("b", start=half_open(USUAL, breaker, breaker.until))
        assert breaker.openings == number
    assert breaker.circuit is Circuit.BACK
    assert breaker.until is None
    said = "test request 1 of 5 failed; the circuit breaker had opened 3 times before"
    assert breaker.reason == said
    assert after("ggggggg", "bbbbb", start=breaker) == breaker


def test_openings_in_other_stages_count() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker = after("bbbbb", start=breaker)
        assert breaker.circuit is Circuit.OPEN
        assert breaker.until is not None
        breaker = after("ggggg", "gs", start=half_open(USUAL, breaker, breaker.until))
        assert breaker.circuit is Circuit.CLOSED
    assert after("bbbbb", start=breaker).circuit is Circuit.BACK


def test_with_no_opening_allowed_the_first_is_the_end() -> None:
    policy = BreakerPolicy(failures=10, openings=0)
    assert after("b" * 9, policy=policy).circuit is Circuit.CLOSED
    found = after("b" * 10, policy=policy)
    assert (found.circuit, found.reason) == (Circuit.BACK, "the canary failed 10 requests in a row")


# --- the policy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"failures": 1}, "failures is 2 or more"),
        ({"probes": 0}, "probes is 1 or more"),
        ({"openings": -1}, "openings is 0 or more"),
        ({"open_for": 0.0}, "open_for is longer than 0 s"),
        ({"open_for": float("nan")}, "open_for is longer than 0 s"),
        ({"half_open_for": float("inf")}, "half_open_for is longer than 0 s and ends"),
        ({"probe_weight": Weight.ZERO}, "probe_weight is above 0 %"),
    ],
)
def test_values_out_of_range_are_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(USUAL, **wrong)  # type: ignore[arg-type]


def test_a_test_never_gets_more_than_the_stage() -> None:
    assert USUAL.weight(Weight.FULL) == Weight(100)
    assert USUAL.weight(Weight(10)) == Weight(10)


# --- whatever comes -----------------------------------------------------------------------

POLICIES = st.builds(
    BreakerPolicy,
    failures=st.integers(2, 7),
    open_for=st.floats(0.5, 100),
    probes=st.integers(1, 6),
    openings=st.integers(0, 4),
    half_open_for=st.floats(0.5, 100),
)
LOGS = st.text("gb|sf", max_size=60) | st.text("bbbbbbg|", max_size=60)


@given(POLICIES, LOGS, st.data())
def test_it_never_opens_without_so_many_failures_in_a_row(
    policy: BreakerPolicy, log_: str, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(log_)), max_size=8).map(sorted))
    breaker = Breaker()
    for start, end in pairwise((0, *cuts, len(log_))):
        breaker = seen(policy, breaker, of(log_[start:end]), NOW)
        if breaker.circuit is not Circuit.CLOSED:
            break
    canary = "".join(one for one in log_ if one in "gb|")
    if breaker.circuit is not Circuit.CLOSED:
        assert "b" * policy.failures in canary
        assert breaker.openings == 1
    elif "f" not in log_:
        assert "b" * policy.failures not in canary  # and it misses none


@given(POLICIES, st.text("gb|s", max_size=60), st.data())
def test_wherever_the_readings_fall_it_opens_for_the_same_log(
    policy: BreakerPolicy, log_: str, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(log_)), max_size=8).map(sorted))
    parts = [log_[a:b] for a, b in pairwise((0, *cuts, len(log_)))]
    found, at_once = after(*parts, policy=policy), after(log_, policy=policy)
    assert found.circuit is at_once.circuit


@settings(deadline=None)
@given(POLICIES, st.lists(st.tuples(LOGS, st.floats(0.1, 20)), min_size=1, max_size=40))
def test_it_always_ends(policy: BreakerPolicy, readings: list[tuple[str, float]]) -> None:
    """Out of the closed circuit it is for a bounded time in all, whatever it is told."""
    breaker, at, troubled = Breaker(), NOW, 0.0
    for text, wait in islice(cycle(readings), 300):
        before = breaker
        breaker = seen(policy, breaker, of(text), at)
        if before.circuit in (Circuit.OPEN, Circuit.HALF_OPEN):
            troubled += wait
        assert breaker.openings <= policy.openings + 1
        assert (breaker.circuit is Circuit.BACK) == (breaker.openings == policy.openings + 1)
        assert breaker.openings >= before.openings
        assert (breaker.until is None) == (breaker.circuit in (Circuit.CLOSED, Circuit.BACK))
        if breaker.circuit is Circuit.BACK:
            break
        at += wait
        if breaker.circuit is Circuit.OPEN and breaker.until is not None and at >= breaker.until:
            breaker = half_open(policy, breaker, at)
    # A wait of 20 s at most may come on top of each bound, going in and coming out.
    assert troubled <= policy.longest + policy.openings * 4 * 20
    assert breaker.circuit is not Circuit.OPEN or breaker.until is not None


@given(st.integers(1, 400))
def test_without_any_traffic_it_comes_to_its_end(step: int) -> None:
    breaker, at = opened(), NOW
    while breaker.circuit is not Circuit.BACK:
        at += step
        if breaker.circuit is Circuit.OPEN and breaker.until is not None and at >= breaker.until:
            breaker = half_open(USUAL, breaker, at)
        breaker = seen(USUAL, breaker, Streaks(), at)
        assert at <= NOW + USUAL.longest + 6 * step
    assert breaker.trigger is Trigger.NO_VERDICT
