"""Lines: nothing from outside can act on a terminal or pretend to be a line of its own."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.listeners.line import LONGEST, Span, Tone, cells, clean, in_ascii, left, line, right


@given(st.text())
def test_no_text_holds_anything_that_acts(text: str) -> None:
    shown = Span(text).text
    assert len(shown.splitlines()) <= 1
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("p95 ≤ 2.5 s ✓", "p95 ≤ 2.5 s ✓"),
        ("a\nb", r"a\nb"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x9b2J", r"\x9b2J"),
        ("left\u202eright", r"left\u202eright"),
        ("one\u2028two", r"one\u2028two"),
        ("[bold]not markup[/]", "[bold]not markup[/]"),
        ("lone \ud800", r"lone \ud800"),
    ],
)
def test_what_acts_is_written_out(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = clean("x" * (LONGEST + 7))
    assert shown.endswith("… (7 more characters)")
    assert len(shown) < LONGEST + 40


@given(st.text())
def test_ascii_is_ascii(text: str) -> None:
    assert in_ascii(clean(text)).isascii()


def test_signs_have_names_in_ascii() -> None:
    assert in_ascii("├─ ✓ a ≤ 1 → ✗ é") == r"|- + a <= 1 -> x \xe9"


def test_columns_are_counted_as_a_terminal_does() -> None:
    assert (cells("gate"), cells("検査"), cells("e\u0301")) == (4, 4, 1)


@given(st.text(max_size=30), st.integers(1, 40))
def test_a_name_fills_its_columns(text: str, columns: int) -> None:
    assert cells(left(clean(text), columns)) == columns


def test_a_number_is_never_cut() -> None:
    assert right("1,234,567", 4) == "1,234,567"
    assert right("12", 4) == "  12"


def test_an_indented_line_hangs_further_in() -> None:
    one = line(Span("✗", Tone.BAD), " why", hang=2).indented(4)
    assert (one.text, one.hang) == ("    ✗ why", 6)
