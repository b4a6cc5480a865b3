"""A promotion's tables: every pair has one answer, and none of them sends traffic astray."""

from __future__ import annotations

import itertools

import pytest

from canaryctl.core.promotion import ON, Came, IllegalStep, Next, Phase, Traffic, after, first
from canaryctl.core.promotion_record import Record, parse_record

RECORD = Record("p1", "r1", "v0.2.0", "v0.1.0", "me@here", 1.5, Phase.RETURNING, {"product": "you"})


@pytest.mark.parametrize(
    ("phase", "traffic"), list(itertools.product((None, *Phase), Traffic)), ids=str
)
def test_every_situation_has_a_first_step(phase: Phase | None, traffic: Traffic) -> None:
    found = first(phase, traffic, promoted=False)
    if traffic is Traffic.OTHER:
        assert not found.goes_on
    if phase is Phase.REPLACING and found.goes_on:
        # Stable may be anything: the canary gets all traffic before anything else.
        assert found is (Next.REPLACE if traffic is Traffic.CANARY else Next.TO_CANARY)
    if phase is None:
        assert found is (Next.WATCH if traffic is Traffic.CANARY else Next.NOT_ROLLED_OUT)


@pytest.mark.parametrize("phase", list(Phase))
def test_what_is_promoted_already_is_only_said_where_nothing_is_under_way(phase: Phase) -> None:
    assert first(None, Traffic.STABLE, promoted=True) is Next.NOTHING
    assert first(phase, Traffic.STABLE, promoted=True) is not Next.NOTHING


@pytest.mark.parametrize(("phase", "came"), list(itertools.product(Phase, Came)), ids=str)
def test_a_phase_leads_where_the_table_says_or_raises(phase: Phase, came: Came) -> None:
    if (phase, came) in ON:
        assert after(phase, came) is ON[phase, came]
    else:
        with pytest.raises(IllegalStep, match=f"{phase} cannot come to {came}"):
            after(phase, came)


def test_the_good_way_ends() -> None:
    way: list[Phase | None] = [Phase.WATCHING]
    for came in (Came.APPROVED, Came.PROVEN, Came.RETURNED, Came.CLEARED):
        assert way[-1] is not None
        way.append(after(way[-1], came))
    assert way == [*Phase, None]


def test_only_a_stable_that_is_being_replaced_may_get_no_traffic() -> None:
    assert [one for one in Phase if not one.stable_can_serve] == [Phase.REPLACING]


def test_a_record_is_read_back() -> None:
    assert parse_record(RECORD.text()) == RECORD


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{",
        '{"id": "p1"}',
        RECORD.text().replace('"returning"', '"flying"'),
        RECORD.text().replace('"v0.2.0"', "7"),
        RECORD.text().replace("1.5", "true"),
        RECORD.text().replace('"you"', "null"),
        RECORD.text().replace('{"id"', '{"more": 1, "id"'),
        "[" * 100_000,
        RECORD.text() + " " * 100_000,
    ],
)
def test_what_is_no_record_is_none(text: str | None) -> None:
    assert parse_record(text) is None
