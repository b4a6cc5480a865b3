"""Text of others: nothing in it acts, and making it visible twice changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.visible import visible


@given(st.text())
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_a_backslash_is_seen_and_what_acts_is_written_out() -> None:
    assert visible("C:\\new \x1b[31mred") == r"C:\new \x1b[31mred"
    assert visible("a\tb\x07", keep="\t") == "a\tb\\x07"
