"""Error lines are counted by what they have in common."""

from __future__ import annotations

import pytest

from canaryctl.deploying.log_summary import MOST_GROUPS, shape_of, summed_up


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ERROR user 17 is gone", "ERROR user 4711 is gone"),
        ("ERROR 'a b' missing", "ERROR 'c' missing"),
        ("ERROR at 2026-01-01T10:00:00.5Z", "ERROR at 2026-02-03 11:12:13,123"),
        ("ERROR id 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "ERROR id deadbeefdeadbee1"),
        ("ERROR  two   blanks", "ERROR two blanks"),
    ],
)
def test_what_differs_from_line_to_line_is_taken_out(one: str, other: str) -> None:
    assert shape_of(one) == shape_of(other)


def test_what_is_something_else_stays_apart() -> None:
    assert shape_of("ERROR no such user") != shape_of("ERROR no such table")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ERROR:app:broken", True),
        ("ValueError: bad", True),
        ("java.lang.IllegalStateException: bad", True),
        ("Traceback (most recent call last):", True),
        ("2026/01/01 [error] 7#7: upstream", True),
        ('{"level": "error", "msg": "bad"}', True),
        ('{"severity": "CRITICAL", "message": "bad"}', True),
        ('{"level": "info", "msg": "no ERROR here"}', False),
        ("GET /errors 200", False),
        ("0 errors", False),
        ("{ ERROR not json", True),
    ],
)
def test_which_lines_are_errors(line: str, error: bool) -> None:
    assert summed_up([f"2026-01-01T00:00:00Z {line}"]).errors == int(error)


def test_groups_have_count_first_and_last() -> None:
    lines = [f"T{n} ERROR user {n}" for n in range(5)] + ["T9 fine", "", "T9 "]
    found = summed_up([*lines, "T6 FATAL end"])
    assert (found.lines, found.errors) == (7, 6)
    assert [(g.count, g.first, g.last) for g in found.groups] == [(5, "T0", "T4"), (1, "T6", "T6")]


def test_a_log_without_two_lines_alike_is_bounded() -> None:
    words = [f"T ERROR {'ab'[n % 2] * (n + 1)}" for n in range(3 * MOST_GROUPS)]
    found = summed_up(words)
    assert found.errors == 3 * MOST_GROUPS
    assert len(found.groups) <= MOST_GROUPS
