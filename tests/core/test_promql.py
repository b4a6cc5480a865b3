"""Placeholders in a user's PromQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.promql import NAMES, placeholders, rendered
from canaryctl.core.selector import parse_selector
from canaryctl.core.series import Version


def fill(query: str, release: str = "v1", value: str = "canary") -> str:
    return rendered(
        query,
        version=Version.CANARY,
        release=release,
        select={"version": value},
        window=61.4,
        weight="5",
    )


def test_every_placeholder_is_filled() -> None:
    query = '{{ version }} "{{ release }}" {{ select }} {{window}} {{ weight }}'
    assert placeholders(query) == NAMES
    assert fill(query) == 'canary "v1" version="canary" 61s 5'


def test_an_unknown_placeholder_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"\{\{ nmae \}\}; there are \{\{ version \}\}"):
        placeholders("{{ nmae }}")


@pytest.mark.parametrize("query", ["up{{ se\x1b[2J }}", '"\\{{ se\x1b[2J }}"'])
def test_what_is_no_placeholder_is_shown_and_does_not_act(query: str) -> None:
    with pytest.raises(ValueError, match=r"\{\{ se\\x1b\[2J \}\}"):
        placeholders(query)


@given(st.text(max_size=40))
def test_no_label_value_ends_its_string(value: str) -> None:
    text = fill("up{ {{ select }} }", value=value)
    assert parse_selector(text).matchers[0].value == value


@given(st.text(max_size=40))
def test_no_release_ends_its_string(release: str) -> None:
    text = fill('up{release="{{ release }}"}', release=release)
    assert parse_selector(text).matchers[0].value == release


@given(st.text(max_size=40))
def test_no_release_ends_a_string_in_single_quotes(release: str) -> None:
    text = fill("up{release='{{ release }}'}", release=release)
    assert parse_selector(text).matchers[0].value == release


def test_no_release_ends_a_string_in_backquotes_or_a_comment() -> None:
    assert fill("up{release=`{{ release }}`}", release='a"\\') == 'up{release=`a"\\`}'
    with pytest.raises(ValueError, match="cannot stand between backquotes"):
        fill("up{release=`{{ release }}`}", release="`} or vector(1)")
    assert fill("up # {{ release }}", release="a\n+ 1") == "up # a + 1"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("up + {{ release }}", "stands in quotes"),
        ('up{a="{{ select }}"}', "brings its own quotes"),
        ("up{a='{{ select }}'}", "brings its own quotes"),
        ('up{a="b}', "does not end"),
        (r'up{a="\{{ release }}"}', "a backslash stands before"),
        (r"up{a='\\\{{ release }}'}", "a backslash stands before"),
    ],
)
def test_a_placeholder_stands_only_where_its_value_can(query: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        placeholders(query)


def test_a_query_of_nothing_but_blanks_is_read_at_once() -> None:
    assert placeholders("{{" + " " * 9_000) == ()


def test_a_window_is_never_empty() -> None:
    said = rendered(
        "x[{{ window }}]", version=Version.STABLE, release="", select={}, window=0.2, weight="1"
    )
    assert said == "x[1s]"
