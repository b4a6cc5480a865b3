"""Canary against stable on raw samples: figures, differences, and data that is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

import pytest

from canaryctl.core.comparison.compare import compare, compared
from canaryctl.core.comparison.difference import Difference, Good, Interval, of_several
from canaryctl.core.comparison.side import Latency, Side
from canaryctl.core.comparison.source import CPU, MEMORY, Source
from canaryctl.core.gate import GaugeGate, LatencyGate, RatioGate, Rule
from canaryctl.core.look import UP, Frame, Look
from canaryctl.core.selector import Selector, parse_selector
from canaryctl.core.series import Readings, Sample, Series, SeriesWanted, Version, Wanted, Window
from canaryctl.core.weight import Weight

START, NOW = 1000.0, 1060.0
FRAME = Frame(START, START, 10.0, {}, "v0.2.0", Weight(500))
BAD = parse_selector('http_requests_total{status=~"5.."}')
GOOD = parse_selector('http_requests_total{status!~"5.."}')
TOTAL = parse_selector("http_requests_total")
SECONDS = parse_selector("seconds")
BUCKET, SUM = SECONDS.suffixed("_bucket"), SECONDS.suffixed("_sum")
ERRORS = RatioGate(Rule("errors", maximum=0.005), BAD, TOTAL)
LATENCY = LatencyGate(Rule("p95", maximum=2.0), SECONDS, 0.95)
BY_MODE = replace(LATENCY, by="mode")
GATES = (GaugeGate(Rule("loss", max_ratio=2), parse_selector("loss")), ERRORS, LATENCY)
CANARY, STABLE = Version.CANARY, Version.STABLE
WHOLE = Window(START, NOW)
Canned = Mapping[tuple[Version, Selector], Sequence[Series]]


def counter(gained: float, base: float = 100.0, /, instance: str = "a", **labels: str) -> Series:
    """Rise evenly by ``gained`` over the window, sampled every 10 s from before it on."""
    step = gained / 6
    samples = [Sample(START + 10 * n, base + step * max(n, 0)) for n in range(-2, 7)]
    return Series({"instance": instance, **labels}, tuple(samples))


def at(*samples: tuple[float, float], **labels: str) -> Series:
    return Series({"instance": "a", **labels}, tuple(Sample(*one) for one in samples))


def histogram(counts: Mapping[str, float], **labels: str) -> list[Series]:
    return [counter(n, **{**labels, "le": bound}) for bound, n in counts.items()]


def look(canned: Canned, errors: Mapping[Wanted, str] | None = None) -> Look:
    series = {SeriesWanted(v, s): tuple(many) for (v, s), many in canned.items()}
    return Look(FRAME, Readings(NOW, series, {}, errors or {}), NOW)


BOTH: Canned = {
    (CANARY, TOTAL): [counter(600)],
    (CANARY, BAD): [counter(6, status="500")],
    (CANARY, BUCKET): histogram({"0.1": 300, "0.5": 600, "+Inf": 600}),
    (CANARY, SUM): [counter(120.0)],
    (CANARY, MEMORY): [counter(0, 2e8), counter(0, 4e8, instance="b")],
    (CANARY, CPU): [counter(30.0), counter(90.0, instance="b")],
    (STABLE, TOTAL): [counter(5400), counter(600, instance="b")],
    (STABLE, BAD): [counter(6, status="502")],
    (STABLE, BUCKET): histogram({"0.1": 5940, "0.5": 6000, "+Inf": 6000}),
    (STABLE, SUM): [counter(600.0)],
}


def test_every_figure_of_both_by_hand() -> None:
    found = compare(GATES, look(BOTH))
    canary, stable = found.canary, found.stable
    assert (canary.requests, canary.errors) == (600, 6)
    assert (canary.error_rate, canary.success_rate) == (0.01, 0.99)
    assert canary.latency.mean == pytest.approx(0.2)
    # Half are at most 0.1; the 570th of 600 lies 270 of 300 into (0.1, 0.5].
    assert canary.latency.quantile(0.5) == pytest.approx(0.1)
    assert canary.latency.quantile(0.95) == pytest.approx(0.1 + 0.4 * 270 / 300)
    assert canary.latency.quantile(0.99) == pytest.approx(0.1 + 0.4 * 294 / 300)
    assert canary.throughput == pytest.approx(10.0)
    assert canary.memory == pytest.approx(3e8)
    assert canary.cpu == pytest.approx(1.0)
    assert (stable.requests, stable.errors, stable.throughput) == (6000, 6, 100.0)
    assert stable.latency.mean == pytest.approx(0.1)
    assert stable.latency.quantile(0.95) == pytest.approx(0.1 * 5700 / 5940)
    assert (stable.memory, stable.cpu) == (None, None)
    assert (found.window, found.label, found.parts) == (WHOLE, None, {})


def test_every_difference_by_hand() -> None:
    found = compare(GATES, look(BOTH))
    value = {name: one.value for name, one in found.differences.items()}
    assert value["requests"] == -5400
    assert value["errors"] == 0
    assert value["error_rate"] == pytest.approx(0.009)
    assert value["success_rate"] == pytest.approx(-0.009)
    assert value["mean"] == pytest.approx(0.1)
    assert value["throughput"] == pytest.approx(-90.0)
    assert (value["memory"], value["cpu"]) == (None, None)
    assert found.level == pytest.approx(1 - 0.05 / 5)
    # p50: canary in (0, 0.5], because 300 of 600 may be above or below the median; stable in
    # (0, 0.1]. p95: (0.1, 0.5] and (0, 0.1]. p99: (0.1, 0.5] and (0, 0.5], as with the median.
    ends = {n: (i.low, i.high) for n, d in found.differences.items() if (i := d.interval)}
    assert ends["p50"] == pytest.approx((-0.1, 0.5))
    assert ends["p95"] == pytest.approx((0.0, 0.5))
    assert ends["p99"] == pytest.approx((-0.4, 0.5))
    assert ends["success_rate"] == tuple(-end for end in reversed(ends["error_rate"]))
    # Above 0.1 against at most 0.1 is a difference, although the two buckets touch.
    assert found.worse == ("error_rate", "mean", "p95")
    assert (found.is_better, found.significant_difference) == (False, True)


def test_a_lower_limit_counts_the_good_ones() -> None:
    success = RatioGate(Rule("success", minimum=0.95), GOOD, TOTAL)
    canned = {(CANARY, TOTAL): [counter(600)], (CANARY, GOOD): [counter(594)]}
    found = compare((success,), look(canned)).canary
    assert (found.requests, found.errors, found.success_rate) == (600, 6, 0.99)


def test_the_first_gates_name_the_metrics_and_all_is_asked_of_both() -> None:
    other = RatioGate(Rule("late"), parse_selector("late"), parse_selector("all"))
    source = Source.of((*GATES, other))
    assert (source.total, source.bad, source.bad_is_good) == (TOTAL, BAD, False)
    wanted = source.wanted()
    assert len(wanted) == len(set(wanted)) == 12
    assert {one.selector for one in wanted} == {TOTAL, BAD, BUCKET, SUM, MEMORY, CPU}
    assert {one.version for one in wanted} == set(Version)
    assert {one.selector for one in Source.of(()).wanted()} == {MEMORY, CPU}


def test_each_value_of_the_label_is_compared_and_all_together() -> None:
    fast, slow = {"0.1": 600.0, "+Inf": 600.0}, {"0.1": 0.0, "0.5": 300.0, "+Inf": 300.0}
    canned = {
        (CANARY, BUCKET): [*histogram(fast, mode="fast"), *histogram(slow, mode="deep")],
        (CANARY, SUM): [counter(30.0, mode="fast"), counter(90.0, mode="deep")],
        (STABLE, BUCKET): [*histogram(fast, mode="fast"), *histogram(fast, mode="deep")],
        (STABLE, SUM): [counter(30.0, mode="fast"), counter(30.0, mode="deep")],
    }
    found = compare((BY_MODE,), look(canned))
    assert found.label == "mode"
    assert {part: one.observations for part, one in found.canary.parts.items()} == {
        "deep": 300,
        "fast": 600,
    }
    assert found.canary.latency.observations == 900
    assert found.canary.parts["deep"].mean == pytest.approx(0.3)
    assert not found.parts["fast"]["p95"].significant
    assert found.level == pytest.approx(1 - 0.05 / 12)
    assert {"mean (deep)", "p50 (deep)", "p95 (deep)"} <= set(found.worse)
    assert found.is_better is False
    # Without a ratio gate, requests are those that the histogram saw; errors nobody knows.
    assert (found.canary.requests, found.canary.errors) == (900, None)


def test_a_label_value_that_only_one_side_has_is_no_comparison() -> None:
    one = {"0.1": 60.0, "+Inf": 60.0}
    canned = {
        (CANARY, BUCKET): histogram(one, mode="new"),
        (STABLE, BUCKET): histogram(one, mode="old"),
    }
    found = compare((BY_MODE,), look(canned))
    assert set(found.parts) == {"new", "old"}
    assert all(one.interval is None for many in found.parts.values() for one in many.values())
    assert found.level == pytest.approx(1 - 0.05 / 4)


def test_nothing_at_all_is_told_of_nothing() -> None:
    for gates in ((), GATES):
        found = compare(gates, look({}))
        assert found.canary == found.stable == Side()
        assert (found.is_better, found.significant_difference) == (None, None)
        assert all(one == Difference(None, None, one.good) for one in found.every().values())


def test_one_side_alone_has_figures_and_no_difference() -> None:
    alone = {key: many for key, many in BOTH.items() if key[0] is CANARY}
    found = compare(GATES, look(alone))
    assert (found.canary.requests, found.stable) == (600, Side())
    assert (found.is_better, found.significant_difference) == (None, None)


def test_a_version_that_is_seen_and_gets_no_request_has_zero_not_nothing() -> None:
    found = compare(GATES, look({(CANARY, UP): [counter(0, 1)]})).canary
    assert (found.requests, found.errors, found.throughput) == (0, 0, 0)
    assert (found.error_rate, found.latency.mean, found.latency.quantile(0.5)) == (None, None, None)
    down = compare(GATES, look({(CANARY, UP): [counter(0, 0)]})).canary
    assert down == Side()


def test_nan_is_skipped_and_a_restart_counts_in_full() -> None:
    restarted = at((990, 500), (1010, 520), (1030, 7), (1040, math.nan), (1060, 17))
    canned = {
        (CANARY, TOTAL): [restarted],
        (CANARY, BAD): [at((990, math.nan), (1060, math.nan))],
        (CANARY, MEMORY): [at((1050, 1e8), (1060, math.nan))],
        (CANARY, CPU): [at((990, 40.0), (1030, 2.0), (1060, 8.0))],
        (CANARY, BUCKET): [at((990, math.nan), le="+Inf"), at((990, math.nan), le="0.1")],
    }
    found = compare(GATES, look(canned)).canary
    assert (found.requests, found.errors) == (20 + 7 + 10, 0)
    assert found.memory is None
    assert found.cpu == pytest.approx(8.0 / 70)
    assert found.latency.quantile(0.95) is None


def test_throughput_and_cpu_are_those_of_the_time_a_version_was_seen() -> None:
    late = {
        (CANARY, TOTAL): [at((1040, 50), (1050, 60), (1060, 70))],
        (CANARY, CPU): [at((1040, 9.0), (1060, 14.0))],
    }
    found = compare(GATES, look(late)).canary
    # First seen with 50: those are of any time before.
    assert (found.requests, found.seen, found.throughput) == (20, 20, 1.0)
    assert found.cpu == pytest.approx(0.25)


def test_a_counter_born_in_a_process_known_before_counts_from_zero() -> None:
    canned = {
        (CANARY, UP): [counter(0, 1)],
        (CANARY, TOTAL): [at((1050, 3), (1060, 12))],
        (CANARY, BAD): [at((1060, 1))],
    }
    found = compare(GATES, look(canned)).canary
    assert (found.requests, found.errors, found.throughput) == (12, 1, 0.2)


def test_old_memory_is_not_told() -> None:
    canned = {(CANARY, MEMORY): [at((1001, 1e8), (1010, 1e8))], (CANARY, TOTAL): [counter(60)]}
    assert compare(GATES, look(canned)).canary.memory is None


def test_what_could_not_be_answered_is_not_zero() -> None:
    errors: dict[Wanted, str] = {SeriesWanted(CANARY, BAD): "the query was refused"}
    found = compare(GATES, look(BOTH, errors))
    assert (found.canary.requests, found.canary.errors) == (None, None)
    assert found.differences["error_rate"].interval is None
    assert found.canary.latency.observations == 600


def test_more_bad_than_all_is_all() -> None:
    canned = {(CANARY, TOTAL): [counter(60)], (CANARY, BAD): [counter(61)]}
    assert compare(GATES, look(canned)).canary.error_rate == 1


def test_a_quantile_above_the_buckets_has_no_difference_but_a_lower_end() -> None:
    ours = Latency({1.0: 0.0, 5.0: 10.0, inf: 1000.0}, 9000.0)
    theirs = Latency({1.0: 1000.0, 5.0: 1000.0, inf: 1000.0}, 500.0)
    found = compared(Side(latency=ours), Side(latency=theirs), WHOLE).differences["p95"]
    assert found.value is None
    assert found.interval == Interval(4.0, inf, of_several(0.95, 4), is_strict=True)
    assert found.is_worse


def test_a_strict_interval_that_ends_at_zero_excludes_it() -> None:
    strict, other = Interval(0.0, 1.0, 0.99, is_strict=True), Interval(0.0, 1.0, 0.99)
    assert (strict.excludes_zero, other.excludes_zero) == (True, False)
    assert Interval(-1.0, 0.0, 0.99, is_strict=True).is_below_zero
    assert not Interval(-1.0, 1.0, 0.99, is_strict=True).excludes_zero


def test_which_way_is_better() -> None:
    above, below = Interval(1, 2, 0.99), Interval(-2, -1, 0.99)
    assert Difference(1.5, above, Good.LOWER).is_worse
    assert Difference(1.5, above, Good.HIGHER).is_improved
    assert Difference(-1.5, below, Good.LOWER).is_improved
    assert Difference(-1.5, below, Good.HIGHER).is_worse
    neither = Difference(1.5, above)
    assert (neither.is_worse, neither.is_improved, neither.significant) == (False, False, True)
    unknown = Difference(1.5, None, Good.LOWER)
    assert (unknown.is_worse, unknown.is_improved, unknown.significant) == (False, False, None)
