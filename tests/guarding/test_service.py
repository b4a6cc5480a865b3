"""The guard beside a gateway, in a world in memory: a day takes milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from canaryctl.config import loads
from canaryctl.core.errors import HostError, TrafficUnknown
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.moment import Moment
from canaryctl.core.notice import Notice, Occasion
from canaryctl.core.weight import Weight
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.guarding.abandoned import GUARD, bring_back
from canaryctl.guarding.service import BROKEN_FOR, GuardService
from canaryctl.ports import Mark
from canaryctl.wiring import Build
from tests.fake_world import FakeClock, FakeRouter
from tests.fakes import FakeHost

LIVE = "/etc/nginx/conf.d/up.conf"
CONFIG = f"""
service: shop
versions:
  stable: {{address: "app:8000"}}
  canary: {{address: "app-canary:8001"}}
gateway: {{driver: local, config: {LIVE}, lease: 30s, on_abandon: %s}}
"""
LEASE = Lease("r1", "me@here:1", "v1", 30.0, doing="stage 2 of 4", stage=1, weight="5")
MARK = Mark("v1", "r1", "me@here:1", "stage 2 of 4", "2")


@dataclass
class Router(FakeRouter):
    """With what a guard does beyond the port."""

    tidied: int = 0
    whole: bool | None = None

    def warm(self) -> None:
        """Everything is warm here."""

    def forget(self) -> None:
        """Nothing is remembered here."""

    def tidy(self, *, whole: bool) -> None:
        self.tidied += 1
        self.whole = whole


@dataclass
class World:
    """A gateway at 5 %, led by somebody."""

    on_abandon: OnAbandon = OnAbandon.ROLLBACK
    host: FakeHost = field(default_factory=FakeHost)
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[str] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.router = Router(self.clock)
        self.router.set(Weight(500), MARK, None)
        self.build = self.another_build()
        self.service = GuardService(
            self.build, self.said.append, lambda: self.stopped, self.told.append
        )

    def another_build(self) -> Build:
        build = Build(loads(CONFIG % self.on_abandon, "the test", {}), Path("/"))
        build.__dict__ |= {"host": self.host, "clock": self.clock, "router": self.router}
        return build

    def led(self, lease: Lease = LEASE) -> LeaseFile:
        """Have somebody take the gateway."""
        theirs = LeaseFile(self.host, LIVE, "theirs")
        theirs.take(lease)
        return theirs

    def passes(self, seconds: float) -> None:
        """Let time pass while the service watches."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            pause = min(self.service.look(), end - self.clock.now())
            self.clock.sleep(pause)
            self.host.moment = Moment("boot", self.host.moment.uptime + pause)

    @property
    def weights(self) -> list[Weight]:
        """All that was set since somebody led."""
        return self.router.weights[1:]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def world() -> World:
    return World()


def test_while_the_lease_counts_nothing_is_done(world: World) -> None:
    theirs = world.led()
    for beat in range(1, 20):
        world.passes(10)
        theirs.renew(replace(LEASE, beat=beat))
    assert world.weights == []
    assert world.said == ["me@here:1 leads rollout r1"]


def test_a_lease_that_ran_out_is_taken_over_and_zero_is_set(world: World) -> None:
    theirs = world.led()
    world.passes(29.5)
    assert world.weights == []
    world.passes(1)
    assert world.weights == [Weight.ZERO]
    mark = world.router.mark
    assert (mark.release, mark.rollout, mark.stage) == ("v1", "r1", "2")
    assert mark.owner.startswith(GUARD)
    assert mark.reason == "guard: no sign of life for 30 s"
    assert world.said[-1].startswith(
        "rollout r1 of me@here:1 (v1, stage 2 of 4) was abandoned: no sign of life for 30 s; all"
    )
    assert (world.router.tidied, world.router.whole) == (1, True)  # it leads the gateway by then
    assert world.build.lease.look().text is None
    (fence,) = theirs.fence()  # so its owner changes nothing any more
    assert world.host.files.get(fence.path) != fence.content
    world.passes(3600)
    assert world.weights == [Weight.ZERO]  # once


def test_people_are_told_once_and_after_the_proof(world: World) -> None:
    world.led()
    world.passes(29.5)
    assert world.told == []
    world.passes(3600)
    (notice,) = world.told
    assert notice.occasion is Occasion.ABANDONED
    assert notice.title == "shop: a rollout was abandoned"
    assert "all traffic is on stable, 0 % proven at NGINX" in notice.body


def test_people_are_told_of_weights_that_stay_and_of_zero_that_cannot_be_proven() -> None:
    held = World(OnAbandon.HOLD)
    held.led(replace(LEASE, on_abandon=OnAbandon.HOLD))
    held.passes(3600)
    assert [one.occasion for one in held.told] == [Occasion.ABANDONED]
    assert "its weights stay" in held.told[0].body
    broken = World()

    def silent(weight: Weight) -> None:
        raise TrafficUnknown(f"{weight} %: NGINX is silent")

    broken.router.fail = silent
    broken.led()
    broken.passes(60)
    assert {one.occasion for one in broken.told} == {Occasion.UNPROVEN}
    assert "canaryctl recover" in broken.told[0].body
    broken.router.fail = lambda _: None
    broken.passes(60)
    assert [one.occasion for one in broken.told][-1] is Occasion.ABANDONED


def test_a_restart_of_the_gateways_machine_ends_every_lease(world: World) -> None:
    world.led()
    world.host.moment = Moment("another boot", 5.0)
    world.service.look()
    assert world.weights == [Weight.ZERO]


def test_where_weights_are_to_stay_they_stay_and_it_is_said_once() -> None:
    world = World(OnAbandon.HOLD)
    world.led(replace(LEASE, on_abandon=OnAbandon.HOLD))
    world.passes(600)
    assert world.weights == []
    assert len(world.said) == 2
    assert "its weights stay (gateway.on_abandon: hold): `canaryctl resume`" in world.said[1]
    assert world.build.lease.look().lease is not None


def test_of_two_guards_one_acts(world: World) -> None:
    world.led()
    world.host.moment = Moment("boot", 2000.0)
    build = world.another_build()
    found = build.lease.look()
    world.service.look()
    assert world.weights == [Weight.ZERO]
    late = bring_back(build, found, "no sign of life", world.said.append)
    assert late.proof is None
    assert "somebody else looks after it" in late.said
    assert world.weights == [Weight.ZERO]


def test_an_owner_who_renews_in_between_is_left_alone(world: World) -> None:
    theirs = world.led()
    world.host.moment = Moment("boot", 2000.0)
    found = world.build.lease.look()
    theirs.renew(LEASE)
    assert "somebody else" in bring_back(world.build, found, "silence", world.said.append).said
    assert world.weights == []


def test_what_cannot_be_proven_is_tried_until_it_is(world: World) -> None:
    def fails(_: Weight) -> None:
        raise TrafficUnknown("NGINX does not answer")

    world.led()
    world.router.fail = fails
    world.passes(120)
    assert world.weights == []
    assert any("could not be proven in 3 attempts" in one for one in world.said)
    assert world.build.lease.look().lease is not None  # the lease stays, for whoever looks
    world.router.fail = lambda _: None
    world.passes(60)
    assert world.weights == [Weight.ZERO]
    assert world.build.lease.look().text is None


def cannot_prove(world: World, until: float) -> None:
    """Have NGINX silent up to a time, by the clock."""

    def fails(_: Weight) -> None:
        if world.clock.now() < until:
            raise TrafficUnknown("NGINX does not answer")

    world.router.fail = fails


def test_what_cannot_be_proven_is_tried_again_at_once(world: World) -> None:
    world.led()
    world.passes(29.5)
    cannot_prove(world, world.clock.now() + 6)
    world.passes(10)  # less than a lease
    assert world.weights == [Weight.ZERO]
    assert not [one for one in world.said if one.startswith(f"{GUARD}")]  # it leads no rollout
    assert world.said[-1].endswith("(generation 2-fake, 0.20 s)")
    assert "was abandoned: no sign of life for 30 s" in world.said[-1]


def test_where_one_guard_cannot_prove_it_another_one_gets_its_turn(world: World) -> None:
    world.led()
    world.passes(29.5)
    cannot_prove(world, float("inf"))
    world.passes(5)
    theirs = world.another_build().lease.look()
    assert theirs.lease is not None
    assert theirs.lease.owner.startswith(GUARD)
    world.passes(20)
    after = world.another_build().lease.look()
    assert (after.text, after.left > 0) == (theirs.text, True)  # it runs out, as it was taken


def test_another_guards_lease_is_waited_for(world: World) -> None:
    world.led(replace(LEASE, owner=f"{GUARD}me@there:7"))
    world.passes(29.5)
    assert world.weights == []
    assert world.said == [f"{GUARD}me@there:7 leads rollout r1"]


def test_a_host_out_of_reach_is_said_once_and_waited_for(world: World) -> None:
    world.led()
    world.host.unreachable = "no route"
    world.passes(60)
    assert world.said == ["no route"]
    world.host.unreachable = ""
    world.passes(60)
    assert world.weights == [Weight.ZERO]


def test_a_defect_in_one_look_is_said_once_and_tried_on(world: World) -> None:
    def fails(_: Weight) -> None:
        raise ValueError("nobody thought of it")

    world.led()
    world.router.fail = fails
    world.passes(40)
    said = [one for one in world.said if "unforeseen: ValueError: nobody thought of it" in one]
    assert len(said) == 1
    assert "Traceback (most recent call last)" in said[0]
    assert [one.occasion for one in world.told] == [Occasion.UNPROVEN]
    world.router.fail = lambda _: None
    world.passes(60)
    assert world.weights == [Weight.ZERO]
    assert world.build.lease.look().text is None


def test_it_runs_until_it_is_asked_to_end(world: World) -> None:
    world.stopped = "SIGTERM"
    world.service.run()
    assert world.said == []


# --- a lease that is none -------------------------------------------------------------------

GARBAGE = '{"rollout": "r1", "own'


def test_a_lease_that_cannot_be_read_counts_as_run_out_after_a_while(world: World) -> None:
    world.led()
    world.host.files[f"{LIVE}.lease"] = GARBAGE
    world.passes(BROKEN_FOR - 0.5)
    assert world.weights == []
    assert "cannot be read; after 30 s it counts as run out" in world.said[-1]
    world.passes(1)
    assert world.weights == [Weight.ZERO]
    assert "its lease could not be read for 30 s" in world.said[-1]
    assert (world.router.mark.rollout, world.router.mark.stage) == ("r1", "2")
    assert world.build.lease.look().text is None


def test_one_that_is_mended_meanwhile_begins_anew(world: World) -> None:
    world.led()
    sound = world.host.files[f"{LIVE}.lease"]
    for _ in range(5):
        world.host.files[f"{LIVE}.lease"] = GARBAGE
        world.passes(BROKEN_FOR - 5)
        world.host.files[f"{LIVE}.lease"] = sound
        world.host.moment = Moment("boot", 1000.0)
        world.passes(5)
    assert world.weights == []


def test_one_that_is_written_on_is_somebodys_who_lives(world: World) -> None:
    for beat in range(10):
        world.host.files[f"{LIVE}.lease"] = f'{{"beat": {beat}, "of": "a later version"}}'
        world.passes(BROKEN_FOR / 3)
    assert world.weights == []
    world.passes(BROKEN_FOR + 1)
    assert world.weights == [Weight.ZERO]


@pytest.mark.parametrize(
    ("weight", "mark"),
    [(Weight.ZERO, MARK), (Weight(500), Mark(owner="me@here:1", reason="by hand"))],
    ids=["at 0 %", "set by hand"],
)
def test_it_stays_where_no_rollouts_canary_has_traffic(
    world: World, weight: Weight, mark: Mark
) -> None:
    world.router.set(weight, mark, None)
    world.host.files[f"{LIVE}.lease"] = GARBAGE
    world.passes(600)
    assert world.weights == [weight]
    assert "no rollout's canary has traffic, so it stays" in world.said[-1]


def test_nor_does_it_move_what_is_to_stay() -> None:
    world = World(OnAbandon.HOLD)
    world.host.files[f"{LIVE}.lease"] = GARBAGE
    world.passes(600)
    assert world.weights == []
    assert "its weights stay" in world.said[-1]


def test_one_who_cannot_look_does_not_guess(world: World) -> None:
    def unreachable() -> None:
        raise HostError("no answer")

    world.host.files[f"{LIVE}.lease"] = GARBAGE
    world.router.look = unreachable  # type: ignore[method-assign,assignment]
    world.passes(120)
    assert world.weights == []
    assert world.said[-1] == "no answer"


# --- one look, as for cron ------------------------------------------------------------------


def test_one_look_ends_with_what_it_failed_of(world: World) -> None:
    world.led()
    world.host.unreachable = "no route"
    with pytest.raises(HostError, match="no route"):
        world.service.once()
    assert world.told == []
    world.host.unreachable = ""
    world.host.moment = Moment("boot", 2000.0)
    cannot_prove(world, float("inf"))
    with pytest.raises(TrafficUnknown, match="could not be proven in 3 attempts"):
        world.service.once()
    assert [one.occasion for one in world.told] == [Occasion.UNPROVEN]
    assert "tried again" not in world.told[0].body


def test_one_look_waits_for_a_lease_that_cannot_be_read(world: World) -> None:
    world.host.files[f"{LIVE}.lease"] = GARBAGE
    before = world.clock.now()
    world.service.once()
    assert world.weights == [Weight.ZERO]
    assert BROKEN_FOR <= world.clock.now() - before < BROKEN_FOR + 2
    assert world.build.lease.look().text is None


@pytest.mark.parametrize("text", [f"{GARBAGE}er", None], ids=["another text", "nothing"])
def test_it_does_not_wait_on_where_somebody_lives(world: World, text: str | None) -> None:
    world.host.files[f"{LIVE}.lease"] = GARBAGE
    sleep, before = world.clock.sleep, world.clock.now()

    def sleeps(seconds: float) -> None:
        sleep(seconds)
        if text is None:
            world.host.files.pop(f"{LIVE}.lease", None)
        else:
            world.host.files[f"{LIVE}.lease"] = text

    world.clock.sleep = sleeps  # type: ignore[method-assign]
    world.service.once()
    assert world.weights == []
    assert world.clock.now() - before < BROKEN_FOR
    assert ("somebody leads here" in world.said[-1]) == (text is not None)


def test_the_next_look_need_not_wait_for_the_lease_of_one_that_failed(world: World) -> None:
    world.led(replace(LEASE, length=3600.0))
    world.host.moment = Moment("boot", 9000.0)
    cannot_prove(world, float("inf"))
    with pytest.raises(TrafficUnknown):
        world.service.once()
    world.router.fail = lambda _: None
    world.host.moment = Moment("boot", 9001.0)
    GuardService(world.another_build(), world.said.append, lambda: None).once()
    assert world.weights == [Weight.ZERO]
    assert " let it go; all traffic is on stable" in world.said[-1]
    assert world.build.lease.look().text is None
