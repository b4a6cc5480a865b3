"""Variables in an environment file, as Compose fills them in."""

from __future__ import annotations

import time

import pytest

from canaryctl.drivers.dotenv import parse

GIVEN = {"HOME_OF_IT": "/srv", "NONE": ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}x", "1x"),
        ("$A-$HOME_OF_IT-${NOT_SET}-$NOT_SET.", "1-/srv--."),
        ('"${A} and $A"', "1 and 1"),
        ("'${A} and $A $$'", "${A} and $A $$"),
        ('"\\$A \\${A} \\\\$A"', "$A ${A} \\1"),
        ("pa$$word $${A}", "pa$word ${A}"),
        ("a$ $5 ${} ${A B} ${A!x}", "a$ $5 ${} ${A B} ${A!x}"),
        ("${A", "${A"),
        ("${A:-", "${A:-"),
        ("${NOT_SET:-${A}${NOT_SET-z}}", "1z"),
        ("${NONE:-d}|${NONE-d}|${NOT_SET-d}|${A-d}", "d||d|1"),
        ("${NONE:+o}|${NONE+o}|${NOT_SET+o}|${A:+o$A}", "|o||o1"),
        ("${A:?why}${NONE?why}", "1"),
        ("${NOT_SET:-a b} # why", "a b"),
        ("${LATER}", ""),
        ("${IT:-first}", "first"),
        ("${A}\nIT=${IT}2\nA=3", "12"),
    ],
)
def test_variables_are_filled_in(text: str, value: str) -> None:
    found = parse(f"A=1\nIT={text}\nLATER=2\n", GIVEN)
    assert found.values["IT"] == value
    assert not found.lacking


def test_the_environment_counts_before_the_file() -> None:
    assert parse("A=1\nB=$A", {"A": "2"}).values == {"A": "1", "B": "2"}


@pytest.mark.parametrize("operator", ["?", ":?"])
def test_what_a_value_cannot_be_without_is_said(operator: str) -> None:
    found = parse(f"A=x${{B{operator}set it}}y", {})
    assert found.lacking == {"A": "B"}
    assert found.values == {"A": "xy"}


def test_what_is_written_stays_known() -> None:
    found = parse("A=1\nB=${A}\nC=$A\nD='$A'\nE=a$word\nF=$$A", {})
    assert found.written == {"A": "1", "B": "${A}", "C": "$A", "D": "$A", "E": "a$word", "F": "$$A"}
    assert found.literal.keys() == {"A", "D", "E", "F"}
    assert parse("A=1\nB=${A}").values["B"] == "${A}"


@pytest.mark.parametrize(
    "text",
    [
        "A=" + "x" * 1000 + "\n" + "A=$A$A\n" * 60,
        "A=" + "x" * 500_000 + "\n" + "B=$A\n" * 90_000,
        "A=" + "${A:-" * 100_000,
        "A=" + "${A:-" * 100_000 + "}" * 100_000,
        "A=" + "${A:-}" * 100_000,
    ],
    ids=["doubled", "repeated", "open", "deep", "many"],
)
def test_no_file_makes_a_value_without_end(text: str) -> None:
    began = time.monotonic()
    found = parse(text, {})
    assert sum(map(len, found.values.values())) < 10_000_000
    assert time.monotonic() - began < 20
