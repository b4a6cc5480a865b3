"""Looks become observations: each increment once, and no sample is never a zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.accounts import source_of
from canaryctl.core.gate import Gate, Judging, LatencyGate, RatioGate, Rule
from canaryctl.core.history import history
from canaryctl.core.look import UP, Frame, Look
from canaryctl.core.observation import Both, Trials
from canaryctl.core.observer import Observer
from canaryctl.core.selector import Selector, parse_selector
from canaryctl.core.series import Readings, Sample, Series, SeriesWanted, Version
from canaryctl.core.weight import Weight

EVIDENCE = Judging.EVIDENCE
BAD, TOTAL = parse_selector('requests_total{status="500"}'), parse_selector("requests_total")
ERRORS = RatioGate(Rule("errors", maximum=0.005, judge=EVIDENCE), BAD, TOTAL)
BUCKETS = parse_selector("seconds_bucket")
LATENCY = LatencyGate(
    Rule("p95", maximum=0.5, judge=EVIDENCE), parse_selector("seconds"), 0.95, by="mode"
)
CANARY, STABLE = Version.CANARY, Version.STABLE


def counter(samples: Iterable[tuple[float, float]], **labels: str) -> Series:
    return Series({"instance": "a", **labels}, tuple(Sample(*one) for one in samples))


def look(
    at: float,
    series: Mapping[tuple[Version, Selector], Sequence[Series]],
    *,
    since: float = 0.0,
    unseen: float = 0.0,
) -> Look:
    frame = Frame(since, unseen, 5.0, {}, "v0.2.0", Weight(500))
    known = {
        SeriesWanted(version, selector): tuple(
            Series(one.labels, tuple(s for s in one.samples if s.at <= at)) for one in many
        )
        for (version, selector), many in series.items()
    }
    return Look(frame, Readings(at, known), at)


def requests(version: Version, *series: Series) -> dict[tuple[Version, Selector], Sequence[Series]]:
    bad = [one for one in series if one.labels.get("status") == "500"]
    return {(version, TOTAL): series, (version, BAD): bad}


def errors_in(observer: Observer, seen: Look, gate: RatioGate = ERRORS) -> Both[Trials]:
    return observer.observe(seen).ratios[source_of(gate)]


def test_an_evaluation_without_a_new_sample_saw_nothing() -> None:
    observer = Observer([ERRORS])
    series = requests(CANARY, counter([(0, 10), (5, 30), (15, 70)], status="200"))
    assert errors_in(observer, look(5, series)).canary == Trials(20, 0)
    assert errors_in(observer, look(10, series)).canary is None
    assert errors_in(observer, look(15, series)) == Both(Trials(40, 0), None)


def test_what_counted_on_over_a_change_of_weight_is_in_the_next_observation() -> None:
    observer = Observer([ERRORS])
    series = requests(CANARY, counter([(0, 0), (5, 10), (10, 30), (15, 60)], status="500"))
    assert errors_in(observer, look(5, series)).canary == Trials(10, 10)
    later = look(15, series, since=8.0, unseen=0.0)
    assert errors_in(observer, later).canary == Trials(50, 50)


def test_a_slow_instance_loses_nothing_to_a_fast_one() -> None:
    observer = Observer([ERRORS])
    fast = counter([(0, 0), (5, 10), (11, 20)], status="200", instance="fast")
    slow = counter([(0, 0), (4, 7), (10, 9)], status="200", instance="slow")
    # At 11 the slow one's sample of 10 is not stored yet; it is at 12.
    late = Series(slow.labels, slow.samples[:2])
    assert errors_in(observer, look(11, requests(CANARY, fast, late))).canary == Trials(27, 0)
    assert errors_in(observer, look(12, requests(CANARY, fast, slow))).canary == Trials(2, 0)


def test_a_restart_is_counted_once_however_many_counters_fell() -> None:
    observer = Observer([ERRORS])
    good = counter([(0, 50), (5, 60), (10, 4)], status="200")
    bad = counter([(0, 5), (5, 6), (10, 1)], status="500")
    seen = observer.observe(look(10, requests(CANARY, good, bad)))
    assert seen.restarts == 1
    assert seen.ratios[source_of(ERRORS)].canary == Trials(10 + 4 + 1 + 1, 2)
    assert observer.observe(look(11, requests(CANARY, good, bad))).restarts == 0


def test_labels_that_come_back_late_are_no_further_restarts() -> None:
    observer = Observer([ERRORS])
    good = counter([(0, 50), (5, 60), (10, 4), (15, 9), (40, 30), (45, 2)], status="200")
    bad = counter([(0, 5), (5, 6), (25, 1)], status="500")
    other = counter([(0, 5), (5, 6), (35, 1)], status="404")
    counts = [
        observer.observe(look(at, requests(CANARY, good, bad, other))).restarts
        for at in (5, 10, 15, 25, 35, 40, 45)
    ]
    assert counts == [0, 1, 0, 0, 0, 0, 1]


def test_a_restart_before_the_rollout_is_not_one_of_it() -> None:
    observer = Observer([ERRORS])
    bad = counter([(-60, 5), (3, 1), (8, 2)], status="500")
    good = counter([(-60, 50), (-30, 4), (3, 9), (8, 11)], status="200")
    assert observer.observe(look(8, requests(CANARY, good, bad))).restarts == 0


def test_up_speaks_only_when_it_was_asked_anew() -> None:
    observer = Observer([ERRORS])
    ups = {(CANARY, UP): [counter([(0, 1), (5, 1), (10, 0)]), counter([(10, 1)], instance="b")]}
    assert observer.observe(look(5, ups)).up is True
    assert observer.observe(look(7, ups)).up is None
    assert observer.observe(look(10, ups)).up is False


def buckets(version: Version, mode: str, *samples: tuple[float, int, int]) -> list[Series]:
    """Give the two buckets of a mode: (time, at most 0.5 s, all)."""
    return [
        counter([(at, low) for at, low, _ in samples], mode=mode, le="0.5", v=version.value),
        counter([(at, every) for at, _, every in samples], mode=mode, le="+Inf", v=version.value),
    ]


def test_histograms_are_split_by_label_and_an_idle_part_is_an_empty_one() -> None:
    observer = Observer([LATENCY])
    series = {
        (CANARY, BUCKETS): buckets(CANARY, "fast", (0, 10, 10), (5, 28, 30)),
        (STABLE, BUCKETS): buckets(STABLE, "fast", (0, 10, 10), (5, 28, 30))
        + buckets(STABLE, "slow", (0, 0, 0), (5, 0, 9)),
    }
    found = observer.observe(look(5, series)).histograms[source_of(LATENCY)]
    assert found["fast"].canary == {0.5: 18.0, float("inf"): 20.0}
    assert found["slow"] == Both({}, {0.5: 0.0, float("inf"): 9.0})


def test_gates_that_are_read_literally_are_not_observed() -> None:
    literal = RatioGate(Rule("errors", maximum=0.005), BAD, TOTAL)
    series = requests(CANARY, counter([(0, 10), (5, 30)], status="200"))
    assert Observer([literal]).observe(look(5, series)).ratios == {}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 9), st.integers(0, 50), st.booleans()), min_size=1),
    st.lists(st.floats(0.2, 20), min_size=1, max_size=30),
)
def test_observations_tile_time(
    scrapes: list[tuple[float, int, bool]], evaluations: list[float]
) -> None:
    """Whenever it is scraped and looked at, and however often it restarts, nothing counts twice."""
    at, value, gained = 0.0, 5.0, [(0.0, 0.0)]
    samples = [(at, value)]
    for gap, added, restarts in scrapes:
        at += gap
        before, value = value, (float(added) if restarts else value + added)
        gained.append((at, value if value < before else value - before))
        samples.append((at, value))
    observer = Observer([ERRORS])
    series = requests(CANARY, counter(samples, status="200"))
    seen, now = 0.0, 0.0
    for gap in evaluations:
        now += gap
        found = errors_in(observer, look(now, series)).canary
        seen += found.total if found else 0.0
    assert seen == pytest.approx(sum(amount for when, amount in gained if when <= now))


def test_history_is_stable_minute_by_minute() -> None:
    gates: list[Gate] = [ERRORS, LATENCY]
    times = range(0, 181, 10)
    series = {
        **requests(
            STABLE,
            counter([(t, 2 * t) for t in times], status="200"),
            counter([(t, 6 * (t > 60)) for t in times], status="500"),
        ),
        (STABLE, BUCKETS): buckets(STABLE, "fast", *((t, t, 2 * t) for t in times)),
    }
    found = history(gates, look(180, series, unseen=0.0))
    ratios = found.ratios[source_of(ERRORS)]
    assert sum(one.total for one in ratios) == 360 + 6
    assert [one.bad for one in ratios] == [0, 6, 0, 0]  # the last sample opens a minute
    (minutes,) = found.histograms[source_of(LATENCY)].values()
    assert sum(one[float("inf")] for one in minutes) == 360
    assert sum(one[0.5] for one in minutes) == 180
