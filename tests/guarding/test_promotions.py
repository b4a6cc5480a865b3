"""A promotion that nobody leads any more keeps its weights; its lease lets the next run go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.cli.held import free
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.promotion import Phase
from canaryctl.core.weight import Weight
from canaryctl.guarding.abandoned import bring_back
from canaryctl.guarding.replacing import PromotionUnfinished, StableReplaced, refuse_while_replacing
from tests.core.test_promotion import RECORD
from tests.guarding.test_service import LEASE, World

LED = Lease(
    *("p1", "me@here:1", "v0.2.0", 30.0),
    doing="promotion: replacing stable",
    weight="100",
    on_abandon=OnAbandon.HOLD,
    promoting=True,
)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def world() -> World:
    return World()


def test_one_that_runs_out_keeps_its_weights(world: World) -> None:
    world.led(LED)
    world.passes(3600)
    assert world.weights == []
    assert "canaryctl promote --version v0.2.0` goes on" in world.said[-1]
    assert len(world.said) == 2  # once, and that somebody led it


def test_one_whose_process_died_lets_the_next_run_take_the_gateway_at_once(world: World) -> None:
    theirs = world.led(LED)
    done = bring_back(world.build, world.build.lease.look(), "its process died", print)
    assert done.proof is None
    assert world.weights == []
    found = world.build.lease.look()
    assert found.lease is not None
    assert found.lease.promoting  # what it was can still be read
    world.passes(0.01)
    assert world.build.lease.look().left <= 0
    (fence,) = theirs.fence()  # should it wake, it changes nothing any more
    assert world.host.files.get(fence.path) != fence.content
    world.another_build().lease.take(replace(LED, rollout="p2", owner="me@here:2"))


def test_a_rollouts_lease_does_not_send_traffic_to_a_stable_being_replaced(world: World) -> None:
    world.build.promotion.write(replace(RECORD, phase=Phase.REPLACING))
    world.led(LEASE)
    world.passes(60)
    assert world.weights == []


@pytest.mark.parametrize("phase", list(Phase))
def test_only_while_stable_is_replaced_is_anything_refused(world: World, phase: Phase) -> None:
    world.build.promotion.write(replace(RECORD, phase=phase))
    if phase is not Phase.REPLACING:
        refuse_while_replacing(world.build)
        return
    with pytest.raises(StableReplaced, match=r"replaced by v0\.2\.0.*interrupted") as caught:
        refuse_while_replacing(world.build, forced="canaryctl rollback --force")
    assert "promote --version v0.2.0" in caught.value.next_step
    assert "rollback --force" in caught.value.next_step
    assert caught.value.exit_code == 4
    world.led(LED)
    with pytest.raises(StableReplaced, match="led by me@here:1"):
        refuse_while_replacing(world.build)
    assert world.router.weights == [Weight(500)]


@pytest.mark.parametrize("phase", list(Phase))
def test_no_rollout_begins_before_a_promotion_is_finished(world: World, phase: Phase) -> None:
    world.build.promotion.write(replace(RECORD, phase=phase))
    if phase is Phase.WATCHING:
        free(world.build)  # it has changed nothing
        return
    with pytest.raises((StableReplaced, PromotionUnfinished)) as caught:
        free(world.build)
    assert "p1" in str(caught.value)
    assert "`canaryctl promote --version v0.2.0`" in caught.value.next_step
    assert caught.value.exit_code == 4
