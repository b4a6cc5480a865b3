"""Counting increments: against true histories of events, and the traps by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.counting import Counted, first_seen, increase, latest, spacing, total
from canaryctl.core.series import Sample, Series, Window


def series(*samples: tuple[float, float], **labels: str) -> Series:
    return Series(labels, tuple(Sample(at, value) for at, value in samples))


# --- traps by name -------------------------------------------------------------------------


def test_a_counter_born_at_one_counts_one() -> None:
    born = series((110, 1), (120, 1))
    assert increase(born, Window(100, 130)) == Counted(1.0, 120, resets=0, births=1)


def test_one_500_in_a_thousand_requests_is_a_thousandth() -> None:
    ok = series((100, 4000), (110, 4500), (120, 4999), status="200")
    bad = series((120, 1), status="500")
    window = Window(100, 120)
    assert total([bad], window).amount / total([ok, bad], window).amount == 0.001


def test_what_the_previous_weight_did_does_not_count() -> None:
    failures = series((90, 0), (100, 7), (110, 7), (120, 9))
    assert increase(failures, Window(100, 120)).amount == 2


def test_an_increment_between_the_base_and_the_start_falls_into_no_gap() -> None:
    counter = series((98, 5), (103, 6))
    before, after = Window(90, 100), Window(100, 110)
    assert increase(counter, before).amount + increase(counter, after).amount == 6
    assert increase(counter, after).amount == 1


def test_a_reset_counts_the_new_value_in_full() -> None:
    counter = series((100, 50), (110, 60), (120, 3), (130, 4))
    assert increase(counter, Window(100, 130)) == Counted(14.0, 130, resets=1, births=0)


def test_a_reset_between_the_base_and_the_first_sample_inside_is_seen() -> None:
    assert increase(series((99, 50), (101, 2)), Window(100, 110)).amount == 2


def test_nothing_is_extrapolated_to_the_edges() -> None:
    assert increase(series((100, 0), (150, 10)), Window(100, 200)).amount == 10


def test_a_sample_at_the_end_counts_and_one_after_it_does_not() -> None:
    counter = series((100, 1), (110, 2), (110.001, 90))
    assert increase(counter, Window(100, 110)) == Counted(1.0, 110, resets=0, births=0)


def test_no_samples_are_no_news_not_zero() -> None:
    nothing = Counted(0.0, None, resets=0, births=0)
    assert increase(series(), Window(0, 10)) == nothing
    assert increase(series((11, 5)), Window(0, 10)) == nothing
    assert increase(series((5, nan), (6, inf), (7, -1)), Window(0, 10)) == nothing
    assert total([], Window(0, 10)) == nothing
    assert increase(series((-40, 5)), Window(0, 10)) == Counted(0.0, -40, resets=0, births=0)


def test_the_newest_sample_of_all_instances_is_reported() -> None:
    counted = total([series((1, 1), (2, 2)), series((1, 1), (9, 4)), series()], Window(1, 10))
    assert counted == Counted(4.0, 9, resets=0, births=0)


# --- processes that come into sight inside the window ----------------------------------------


def test_what_a_process_held_when_first_seen_is_its_base_not_a_birth() -> None:
    counter = series((110, 5000), (120, 5003))
    assert increase(counter, Window(100, 130), seen_from=110) == Counted(3.0, 120, 0, 0)


def test_a_counter_born_after_its_process_was_seen_counts_in_full() -> None:
    up = series((110, 1), (120, 1), instance="a:1")
    failures = series((120, 1), instance="a:1", kind="schema")
    seen = first_seen([up, failures])
    assert seen == {"a:1": 110}
    assert total([failures], Window(100, 130), seen) == Counted(1.0, 120, resets=0, births=1)


def test_each_instance_has_its_own_first_sight() -> None:
    old, new = series((115, 2), instance="old"), series((115, 900), instance="new")
    counted = total([old, new], Window(100, 130), {"old": 90, "new": 115})
    assert counted == Counted(2.0, 115, resets=0, births=1)


def test_first_sight_is_the_oldest_sample_of_any_series() -> None:
    seen = first_seen([series((9, 1)), series((3, 1)), series(instance="a")])
    assert seen == {"": 3}


# --- against the truth ---------------------------------------------------------------------


@dataclass(frozen=True)
class History:
    """One instance's true events, its process's restarts, and when it was scraped.

    Events happen at even times, restarts at odd ones, scrapes between them: no ties.
    A lazy counter (a labelled one) does not exist before its first event.
    """

    events: tuple[tuple[float, int], ...]
    restarts: tuple[float, ...]
    scrapes: tuple[float, ...]
    lazy: bool

    def happened(self, after: float, until: float) -> int:
        return sum(amount for at, amount in self.events if after < at <= until)

    def exposed(self) -> Series:
        return Series({}, tuple(self._scraped()))

    def _scraped(self) -> Iterator[Sample]:
        for at in self.scrapes:
            started = max((r for r in self.restarts if r < at), default=-inf)
            if not self.lazy or any(started < when <= at for when, _ in self.events):
                yield Sample(at, float(self.happened(started, at)))

    def truth(self, window: Window) -> int:
        """What happened between the last looks before the window's start and before its end."""
        after = max((s for s in self.scrapes if s <= window.start), default=-inf)
        until = max((s for s in self.scrapes if s <= window.end), default=-inf)
        return self.happened(after, until)


def times(offset: float, most: int) -> st.SearchStrategy[tuple[float, ...]]:
    drawn = st.lists(st.integers(0, 60), max_size=most, unique=True)
    return drawn.map(lambda ns: tuple(2 * n + offset for n in sorted(ns)))


@st.composite
def histories(draw: st.DrawFn, *, restarting: bool = True) -> History:
    amounts = st.integers(1, 5)
    return History(
        events=tuple((at, draw(amounts)) for at in draw(times(0, 25))),
        restarts=draw(times(1, 4)) if restarting else (),
        scrapes=tuple(sorted(draw(times(0.5, 20)) + draw(times(1.5, 20)))),
        lazy=draw(st.booleans()),
    )


MOMENTS = st.integers(-4, 260).map(lambda n: n / 2)
WINDOWS = st.tuples(MOMENTS, MOMENTS).map(lambda two: Window(min(two), max(two)))


@given(st.lists(histories(), max_size=4), WINDOWS)
def test_never_more_than_the_truth_and_never_negative(all_: list[History], window: Window) -> None:
    counted = total([one.exposed() for one in all_], window)
    assert 0 <= counted.amount <= sum(one.truth(window) for one in all_)


@given(st.lists(histories(restarting=False), max_size=4), WINDOWS)
def test_exactly_the_truth_without_restarts(all_: list[History], window: Window) -> None:
    counted = total([one.exposed() for one in all_], window)
    assert counted.amount == sum(one.truth(window) for one in all_)
    assert counted.resets == 0


@st.composite
def lossless(draw: st.DrawFn) -> tuple[Series, list[tuple[float, int]], int]:
    """A counter whose process restarts right after scrapes and shows it by falling.

    Gives its samples, what each scrape showed for the first time, and the number of resets.
    """
    samples: list[Sample] = []
    shown: list[tuple[float, int]] = []
    resets, value = 0, 0
    for at in range(draw(st.integers(0, 25))):
        if value > 0 and draw(st.integers(0, 3)) == 0:
            gained = draw(st.integers(0, value - 1))
            value, resets = gained, resets + 1
        else:
            gained = draw(st.integers(0, 4))
            value += gained
        samples.append(Sample(at, value))
        shown.append((at, gained))
    return Series({}, tuple(samples)), shown, resets


@given(lossless(), WINDOWS)
def test_exactly_the_truth_when_no_restart_hides_anything(
    drawn: tuple[Series, list[tuple[float, int]], int], window: Window
) -> None:
    exposed, shown, resets = drawn
    expected = sum(amount for at, amount in shown if window.start < at <= window.end)
    assert increase(exposed, window).amount == expected
    assert increase(exposed, Window(-1, inf)).resets == resets


# --- arithmetic that holds for whatever a source hands over ---------------------------------

VALUES = st.one_of(st.integers(0, 50).map(float), st.sampled_from([nan, inf, -inf, -1.0]))


@st.composite
def anything(draw: st.DrawFn) -> Series:
    at = sorted(draw(st.lists(MOMENTS, max_size=15)))
    return Series({}, tuple(Sample(when, draw(VALUES)) for when in at))


@given(anything(), st.lists(MOMENTS, min_size=2, max_size=6))
def test_adjacent_windows_add_up_to_their_union(one: Series, cuts: list[float]) -> None:
    cuts.sort()
    parts = [increase(one, Window(start, end)) for start, end in pairwise(cuts)]
    whole = increase(one, Window(cuts[0], cuts[-1]))
    assert sum(part.amount for part in parts) == whole.amount
    assert sum(part.resets for part in parts) == whole.resets
    assert sum(part.births for part in parts) == whole.births
    assert parts[-1].newest == whole.newest


@given(st.lists(anything(), max_size=4), st.lists(anything(), max_size=4), WINDOWS)
def test_instances_add_up(some: list[Series], others: list[Series], window: Window) -> None:
    one, two, both = total(some, window), total(others, window), total(some + others, window)
    assert both.amount == one.amount + two.amount
    assert both.resets == one.resets + two.resets
    assert both.births == one.births + two.births
    assert both.newest == max((n for n in (one.newest, two.newest) if n is not None), default=None)


@given(anything(), WINDOWS, st.integers(-1000, 1_700_000_000))
def test_the_time_of_day_does_not_matter(one: Series, window: Window, by: int) -> None:
    moved = Series({}, tuple(Sample(s.at + by, s.value) for s in one.samples))
    here = increase(one, window)
    there = increase(moved, Window(window.start + by, window.end + by))
    assert there.amount == here.amount
    assert there.newest == (None if here.newest is None else here.newest + by)


@given(anything(), WINDOWS, MOMENTS)
def test_first_sight_only_ever_takes_a_birth_away(one: Series, window: Window, at: float) -> None:
    plain, seen = increase(one, window), increase(one, window, seen_from=at)
    assert (seen.newest, seen.resets) == (plain.newest, plain.resets)
    assert 0 <= seen.amount <= plain.amount
    if seen.births == plain.births:
        assert seen.amount == plain.amount


@given(anything(), WINDOWS)
def test_unusable_samples_change_nothing(one: Series, window: Window) -> None:
    usable = tuple(s for s in one.samples if 0 <= s.value < inf)
    counted = increase(one, window)
    assert counted == increase(Series({}, usable), window)
    assert counted.amount >= 0


@given(anything(), WINDOWS, anything())
def test_the_future_changes_nothing(one: Series, window: Window, later: Series) -> None:
    after = tuple(Sample(abs(s.at) + window.end + 0.25, s.value) for s in later.samples)
    past = tuple(s for s in one.samples if s.at <= window.end)
    assert increase(Series({}, past + after), window) == increase(one, window)
    assert latest(Series({}, past + after), window) == latest(one, window)


# --- how often, and how lately --------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([], None),
        ([[], [5.0], [9.0]], None),
        ([[0.0, 10.0, 20.0]], 10.0),
        ([[0.0, 10.0, 20.0, 80.0, 90.0]], 10.0),
        ([[0.0, 5.0], [1.0, 16.0]], 10.0),
        ([[3.0, 3.0]], None),
    ],
)
def test_spacing_is_the_median_gap(looks: Sequence[Sequence[float]], expected: float) -> None:
    assert spacing(series(*((at, 1.0) for at in one)) for one in looks) == expected


def test_spacing_counts_unusable_values_as_looks() -> None:
    assert spacing([series((0, nan), (10, 1), (20, nan))]) == 10


def test_latest_is_the_newest_sample_not_after_the_end() -> None:
    loss = series((80, 3.0), (100, -0.5), (110, nan), (120, inf), (130, 9.0))
    assert latest(loss, Window(105, 125)) == Sample(120, inf)
    assert latest(loss, Window(90, 105)) == Sample(100, -0.5)
    assert latest(loss, Window(105, 130)) == Sample(130, 9.0)
    assert latest(loss, Window(10, 79)) is None
    newest = latest(series((5, nan)), Window(0, 9))
    assert newest is not None
    assert newest.at == 5
