"""The lease of a promotion that died when all was done, and the run after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.cli.promote import _freed
from canaryctl.core.moment import Moment
from tests.guarding.test_service import LEASE, World

DEAD = replace(LEASE, promoting=True)


def test_one_that_has_run_out_is_taken_away() -> None:
    world = World()
    world.led(replace(DEAD, length=0.001))
    world.host.moment = Moment("boot", world.host.moment.uptime + 1)
    _freed(world.build, "v1")
    assert world.build.lease.look().text is None


@pytest.mark.parametrize(
    "lease", [LEASE, replace(DEAD, release="v2")], ids=["a rollout's", "another release's"]
)
def test_those_of_others_stay(lease: object) -> None:
    world = World()
    world.led(lease)  # type: ignore[arg-type]
    world.host.moment = Moment("boot", world.host.moment.uptime + 60)
    _freed(world.build, "v1")
    assert world.build.lease.look().lease == lease


def test_one_that_counts_is_waited_for_and_left_to_who_holds_it() -> None:
    world = World()
    world.led(DEAD)
    before = world.clock.now()
    _freed(world.build, "v1")
    assert world.clock.now() > before
    assert world.build.lease.look().lease == DEAD
