"""The record of a promotion at the gateway: written by who leads it, and by nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.errors import HostError, Superseded
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.promotion import Phase
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.promotion_file import PromotionFile
from tests.core.test_promotion import RECORD
from tests.fakes import FakeHost

LIVE = "/etc/nginx/conf.d/up.conf"
LEASE = Lease("p1", "me@here:1", "v0.2.0", 30.0, on_abandon=OnAbandon.HOLD, promoting=True)


def test_it_is_written_read_and_cleared() -> None:
    host = FakeHost()
    file = PromotionFile(host, LIVE, "a")
    assert file.look() is None
    file.write(RECORD)
    assert file.look() == RECORD
    file.write(replace(RECORD, phase=Phase.CLEARING))
    assert file.look() == replace(RECORD, phase=Phase.CLEARING)
    file.clear()
    file.clear()
    assert file.look() is None
    assert not host.files


def test_who_has_lost_the_gateway_writes_nothing() -> None:
    host = FakeHost()
    mine, other = LeaseFile(host, LIVE, "a"), LeaseFile(host, LIVE, "b")
    file = PromotionFile(host, LIVE, "a", mine.fence)
    mine.take(LEASE)
    file.write(RECORD)
    assert other.take_over(other.look(), replace(LEASE, owner="other@there:2"))
    with pytest.raises(Superseded):
        file.write(replace(RECORD, phase=Phase.CLEARING))
    with pytest.raises(Superseded):
        file.clear()
    assert file.look() == RECORD
    assert sorted(host.files) == [f"{LIVE}.lease", f"{LIVE}.promotion"]


def test_a_host_that_cannot_be_reached_is_said() -> None:
    file = PromotionFile(FakeHost(unreachable="gone"), LIVE, "a")
    with pytest.raises(HostError, match="gone"):
        file.look()


def test_a_rollouts_lease_is_as_it_was_before_there_were_promotions() -> None:
    assert "promoting" not in Lease("r1", "me@here:1", "v1", 30.0).text()
    assert '"promoting": true' in LEASE.text()
