"""What somebody decided after a rollout had died is not undone by a guard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.core.lease import OnAbandon
from canaryctl.core.moment import Moment
from canaryctl.core.notice import Occasion
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import header
from canaryctl.guarding.abandoned import bring_back
from canaryctl.guarding.died import About, Death, look_after
from canaryctl.ports import InForce, Mark
from tests.guarding.test_service import LEASE, LIVE, MARK, World

BY_HAND = Mark(owner="ann@desk:7", reason="stable is down")
OTHERS = Mark("v2", "r2", "bob@ci:9", "stage 4 of 4 (100 %)", "4", "100")


@dataclass
class Gateway(World):
    """One whose file says what was set there."""

    def sets(self, weight: Weight, mark: Mark) -> None:
        """Somebody sets a weight; that is not counted among ``weights``."""
        self.router.set(weight, mark, None)
        self.router.weights[:] = [weight]
        body = "upstream shop {}\n"
        self.host.files[LIVE] = f"{header(weight, self.router.there, mark, body)}\n{body}"

    def runs_out(self) -> None:
        self.host.moment = Moment("boot", self.host.moment.uptime + 31)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def world() -> Gateway:
    found = Gateway()
    found.led()
    found.sets(Weight(500), MARK)
    return found


def test_a_weight_that_was_set_by_hand_stays_and_the_lease_goes(world: Gateway) -> None:
    world.runs_out()
    world.sets(Weight.FULL, BY_HAND)
    world.passes(3600)
    assert world.weights == []
    assert world.build.lease.look().text is None
    # What its owner had staged goes as well.
    assert (world.router.tidied, world.router.whole) == (1, True)
    (said,) = world.said
    assert said == (
        "rollout r1 of me@here:1 (v1, stage 2 of 4) was abandoned: no sign of life for 30 s; "
        "ann@desk:7 set 100 % (stable is down), which stays; the lease is taken away"
    )
    assert [one.occasion for one in world.told] == [Occasion.ABANDONED]


def test_nor_does_the_rollouts_own_guard_undo_it(world: Gateway) -> None:
    world.sets(Weight(5000), BY_HAND)
    death = Death("its process died")
    look_after(world.build, About("r1"), death, None, world.said.append, world.told.append)
    assert world.weights == []
    assert world.build.lease.look().text is None


def test_where_weights_are_to_stay_it_is_those_that_are_there() -> None:
    world = Gateway(OnAbandon.HOLD)
    world.led(replace(LEASE, on_abandon=OnAbandon.HOLD))
    world.sets(Weight.FULL, BY_HAND)
    world.runs_out()
    world.service.look()
    assert "ann@desk:7 set 100 %" in world.said[-1]
    assert world.build.lease.look().text is None


@pytest.mark.parametrize("weight", [Weight.ZERO, Weight.FULL])
def test_what_another_rollout_ended_with_stays(world: Gateway, weight: Weight) -> None:
    world.runs_out()
    world.sets(weight, OTHERS)
    world.service.look()
    assert world.weights == []
    assert f"bob@ci:9 set {weight} % for rollout r2" in world.said[-1]


def test_what_another_rollout_left_in_its_middle_goes_back(world: Gateway) -> None:
    world.runs_out()
    world.sets(Weight(2500), OTHERS)
    world.service.look()
    assert world.weights == [Weight.ZERO]


def test_a_file_that_was_edited_or_never_came_into_force_decides_nothing(world: Gateway) -> None:
    world.runs_out()
    world.sets(Weight.FULL, BY_HAND)
    world.host.files[LIVE] += "# edited\n"
    world.service.look()
    assert world.weights == [Weight.ZERO]

    world.led(replace(LEASE, length=0.001))
    world.sets(Weight.FULL, BY_HAND)
    world.router.there = "0-before"
    world.runs_out()
    world.service.look()
    assert world.weights == [Weight.ZERO]


def test_who_cannot_tell_what_is_in_force_asks_again(world: Gateway) -> None:
    world.runs_out()
    world.sets(Weight.FULL, BY_HAND)
    looked = world.router.look
    world.router.look = lambda: InForce(None, None, BY_HAND, None, "no answer")  # type: ignore[method-assign]
    found = world.build.lease.look()
    with pytest.raises(GatewayUnreachable, match="no answer; so it cannot be told"):
        bring_back(world.build, found, "silence", world.said.append)
    assert world.weights == []
    assert world.build.lease.look().text == found.text
    world.router.look = looked  # type: ignore[method-assign]
    world.service.look()
    assert "which stays" in world.said[-1]


def test_an_owner_who_renews_in_between_keeps_the_lease() -> None:
    world = Gateway()
    theirs = world.led()
    world.sets(Weight.FULL, BY_HAND)
    found = world.build.lease.look()
    theirs.renew(replace(LEASE, beat=1))
    done = bring_back(world.build, found, "silence", world.said.append)
    assert "somebody else looks after it" in done.said
    assert world.build.lease.look().text is not None
