"""What a rollout's own guard does once the rollout died, in a world in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.core.errors import HostError
from canaryctl.core.lease import OnAbandon
from canaryctl.core.notice import Occasion
from canaryctl.core.weight import Weight
from canaryctl.guarding.died import ATTEMPTS, About, Death, look_after
from canaryctl.guarding.stuck import Owner
from canaryctl.ports import InForce, Mark
from canaryctl.wiring import Build
from tests.guarding.test_service import GARBAGE, LEASE, LIVE, MARK, World

DEATH = Death("its process died")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def world() -> World:
    found = World()
    found.led()
    return found


def dies(
    world: World,
    owner: Owner | None = None,
    death: Death = DEATH,
    *,
    promoting: bool = False,
) -> bool:
    about = About("r1", promoting=promoting)
    return look_after(world.build, about, death, owner, world.said.append, world.told.append)


def test_its_traffic_goes_back_at_once(world: World) -> None:
    before = world.clock.now()
    dies(world)
    assert world.weights == [Weight.ZERO]
    assert world.clock.now() - before < 1
    assert [one.occasion for one in world.told] == [Occasion.ABANDONED]


def test_a_defect_in_one_attempt_is_said_and_tried_on(world: World) -> None:
    defects = [ValueError("nobody thought of it"), KeyError("nor of that")]

    def fail(_: Weight) -> None:
        if defects:
            raise defects.pop(0)

    world.router.fail = fail
    dies(world)
    assert world.weights == [Weight.ZERO]
    assert world.said[0].startswith("unforeseen: ValueError: nobody thought of it; please report")
    assert "Traceback (most recent call last)" in world.said[0]
    assert [one.occasion for one in world.told] == [Occasion.UNPROVEN, Occasion.ABANDONED]
    assert "Traceback" not in world.told[0].body


def test_a_defect_that_stays_is_given_up_in_the_end(world: World) -> None:
    def fail(_: Weight) -> None:
        raise ValueError("always")

    world.router.fail = fail
    dies(world)
    assert len([one for one in world.said if "ValueError: always" in one]) == ATTEMPTS
    assert world.build.lease.look().lease is not None  # for a guard beside NGINX


class Stuck(Owner):
    """Of whom cannot be told whether it sleeps amid a change."""

    def end_if_stuck(self, build: Build) -> bool:
        raise HostError(f"{build.host.describe()} gives no identity")


def test_an_owner_that_cannot_be_looked_at_keeps_no_traffic(world: World) -> None:
    dies(world, Stuck(1, -1))
    assert world.weights == [Weight.ZERO]
    assert world.said[0] == "a fake host gives no identity"


def test_a_gateway_that_is_free_is_tidied_and_left(world: World) -> None:
    world.router.set(Weight.ZERO, MARK, None)  # it ended
    world.host.files.pop(f"{LIVE}.lease")
    world.host.files[f"{LIVE}.lease.r1"] = "what it was about to put there"
    dies(world)
    assert world.weights == [Weight.ZERO]
    assert (world.router.tidied, world.router.whole) == (1, False)
    assert f"{LIVE}.lease.r1" not in world.host.files


# --- one that was only silent ----------------------------------------------------------------


class Silent:
    """A rollout that is heard again once it was asked about so often."""

    def __init__(self, after: int) -> None:
        self.left = after

    def heard(self) -> bool:
        self.left -= 1
        return self.left < 0

    @property
    def death(self) -> Death:
        return Death("it gave no sign of life for 30 s", undone=self.heard)


def test_one_that_is_heard_again_before_anything_was_done_lives(world: World) -> None:
    assert not dies(world, death=Silent(0).death)
    assert (world.weights, world.told) == ([], [])
    assert world.build.lease.look().lease == LEASE


def test_one_that_succeeded_while_its_gateway_was_out_of_reach_keeps_its_traffic(
    world: World,
) -> None:
    world.host.unreachable = "no route"
    silent = Silent(0)

    def pause(seconds: float) -> None:
        world.clock.sleep = real  # type: ignore[method-assign]
        real(seconds)
        world.host.unreachable = ""
        world.router.set(Weight.FULL, MARK, None)
        world.host.files.pop(f"{LIVE}.lease", None)

    real, world.clock.sleep = world.clock.sleep, pause  # type: ignore[method-assign]
    assert not dies(world, death=silent.death)
    assert world.weights == [Weight.FULL]


def test_once_its_lease_was_taken_over_it_is_too_late(world: World) -> None:
    defects = [ValueError("in the first attempt")]

    def fail(_: Weight) -> None:
        if defects:
            raise defects.pop(0)

    world.router.fail = fail
    assert dies(world, death=Silent(1).death)
    assert world.weights == [Weight.ZERO]


# --- no lease at all ------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [Weight(500), Weight.FULL], ids=["5 %", "100 %"])
def test_a_lease_that_somebody_removed_is_no_end(world: World, weight: Weight) -> None:
    world.router.set(weight, MARK, None)
    world.host.files.pop(f"{LIVE}.lease")
    dies(world)
    assert world.weights == [weight, Weight.ZERO]
    said = f"rollout r1 of me@here:1 (v1, {weight} %) was abandoned: its process died"
    assert said in world.said[-1]
    assert world.build.lease.look().text is None
    assert [one.occasion for one in world.told] == [Occasion.ABANDONED]


@pytest.mark.parametrize("text", [None, GARBAGE], ids=["no lease", "one that is none"])
def test_a_change_that_nginx_is_about_to_take_up_is_not_0(world: World, text: str | None) -> None:
    world.host.files.pop(f"{LIVE}.lease")
    if text is not None:
        world.host.files[f"{LIVE}.lease"] = text
    there = InForce("1-a", Weight.ZERO, MARK, "2-b")
    world.router.look = lambda: there  # type: ignore[method-assign]
    dies(world)
    assert world.weights == [Weight.ZERO]


def test_a_rollout_that_was_giving_its_lease_back_had_ended(world: World) -> None:
    world.router.set(Weight.FULL, MARK, None)
    world.host.files.pop(f"{LIVE}.lease")
    dies(world, death=Death("its process died", leaving=True))
    assert world.weights == [Weight.FULL]
    assert (world.said, world.told) == ([], [])


def test_a_rollout_that_never_began_needs_no_nginx_that_answers(world: World) -> None:
    world.host.files.pop(f"{LIVE}.lease")
    other = replace(MARK, rollout="r0")
    world.router.look = lambda: InForce(None, None, other, None, "no answer")  # type: ignore[method-assign]
    dies(world)
    assert (world.weights, world.said, world.told) == ([], [], [])


def test_where_the_file_is_gone_too_what_is_in_force_goes(world: World) -> None:
    world.host.files.pop(f"{LIVE}.lease")
    there = InForce("2-b", Weight(1000), None, None)
    world.router.look = lambda: there  # type: ignore[method-assign]
    dies(world)
    assert world.weights == [Weight.ZERO]
    assert world.router.mark.rollout == "r1"


@pytest.mark.parametrize("weight", [None, Weight.ZERO])
def test_where_nothing_is_there_nothing_is_done(world: World, weight: Weight | None) -> None:
    world.host.files.pop(f"{LIVE}.lease")
    there = InForce(None if weight is None else "2-b", weight, None, None, "no answer")
    world.router.look = lambda: there  # type: ignore[method-assign]
    dies(world)
    assert (world.weights, world.said, world.told) == ([], [], [])


def test_a_promotion_keeps_its_traffic_without_its_lease_too(world: World) -> None:
    world.router.set(Weight.FULL, MARK, None)
    world.host.files.pop(f"{LIVE}.lease")
    dies(world, promoting=True)
    assert world.weights == [Weight.FULL]
    assert "the promotion of v1 by me@here:1 (100 %) was interrupted" in world.said[-1]


@pytest.mark.parametrize("text", [None, GARBAGE], ids=["no lease", "one that is none"])
def test_one_that_is_held_can_be_resumed(text: str | None) -> None:
    world = World(OnAbandon.HOLD)
    world.host.files.pop(f"{LIVE}.lease", None)
    if text is not None:
        world.host.files[f"{LIVE}.lease"] = text
    dies(world)
    assert world.weights == []
    assert "its weights stay (gateway.on_abandon: hold)" in world.said[-1]
    left = world.build.lease.look()
    assert left.lease is not None
    assert (left.lease.rollout, left.lease.stage, left.lease.on_abandon) == ("r1", 1, "hold")
    world.passes(1)
    assert world.build.lease.look().left <= 0


# --- a lease that is none -------------------------------------------------------------------


@pytest.mark.parametrize("text", [GARBAGE, "", '{"of": "a later version"}\n'])
def test_a_lease_that_cannot_be_read_is_no_end(world: World, text: str) -> None:
    world.host.files[f"{LIVE}.lease"] = text
    dies(world)
    assert world.weights == [Weight.ZERO]
    assert (world.router.mark.rollout, world.router.mark.stage) == ("r1", "2")
    assert "rollout r1 of me@here:1 (v1, 5 %) was abandoned: its process died" in world.said[-1]
    assert world.build.lease.look().text is None


def test_it_is_tried_on_while_the_weights_cannot_tell_whose_they_are(world: World) -> None:
    world.host.files[f"{LIVE}.lease"] = GARBAGE
    looked, answers = world.router.look, world.clock.now() + 10

    def look() -> InForce:
        if world.clock.now() < answers:
            return InForce(None, None, MARK, None, "no answer")
        return looked()

    world.router.look = look  # type: ignore[method-assign]
    dies(world)
    assert world.said[0] == "no answer"
    assert world.weights == [Weight.ZERO]


@pytest.mark.parametrize("text", [None, GARBAGE], ids=["no lease", "one that is none"])
@pytest.mark.parametrize(
    ("weight", "mark"),
    [
        (Weight.ZERO, MARK),
        (Weight(500), replace(MARK, rollout="r2")),
        (Weight(500), Mark(owner="ann@desk:7", reason="by hand")),
    ],
    ids=["at 0 %", "another rollout's", "set by hand"],
)
def test_where_the_weights_are_not_its_own_it_leaves(
    world: World, weight: Weight, mark: Mark, text: str | None
) -> None:
    world.router.set(weight, mark, None)
    world.host.files.pop(f"{LIVE}.lease")
    if text is not None:
        world.host.files[f"{LIVE}.lease"] = text
    dies(world)
    assert world.weights == [weight]
    assert world.host.files.get(f"{LIVE}.lease") == text
    assert (world.said, world.told) == ([], [])


@pytest.mark.parametrize("text", [None, GARBAGE], ids=["no lease", "one that is none"])
def test_a_lease_that_is_written_meanwhile_is_another_ones(world: World, text: str | None) -> None:
    world.host.files.pop(f"{LIVE}.lease")
    if text is not None:
        world.host.files[f"{LIVE}.lease"] = text
    looked, other = world.router.look, replace(LEASE, rollout="r2")

    def look() -> InForce:
        if world.build.lease.look().lease is None:
            world.host.files.pop(f"{LIVE}.lease", None)
            world.led(other)
        return looked()

    world.router.look = look  # type: ignore[method-assign]
    dies(world)
    assert world.weights == []
    assert "somebody else looks after it" in world.said[-1]
    assert world.build.lease.look().lease == other
