"""The lease's text, its age, and what is no lease."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.lease import Lease, OnAbandon, Stamped, parse_lease
from canaryctl.core.moment import Moment, parse_moment

LEASE = Lease("r1", "me@here:1", "v0.2.0", 30.0, 3, "observing", 1, "5", OnAbandon.HOLD)
AT = Moment("boot-1", 100.0)


def test_what_is_written_is_read_back() -> None:
    assert parse_lease(LEASE.text() + AT.stamp()) == Stamped(LEASE, AT)


def test_a_lease_runs_out_after_its_length() -> None:
    stamped = Stamped(LEASE, AT)
    assert stamped.left(Moment("boot-1", 110.0)) == 20.0
    assert stamped.left(Moment("boot-1", 131.0)) == -1.0


@pytest.mark.parametrize("now", [Moment("boot-2", 110.0), Moment("boot-1", 90.0)])
def test_a_restart_of_the_machine_ends_every_lease(now: Moment) -> None:
    assert Stamped(LEASE, AT).left(now) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{}",
        LEASE.text(),
        LEASE.text() + "boot-1\n",
        LEASE.text() + "boot-1\nsoon\n",
        "[]\n" + AT.stamp(),
        "[" * 90_000 + "\n" + AT.stamp(),
        LEASE.text().replace('"hold"', '"never"') + AT.stamp(),
        LEASE.text().replace("30.0", "-1") + AT.stamp(),
        LEASE.text().replace("30.0", "1e9") + AT.stamp(),
        LEASE.text().replace("30.0", "true") + AT.stamp(),
        LEASE.text().replace('"r1"', "1") + AT.stamp(),
        LEASE.text().replace('"rollout"', '"rolling"') + AT.stamp(),
    ],
)
def test_what_is_no_lease_is_none(text: str | None) -> None:
    assert parse_lease(text) is None


@given(st.text(), st.text(), st.text())
def test_any_text_survives(owner: str, doing: str, release: str) -> None:
    lease = replace(LEASE, owner=owner, doing=doing, release=release)
    assert parse_lease(lease.text() + AT.stamp()) == Stamped(lease, AT)


def test_a_moment_is_read_as_linux_tells_it() -> None:
    assert parse_moment("0b3f\n12345.67 4567.89\n") == Moment("0b3f", 12345.67)
    assert parse_moment("\n12345.67 4567.89\n") is None
    assert parse_moment("0b3f\nnan nan\n") is None
