"""Selectors: what is written is read back, and nothing in a value can get out of its quotes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.selector import Matcher, Operator, Selector, parse_selector, quoted

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,12}", fullmatch=True)
METRICS = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", fullmatch=True)
TROUBLE = st.text(alphabet="\\\"'{}[](),=~!\n\r\t `;#$ab0", max_size=12)
VALUES = st.one_of(TROUBLE, st.text(max_size=12))
PLAIN = st.builds(Matcher, NAMES, st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL]), VALUES)
PATTERNS = st.builds(
    Matcher, NAMES, st.sampled_from([Operator.MATCH, Operator.NOT_MATCH]), VALUES.map(re.escape)
)
SELECTORS = st.builds(
    Selector, METRICS, st.lists(st.one_of(PLAIN, PATTERNS), max_size=4).map(tuple)
)


# --- reading and writing -------------------------------------------------------------------


@given(SELECTORS)
def test_what_is_written_is_read_back(selector: Selector) -> None:
    assert parse_selector(str(selector)) == selector


@given(VALUES)
def test_a_quoted_string_ends_where_it_should(value: str) -> None:
    text = quoted(value)
    assert "\n" not in text
    inside = re.sub(r"\\.", "", text[1:-1], flags=re.DOTALL)
    assert '"' not in inside
    assert "\\" not in inside


@given(SELECTORS, VALUES)
def test_no_value_adds_a_condition(selector: Selector, value: str) -> None:
    narrowed = parse_selector(str(selector.where({"version": value})))
    assert narrowed.matchers == (
        *selector.matchers,
        Matcher("version", Operator.EQUAL, value),
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("up", "up"),
        (" up { } ", "up"),
        ("up{}", "up"),
        ("job:rate:5m", "job:rate:5m"),
        ("a{b='x'}", 'a{b="x"}'),
        ('a { b = "x" , c != "y" , }', 'a{b="x",c!="y"}'),
        ('a{b=~"5..",c!~"4.."}', 'a{b=~"5..",c!~"4.."}'),
        (r'a{b="say \"hi\""}', r'a{b="say \"hi\""}'),
        ("a{b='say \"hi\"'}", r'a{b="say \"hi\""}'),
        (r"a{b='it\'s'}", 'a{b="it\'s"}'),
        (r'a{b=~"5\\.."}', r'a{b=~"5\\.."}'),
        ('a{b="}"}', 'a{b="}"}'),
        ("a{b=\"x,c='y'\"}", "a{b=\"x,c='y'\"}"),
    ],
)
def test_reads_what_people_write(text: str, written: str) -> None:
    assert str(parse_selector(text)) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "starts with a metric's name"),
        ("5xx", "starts with a metric's name"),
        ('{job="x"}', "starts with a metric's name"),
        ("sum(up)", "after 'sum' comes nothing"),
        ("up[5m]", "after 'up' comes nothing"),
        ('up{a="b"}[5m]', "after 'up' comes nothing"),
        ('up{a="b"', "after 'up' comes nothing"),
        ("up{a}", "expected =, !=, =~ or !~ after 'a'"),
        ("up{a=b}", "expected a quoted value after 'a'"),
        ('up{a="b}', "expected a quoted value after 'a'"),
        ('up{a="b\nc"}', "expected a quoted value after 'a'"),
        ('up{a="b" c="d"}', "expected a comma"),
        ('up{a="b",,}', "expected a label's name"),
        ('up{="b"}', "expected a label's name"),
        ('up{a=~"("}', "bad pattern"),
        ('up{a="b"} or vector(1){c="d"}', "expected a comma"),
    ],
)
def test_refuses_what_is_no_selector_and_repeats_it(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        parse_selector(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [r"\d+", r"\x41", r"\.", r"\u0041", r"\b"])
def test_an_unknown_escape_is_refused_as_prometheus_refuses_or_reads_it_otherwise(
    value: str,
) -> None:
    with pytest.raises(ValueError, match="unknown escape"):
        parse_selector(f'up{{a=~"{value}"}}')


@pytest.mark.parametrize("pattern", ["x{99999999999999999999}", "(" * 5000, "[[:alpha:]]+", "*a"])
def test_a_pattern_that_cannot_be_used_is_one_kind_of_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="bad pattern"):
        parse_selector(f'up{{a=~"{pattern}"}}')


@given(st.text(max_size=30))
def test_any_text_is_a_selector_or_a_value_error(text: str) -> None:
    try:
        selector = parse_selector(f"up{text}")
    except ValueError:
        return
    assert parse_selector(str(selector)) == selector


# --- names stand unquoted in PromQL --------------------------------------------------------


@pytest.mark.parametrize("label", ["", "a-b", "1a", "a b", 'x="1"} or up{y', "a\n", "ä"])
def test_a_label_that_could_end_the_selector_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="not a label's name"):
        Matcher(label, Operator.EQUAL, "x")
    with pytest.raises(ValueError, match="not a label's name"):
        Selector("up").where({label: "x"})


@pytest.mark.parametrize("metric", ["", "a-b", "up or vector(1)", "up\n", "{}"])
def test_a_metric_that_could_be_more_than_a_name_is_refused(metric: str) -> None:
    with pytest.raises(ValueError, match="not a metric's name"):
        Selector(metric)


# --- matching ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "labels", "matches"),
    [
        ('status="500"', {"status": "500"}, True),
        ('status="500"', {"status": "5000"}, False),
        ('status=~"5.."', {"status": "503"}, True),
        ('status=~"5.."', {"status": "5030"}, False),
        ('status=~"5.."', {"status": "1503"}, False),
        ('status=~"4..|5.."', {"status": "404"}, True),
        ('status=~"5|50."', {"status": "503"}, True),
        ('status!~"2.."', {"status": "200"}, False),
        ('status!~"2.."', {"status": "2000"}, True),
        ('status!="200"', {"status": "500"}, True),
        ('status!="200"', {}, True),
        ('status=""', {}, True),
        ('status=~".*"', {}, True),
        ('status=~".+"', {}, False),
        ('status="500",mode="fast"', {"status": "500", "mode": "slow"}, False),
        ('status="500",mode="fast"', {"status": "500", "mode": "fast", "x": "y"}, True),
    ],
)
def test_a_series_is_selected_as_prometheus_selects_it(
    condition: str, labels: dict[str, str], matches: bool
) -> None:
    assert parse_selector(f"m{{{condition}}}").matches("m", labels) == matches
    assert not parse_selector(f"m{{{condition}}}").matches("other", labels)


@given(SELECTORS, st.dictionaries(NAMES, VALUES, max_size=4))
def test_operators_are_opposites(selector: Selector, labels: dict[str, str]) -> None:
    opposite = {
        Operator.EQUAL: Operator.NOT_EQUAL,
        Operator.NOT_EQUAL: Operator.EQUAL,
        Operator.MATCH: Operator.NOT_MATCH,
        Operator.NOT_MATCH: Operator.MATCH,
    }
    for one in selector.matchers:
        value = labels.get(one.label, "")
        other = Matcher(one.label, opposite[one.operator], one.value)
        assert one.matches(value) != other.matches(value)


@given(METRICS, st.dictionaries(NAMES, VALUES, max_size=4), VALUES)
def test_where_selects_exactly_the_series_that_carry_the_labels(
    metric: str, labels: dict[str, str], other: str
) -> None:
    selector = Selector(metric).where(labels)
    assert selector.matches(metric, labels)
    for label, value in labels.items():
        assert selector.matches(metric, {**labels, label: other}) == (value == other)


def test_the_sibling_of_a_metric_keeps_its_conditions() -> None:
    assert str(parse_selector('m{a="b"}').suffixed("_bucket")) == 'm_bucket{a="b"}'
