"""Streaks join to what one reading of everything would have given."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import pairwise
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.streaks import Served, Streak, Streaks, gathered

LINES = {
    "g": Served(canary=True),
    "b": Served(canary=False),
    "s": Served(None, 10),
    "f": Served(None, 1, 1),
    "R": Served(canary=False, stable=1),  # retried on stable
}
TEXTS = st.text("gb|sf", max_size=40) | st.text("bbbbg", max_size=40)


def joined(pieces: Iterable[Streaks]) -> Streaks:
    return reduce(add, pieces, Streaks())


def of(text: str) -> Streaks:
    return joined(Streaks.GAP if one == "|" else gathered([LINES[one]]) for one in text)


def naive(text: str) -> list[Streak]:
    """Give every streak, by looking at the text one by one."""
    found = [Streak()]
    for one in text:
        if one in "g|":
            found.append(Streak())
        elif one == "b":
            found[-1] += Streak(1)
        else:
            found[-1] += Streak(0, 10) if one == "s" else Streak(0, 1, 1)
    return found


@given(TEXTS)
def test_they_are_what_the_text_says(text: str) -> None:
    found, every = of(text), naive(text)
    assert (found.good, found.bad) == (text.count("g"), text.count("b"))
    assert found.first == text.partition("b")[0].count("g")
    assert found.gap == ("|" in text)
    assert found.broken == (len(every) > 1)
    assert (found.head, found.tail, found.worst) == (every[0], every[-1], max(every))
    assert found.whole == sum(every, Streak())


@given(TEXTS, st.data())
def test_wherever_the_cuts_fall_the_join_is_the_same(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    pieces = [of(text[a:b]) for a, b in pairwise((0, *cuts, len(text)))]
    assert joined(pieces) == of(text)
    by_halves = pieces
    while len(by_halves) > 1:
        rest = by_halves[len(by_halves) // 2 * 2 :]
        pairs = zip(by_halves[::2], by_halves[1::2], strict=False)
        by_halves = [a + b for a, b in pairs] + rest
    assert by_halves == [of(text)]


@given(TEXTS)
def test_nothing_is_neutral(text: str) -> None:
    assert of(text) + Streaks() == of(text) == Streaks() + of(text)


@given(st.text("gbsfR", max_size=40))
def test_a_whole_piece_is_the_join_of_its_lines(text: str) -> None:
    assert gathered(LINES[one] for one in text) == of(text)


def test_a_gap_breaks_a_streak_and_is_no_success() -> None:
    found = of("bbb|bb")
    assert (found.good, found.bad, found.worst.failed) == (0, 5, 3)
    assert (found.head.failed, found.tail.failed) == (3, 2)


@pytest.mark.parametrize(
    ("text", "share"), [("b", 0), ("bf", 1), ("bsf", 1 / 11), ("RRf", 1 / 3), ("", 0)]
)
def test_the_share_is_stables(text: str, share: float) -> None:
    assert of(text).worst.share == share
