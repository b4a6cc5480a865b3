"""Gates on samples give findings: the mission's facts, and the ways data can be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from canaryctl.core.gate import (
    Finding,
    Gate,
    GaugeGate,
    LatencyGate,
    OnNoData,
    PromqlGate,
    RatioGate,
    Rule,
    Status,
    UpGate,
    ZeroGate,
)
from canaryctl.core.look import UP, Frame, Look, wanted
from canaryctl.core.measure import measure
from canaryctl.core.selector import Selector, parse_selector
from canaryctl.core.series import Readings, Sample, Series, SeriesWanted, Version, Wanted
from canaryctl.core.weight import Weight

START, NOW = 1000.0, 1060.0
FRAME = Frame(START, START, 10.0, {Version.CANARY: {"version": "canary"}}, "v0.2.0", Weight(500))
BAD = parse_selector('http_requests_total{status=~"5.."}')
TOTAL = parse_selector("http_requests_total")
Canned = Mapping[tuple[Version, Selector], Sequence[Series]]


def counter(end: float, begin: float = 0.0, **labels: str) -> Series:
    """Rise evenly from ``begin`` to ``end`` over the window, sampled every 10 s."""
    step = (end - begin) / 6
    samples = tuple(Sample(START + 10 * n, begin + step * n) for n in range(7))
    before = tuple(Sample(START - 10 * n, begin) for n in (2, 1))
    return Series({"instance": "a", **labels}, (*before, *samples))


def born(value: float, at: float, **labels: str) -> Series:
    times = [at + 10 * n for n in range(int((NOW - at) // 10) + 1)]
    return Series({"instance": "a", **labels}, tuple(Sample(t, value) for t in times))


def gauge(value: float, at: float = NOW, **labels: str) -> Series:
    return Series({"instance": "a", **labels}, (Sample(at - 10, value), Sample(at, value)))


def look(canned: Canned, values: Mapping[Wanted, tuple[float, ...]] | None = None) -> Look:
    series = {SeriesWanted(v, s): tuple(many) for (v, s), many in canned.items()}
    answered = Readings(NOW, series, values or {})  # type: ignore[arg-type]
    return Look(FRAME, answered, NOW)


def only(
    gate: Gate, canned: Canned, values: Mapping[Wanted, tuple[float, ...]] | None = None
) -> Finding:
    found = measure([gate], look(canned, values))
    assert len(found) == 1
    assert found[0].reason
    return found[0]


ERRORS = RatioGate(Rule("errors", maximum=0.005), BAD, TOTAL)


def test_one_500_in_a_thousand_requests_reads_a_tenth_of_a_percent() -> None:
    bad = born(1, NOW - 20, status="500")
    good = counter(1999, begin=1000, status="200")
    found = only(ERRORS, {(Version.CANARY, BAD): [bad], (Version.CANARY, TOTAL): [good, bad]})
    assert found.value == pytest.approx(0.001)
    assert (found.status, found.samples) == (Status.PASS, 1000)


def test_far_above_the_limit_fails_with_value_limit_and_samples() -> None:
    bad = counter(100, status="500")
    canned = {(Version.CANARY, BAD): [bad], (Version.CANARY, TOTAL): [counter(900), bad]}
    found = only(ERRORS, canned)
    assert found.status is Status.FAIL
    assert (found.value, found.limit, found.comparator) == (0.1, 0.005, "≤")
    assert "100 of 1000 requests" in found.reason


def test_above_the_limit_by_chance_is_not_yet_a_failure() -> None:
    bad = born(1, NOW - 20, status="500")
    canned = {(Version.CANARY, BAD): [bad], (Version.CANARY, TOTAL): [counter(99), bad]}
    found = only(ERRORS, canned)
    assert (found.status, found.value) == (Status.NO_DATA, 0.01)
    assert "chance" in found.reason


def test_min_samples_makes_the_reading_literal() -> None:
    literal = RatioGate(Rule("errors", maximum=0.005, min_samples=50), BAD, TOTAL)
    bad = born(1, NOW - 20, status="500")
    canned = {(Version.CANARY, BAD): [bad], (Version.CANARY, TOTAL): [counter(99), bad]}
    assert only(literal, canned).status is Status.FAIL
    few = {(Version.CANARY, BAD): [bad], (Version.CANARY, TOTAL): [counter(9), bad]}
    found = only(literal, few)
    assert (found.status, found.reason) == (Status.NO_DATA, "10 of the 50 requests needed")


@pytest.mark.parametrize("series", [[], [Series({}, ())], [Series({}, (Sample(NOW, math.nan),))]])
def test_nothing_empty_and_nan_are_no_data(series: list[Series]) -> None:
    assert only(ERRORS, {(Version.CANARY, TOTAL): series}).status is Status.NO_DATA


def test_old_samples_are_no_data_and_say_their_age() -> None:
    frozen = Series({"instance": "a"}, tuple(Sample(START - 10 + n, 100.0 * n) for n in range(15)))
    found = only(ERRORS, {(Version.CANARY, TOTAL): [frozen]})
    assert found.status is Status.NO_DATA
    assert "56 s old" in found.reason


def test_a_ratio_may_be_held_against_stable() -> None:
    gate = RatioGate(Rule("errors", max_ratio=2), BAD, TOTAL)
    stable = {
        (Version.STABLE, BAD): [counter(100)],
        (Version.STABLE, TOTAL): [counter(10_000)],
        (Version.CANARY, TOTAL): [counter(1000)],
    }
    fine = only(gate, {**stable, (Version.CANARY, BAD): [counter(15)]})
    assert (fine.status, fine.limit) == (Status.PASS, 0.02)
    awful = only(gate, {**stable, (Version.CANARY, BAD): [counter(60)]})
    assert awful.status is Status.FAIL
    assert "2 × stable" in awful.reason


def test_at_100_percent_a_multiple_of_stable_keeps_nobody_and_a_limit_still_holds() -> None:
    canary = {(Version.CANARY, TOTAL): [counter(1000)], (Version.CANARY, BAD): [counter(60)]}
    full = replace(FRAME, weight=Weight.FULL)

    def found(rule: Rule, frame: Frame) -> Finding:
        series = {SeriesWanted(v, s): tuple(many) for (v, s), many in canary.items()}
        (one,) = measure([RatioGate(rule, BAD, TOTAL)], Look(frame, Readings(NOW, series), NOW))
        return one

    ratio = Rule("errors", max_ratio=2)
    held = found(ratio, FRAME)
    assert (held.status, held.on_no_data) == (Status.NO_DATA, OnNoData.HOLD)
    passed = found(ratio, full)
    assert (passed.status, passed.on_no_data) == (Status.NO_DATA, OnNoData.PASS)
    assert "to compare with" in passed.reason
    both = replace(ratio, maximum=0.01)
    assert found(both, full).status is Status.FAIL


def test_a_lower_limit() -> None:
    success = parse_selector('http_requests_total{status="200"}')
    gate = RatioGate(Rule("success", minimum=0.95), success, TOTAL)
    canned = {(Version.CANARY, TOTAL): [counter(1000)]}
    found = only(gate, {**canned, (Version.CANARY, success): [counter(900)]})
    assert (found.status, found.comparator) == (Status.FAIL, "≥")
    assert only(gate, {**canned, (Version.CANARY, success): [counter(990)]}).status is Status.PASS


LATENCY = parse_selector("seconds")
BUCKET = LATENCY.suffixed("_bucket")


def histogram(fast: float, slow: float, **labels: str) -> list[Series]:
    """``fast`` observations of at most 1 s, ``slow`` ones of at most 5 s."""
    bounds = {"1": fast, "5": fast + slow, "+Inf": fast + slow}
    return [counter(value, 0.0, le=bound, **labels) for bound, value in bounds.items()]


def test_latency_by_mode_has_a_limit_for_each() -> None:
    gate = LatencyGate(Rule("p95"), LATENCY, 0.95, "mode", {"fast": 2.0, "creative": 4.9})
    canary = [*histogram(0, 500, mode="fast"), *histogram(0, 500, mode="creative")]
    found = measure([gate], look({(Version.CANARY, BUCKET): canary}))
    assert [(f.part, f.status) for f in found] == [("fast", Status.FAIL), ("creative", Status.PASS)]
    assert found[0].value == pytest.approx(4.8)
    assert found[0].samples == 500


def test_a_quantile_above_the_highest_bucket_is_never_a_pass() -> None:
    off_scale = [counter(v, le=b) for b, v in {"1": 0.0, "5": 0.0, "+Inf": 500.0}.items()]
    canned = {(Version.CANARY, BUCKET): off_scale}
    told = only(LatencyGate(Rule("p95", maximum=5.0), LATENCY, 0.95), canned)
    assert told.status is Status.FAIL
    untold = only(LatencyGate(Rule("p95", maximum=60.0), LATENCY, 0.95), canned)
    assert untold.status is Status.NO_DATA
    assert "highest bucket bound, 5 s" in untold.reason


def test_a_mode_nobody_uses_is_left_out_but_one_only_stable_has_is_not() -> None:
    gate = LatencyGate(Rule("p95"), LATENCY, 0.95, "mode", {"fast": 2.0, "slow": 2.0, "odd": 2.0})
    canary = histogram(500, 0, mode="fast")
    stable = [*histogram(500, 0, mode="fast"), *histogram(500, 0, mode="slow")]
    found = measure(
        [gate], look({(Version.CANARY, BUCKET): canary, (Version.STABLE, BUCKET): stable})
    )
    assert [(f.part, f.status) for f in found] == [("fast", Status.PASS), ("slow", Status.NO_DATA)]


def test_no_observation_at_all_is_no_data() -> None:
    gate = LatencyGate(Rule("p95", maximum=2.0), LATENCY, 0.95, "mode")
    found = measure([gate], look({}))
    assert [f.status for f in found] == [Status.NO_DATA]


SCHEMA = parse_selector("schema_failures_total")
ALIVE = {(Version.CANARY, UP): [gauge(1.0)]}


def test_a_failure_counter_that_is_born_at_one_fails() -> None:
    gate = ZeroGate(Rule("schema"), SCHEMA)
    alive = {
        (Version.CANARY, UP): [
            Series({"instance": "a"}, tuple(Sample(START + n, 1.0) for n in range(-60, 61, 10)))
        ]
    }
    assert only(gate, alive).status is Status.PASS
    found = only(gate, {**alive, (Version.CANARY, SCHEMA): [born(1, NOW - 10)]})
    assert (found.status, found.value, found.limit) == (Status.FAIL, 1, 0)


def test_a_counter_of_a_process_first_seen_now_is_not_a_birth() -> None:
    gate = ZeroGate(Rule("schema"), SCHEMA)
    late = {
        (Version.CANARY, UP): [Series({"instance": "a"}, (Sample(NOW - 20, 0.0), Sample(NOW, 1.0)))]
    }
    found = only(gate, {**late, (Version.CANARY, SCHEMA): [born(7, NOW)]})
    assert found.status is Status.PASS


def test_zero_of_a_canary_that_nobody_sees_is_no_data() -> None:
    gate = ZeroGate(Rule("schema"), SCHEMA)
    assert only(gate, {}).status is Status.NO_DATA
    dead = {(Version.CANARY, UP): [gauge(0.0)]}
    assert only(gate, dead).status is Status.NO_DATA


LOSS = parse_selector("rl_training_loss")


@pytest.mark.parametrize(("factor", "status"), [(1.9, Status.PASS), (2.1, Status.FAIL)])
def test_loss_against_twice_stable(factor: float, status: Status) -> None:
    gate = GaugeGate(Rule("loss", max_ratio=2), LOSS)
    canned = {(Version.STABLE, LOSS): [gauge(0.8)], (Version.CANARY, LOSS): [gauge(0.8 * factor)]}
    found = only(gate, canned)
    assert found.status is status
    assert found.stable == pytest.approx(0.8)
    assert found.limit == pytest.approx(1.6)


@pytest.mark.parametrize("stable", [[], [gauge(0.0)], [gauge(-1.0)], [gauge(math.nan)]])
def test_a_multiple_of_nothing_is_no_data(stable: list[Series]) -> None:
    gate = GaugeGate(Rule("loss", max_ratio=2), LOSS)
    found = only(gate, {(Version.STABLE, LOSS): stable, (Version.CANARY, LOSS): [gauge(1.0)]})
    assert found.status is Status.NO_DATA


def test_a_gauge_that_stopped_being_a_number_is_no_data() -> None:
    gate = GaugeGate(Rule("loss", maximum=2), LOSS)
    diverged = Series({"instance": "a"}, (Sample(NOW - 10, 1.0), Sample(NOW, math.nan)))
    found = only(gate, {(Version.CANARY, LOSS): [diverged]})
    assert (found.status, found.value) == (Status.NO_DATA, None)


def test_a_gauge_that_went_stale_is_no_data() -> None:
    gate = GaugeGate(Rule("loss", maximum=2), LOSS)
    found = only(gate, {(Version.CANARY, LOSS): [gauge(1.0, at=NOW - 120)]})
    assert found.status is Status.NO_DATA


def test_up_names_how_many_answered() -> None:
    gate = UpGate(Rule("canary up", consecutive=3))
    two = [gauge(1.0), Series({"instance": "b"}, (Sample(NOW, 0.0),))]
    found = only(gate, {(Version.CANARY, UP): two})
    assert (found.status, found.consecutive) == (Status.FAIL, 3)
    assert "1 of 2 instances" in found.reason
    assert only(gate, {}).status is Status.NO_DATA


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ((3.0,), Status.PASS, "3"),
        ((30.0,), Status.FAIL, "30"),
        ((), Status.NO_DATA, "empty"),
        ((math.nan,), Status.NO_DATA, "nan"),
        ((1.0, 2.0), Status.ERROR, "2 series"),
    ],
)
def test_promql(values: tuple[float, ...], status: Status, said: str) -> None:
    gate = PromqlGate(Rule("queue", maximum=10), "avg(queue{ {{ select }} }[{{ window }}])")
    (want,) = [w for w in wanted([gate], FRAME, NOW) if not isinstance(w, SeriesWanted)]
    assert want.query == 'avg(queue{ version="canary" }[60s])'
    found = only(gate, {}, {want: values})
    assert found.status is status
    assert said in found.reason
    assert found.queries == (want.query,)


def test_an_answer_that_failed_is_an_error_whatever_else_is_there() -> None:
    want = SeriesWanted(Version.CANARY, TOTAL)
    readings = Readings(NOW, {want: (counter(1000),)}, {}, {want: "not parsable"})
    (found,) = measure([ERRORS], Look(FRAME, readings, NOW))
    assert (found.status, found.reason) == (Status.ERROR, "not parsable")
