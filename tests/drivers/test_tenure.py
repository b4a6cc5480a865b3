"""A rollout's hold on its gateway: renewed in time, never in the way, lost when it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from canaryctl.core.errors import GatewayHeld, HostError, Superseded
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.moment import Moment
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.tenure import GatewayTenure
from canaryctl.ports import Performed, Step
from tests.fake_world import FakeClock
from tests.fakes import FakeHost

LIVE = "/etc/nginx/conf.d/up.conf"
LEASE = Lease("r1", "me@here:1", "v1", 30.0)
STATE = State(Plan((Stage(Weight(500), 60.0), Stage(Weight.FULL, 60.0))))
FIRST = State(STATE.plan, index=0, weight=Weight(500))


@dataclass
class FakeGuardian:
    """A guard that may not start."""

    broken: bool = False
    beats: int = 0

    def ready(self) -> None:
        if self.broken:
            raise HostError("the guard did not start")

    def beat(self) -> None:
        self.beats += 1


@dataclass
class World:
    """A gateway whose own clock goes with the test's."""

    host: FakeHost = field(default_factory=FakeHost)
    clock: FakeClock = field(default_factory=FakeClock)
    guardian: FakeGuardian = field(default_factory=FakeGuardian)

    def __post_init__(self) -> None:
        self.file = LeaseFile(self.host, LIVE, "a")
        self.tenure = GatewayTenure(self.file, LEASE, self.clock, self.guardian)

    def passes(self, seconds: float, state: State = STATE, doing: str = "") -> None:
        """Let time pass, with four signs of life a second."""
        for _ in range(int(seconds * 4)):
            self.clock.sleep(0.25)
            self.host.moment = Moment("boot", self.host.moment.uptime + 0.25)
            self.tenure.beat(doing, state)

    def there(self) -> Lease:
        found = self.file.look().lease
        assert found is not None
        return found


@pytest.fixture
def world() -> World:
    return World()


def test_without_a_guard_the_gateway_is_not_taken(world: World) -> None:
    world.guardian.broken = True
    with pytest.raises(HostError, match="did not start"):
        world.tenure.take()
    assert world.host.files == {}
    assert not world.tenure.taken


def test_somebody_elses_gateway_is_not_taken_nor_given_back(world: World) -> None:
    LeaseFile(world.host, LIVE, "b").take(Lease("r2", "you@there:2", "v2", 30.0))
    there = dict(world.host.files)
    with pytest.raises(GatewayHeld):
        world.tenure.take()
    world.passes(20)
    world.tenure.give_back()
    assert world.host.files == there
    assert world.guardian.beats == 80  # the guard lives before the gateway is taken


def test_it_is_renewed_each_third_of_its_length(world: World) -> None:
    world.tenure.take()
    world.passes(9.5)
    assert world.there().beat == 0
    world.passes(1)
    assert world.there().beat == 1
    world.passes(300)
    assert 29 <= world.there().beat <= 31
    assert world.file.look().left > 19


def test_what_is_new_is_told_soon_but_not_all_the_time(world: World) -> None:
    world.tenure.take()
    world.passes(2, FIRST, "stage 1 of 2")
    seen = world.there()
    assert (seen.doing, seen.stage, seen.weight, seen.beat) == ("stage 1 of 2", 0, "5", 1)
    for number in range(40):
        world.passes(0.25, FIRST, f"doing {number}")
    assert world.there().beat <= 11


def test_a_renewal_that_fails_is_tried_again(world: World) -> None:
    world.tenure.take()
    world.passes(9)
    world.host.unreachable = "no route"
    world.passes(10)
    world.host.unreachable = ""
    world.passes(1.5)
    assert world.there().beat == 1
    assert world.file.look().left > 28


def test_it_does_not_ask_a_gateway_out_of_reach_at_every_sign_of_life(world: World) -> None:
    world.tenure.take()
    steps = len(world.host.steps)
    world.host.held.add(f"{LIVE}.lock")
    world.passes(20)
    asked = len(world.host.steps) - steps
    assert 10 <= asked <= 22  # a lock and a removal for each second in which it was due


def test_a_lease_that_is_another_ones_is_lost(world: World) -> None:
    world.tenure.take()
    world.host.moment = Moment("boot", 1031.0)  # this process was asleep
    LeaseFile(world.host, LIVE, "b").take(Lease("r2", "you@there:2", "v2", 30.0))
    there = dict(world.host.files)
    with pytest.raises(Superseded, match="you@there:2"):
        world.passes(11)
    assert not world.tenure.mine()
    world.tenure.give_back()
    assert world.host.files == there


def test_a_lease_that_somebody_took_away_is_lost(world: World) -> None:
    world.tenure.take()
    world.file.free(None)
    with pytest.raises(Superseded, match="nobody holds it"):
        world.passes(11)


def test_one_that_goes_back_tells_at_once_that_nothing_is_to_be_held(world: World) -> None:
    held = replace(LEASE, on_abandon=OnAbandon.HOLD)
    world.tenure = GatewayTenure(world.file, held, world.clock, world.guardian)
    world.tenure.take()
    world.passes(1.5, FIRST)
    assert world.there().on_abandon is OnAbandon.HOLD
    world.tenure.beat("", replace(FIRST, ending=Ending(Cause.PASSED, "every gate passed")))
    assert world.there().on_abandon is OnAbandon.HOLD
    world.tenure.beat("", replace(FIRST, ending=Ending(Cause.GATE_FAILED, "errors")))
    assert world.there().on_abandon is OnAbandon.ROLLBACK


def test_where_that_cannot_be_told_it_is_tried_on_at_the_usual_pace(world: World) -> None:
    held = replace(LEASE, on_abandon=OnAbandon.HOLD)
    world.tenure = GatewayTenure(world.file, held, world.clock, world.guardian)
    world.tenure.take()
    back = replace(FIRST, ending=Ending(Cause.GATE_FAILED, "errors"))
    world.host.unreachable = "no route"
    world.tenure.beat("", back)
    world.host.unreachable = ""
    world.tenure.beat("", back)
    assert world.there().on_abandon is OnAbandon.HOLD  # not again within the same second
    world.clock.sleep(1)
    world.tenure.beat("", back)
    assert world.there().on_abandon is OnAbandon.ROLLBACK


def test_it_is_given_back_or_runs_out(world: World) -> None:
    world.tenure.take()
    world.host.unreachable = "no route"
    before, world.guardian.beats = world.clock.now(), 0
    world.tenure.give_back()  # says so, and leaves it to the lease
    assert world.guardian.beats >= world.clock.now() - before > 10  # its guard takes it for alive
    world.host.unreachable = ""
    assert world.there() == LEASE
    world.tenure.give_back()
    assert world.file.look().text is None


def test_a_lease_whose_taking_was_not_answered_is_given_back(world: World) -> None:
    real = world.host.perform

    def cut(steps: Sequence[Step]) -> Performed:
        world.host.perform = real  # type: ignore[method-assign]
        real(steps)
        raise HostError("the connection was cut")

    world.host.perform = cut  # type: ignore[method-assign]
    with pytest.raises(HostError, match="was cut"):
        world.tenure.take()
    assert world.there() == LEASE
    world.tenure.give_back()
    assert world.file.look().text is None
