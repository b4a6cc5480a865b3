"""What is looked at between two evaluations, in a world in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from canaryctl.core.breaker import BreakerPolicy, Circuit
from canaryctl.core.control import Answer, Desk, Request, Verb
from canaryctl.core.errors import HostError, Superseded
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Drifted,
    Event,
    GatewaySilent,
    Interrupted,
    Overtaken,
)
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.state import Phase, State
from canaryctl.core.streaks import Served, Streaks, gathered
from canaryctl.core.weight import Weight
from canaryctl.ports import InForce, Mark
from canaryctl.watch import EVERY, Watch
from tests.fake_world import FakeClock, FakeRouter

ME = Mark("v1", "r1", "me@here:1")
PLAN = Plan((Stage(Weight(1000), 60.0), Stage(Weight.FULL, 60.0)))


@dataclass
class FakeTenure:
    """A hold that can be lost."""

    lost: str = ""
    beats: list[str] = field(default_factory=list)

    def take(self) -> None:
        raise NotImplementedError

    def beat(self, doing: str, state: State) -> None:  # noqa: ARG002  the port
        self.beats.append(doing)
        if self.lost:
            raise Superseded(self.lost)

    def mine(self) -> bool:
        return not self.lost


@dataclass
class FakeDesk:
    """A desk in memory, which can be out of reach."""

    desk: Desk = field(default_factory=Desk)
    unreadable: bool = False
    unwritable: bool = False

    def read(self) -> Desk:
        if self.unreadable:
            raise HostError("out of reach")
        return self.desk

    def answer(self, answer: Answer) -> None:
        if self.unwritable:
            raise HostError("disk full")
        self.desk = self.desk.answered(answer)

    def ask(self, request: Request) -> None:
        self.desk = self.desk.asked(request)


@dataclass
class FakeAttempts:
    """A log whose new lines a test writes."""

    new: Streaks = field(default_factory=Streaks)
    reads: int = 0

    def read(self) -> Attempts | None:
        self.reads += 1
        return None

    def watch(self) -> Streaks:
        new, self.new = self.new, Streaks()
        return new


@dataclass
class LookedAt(FakeRouter):
    """A router whose answer to a look a test gives; the last one stays."""

    looks: list[InForce] = field(default_factory=list)

    def look(self) -> InForce:
        if not self.looks:
            return super().look()
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


class World:
    """A gateway at 10 %, in the first stage of a rollout."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.router = LookedAt(self.clock)
        self.tenure, self.desk, self.attempts = FakeTenure(), FakeDesk(), FakeAttempts()
        self.asked_to_stop: str | None = None
        proof = self.router.set(Weight(1000), ME, None)
        self.state = State(
            PLAN, Phase.OBSERVING, index=0, weight=Weight(1000), generation=proof.generation
        )
        self.watch = Watch(
            router=self.router,
            clock=self.clock,
            mark=ME,
            stopped=lambda: self.asked_to_stop,
            tenure=self.tenure,
            controls=self.desk,
            attempts=self.attempts,
            breaking=BreakerPolicy(failures=5, open_for=10.0),
        )

    def tick(self, after: float = EVERY) -> Event | None:
        self.clock.sleep(after)
        return self.watch.tick(self.state)

    def somebody_sets(self, weight: Weight, mark: Mark | None) -> None:
        self.router.set(weight, mark or Mark(), None)
        if mark is None:
            self.router.looks = [InForce(self.router.there, weight, None, None)]


@pytest.fixture
def world() -> World:
    return World()


def test_while_nothing_happens_there_is_nothing_to_tell(world: World) -> None:
    assert [world.tick() for _ in range(10)] == [None] * 10
    assert world.tenure.beats == ["stage 1 of 2 (10 %)"] * 10


def test_a_wish_to_stop_comes_first_and_at_once(world: World) -> None:
    world.tick()
    world.asked_to_stop, world.tenure.lost = "Ctrl-C", "gone"
    assert world.tick(after=0.0) == Interrupted(world.clock.now(), "Ctrl-C")


def test_a_lost_lease_is_told_before_the_second_is_over(world: World) -> None:
    world.tick()
    world.tenure.lost = "you@there:2 holds it"
    seen = world.tick(after=0.01)
    assert isinstance(seen, Overtaken)
    assert (seen.weight, seen.by) == (None, "you@there:2 holds it")


def test_a_lost_lease_names_who_has_set_other_weights(world: World) -> None:
    world.tenure.lost = "you@there:2 holds it"
    world.somebody_sets(Weight.ZERO, Mark("v2", "r2", "you@there:2", "rollback: odd"))
    seen = world.tick()
    assert isinstance(seen, Overtaken)
    assert (seen.weight, seen.by) == (Weight.ZERO, "you@there:2 set 0 %: rollback: odd")


def test_a_lost_lease_at_a_gateway_out_of_reach_is_told_all_the_same(world: World) -> None:
    def unreachable() -> InForce:
        raise HostError("no route")

    world.tenure.lost = "lost"
    world.router.look = unreachable  # type: ignore[method-assign]
    seen = world.tick()
    assert isinstance(seen, Overtaken)
    assert (seen.weight, seen.by) == (None, "lost (no route)")


def test_the_gateway_is_asked_once_a_second(world: World) -> None:
    asked: list[float] = []
    generation = world.router.generation

    def counted() -> str:
        asked.append(world.clock.now())
        return generation()

    world.router.generation = counted  # type: ignore[method-assign]
    for _ in range(40):
        world.tick(after=0.25)
    assert len(asked) == 10


def test_another_generation_is_a_decision_of_somebody(world: World) -> None:
    world.somebody_sets(Weight(5000), Mark("", "", "you@there:2", "by hand"))
    assert world.tick() == Overtaken(
        world.clock.now(), Weight(5000), "you@there:2 set 50 %: by hand"
    )


def test_a_change_under_way_is_waited_for(world: World) -> None:
    mine, theirs = world.router.there, "9-theirs"
    there = Mark("", "", "you@there:2", "by hand")
    world.router.there = theirs
    under_way = InForce(mine, Weight(1000), there, theirs)
    world.router.looks = [under_way, under_way, InForce(theirs, Weight(5000), there, theirs)]
    seen = world.tick()
    assert isinstance(seen, Overtaken)
    assert seen.weight == Weight(5000)


def test_an_older_generation_is_nobodys_decision(world: World) -> None:
    world.state = replace(world.state, generation="7-mine")
    world.router.there = "3-old"
    seen = world.tick()
    assert isinstance(seen, Drifted)
    assert seen.what == "generation 3-old is in force again, which is older than 7-mine"


def test_a_file_that_is_not_canaryctls_is_drift(world: World) -> None:
    world.somebody_sets(Weight(5000), None)
    assert world.tick() == Drifted(
        world.clock.now(), "a configuration that is not canaryctl's is in force"
    )


def test_a_silent_gateway_is_silent_unless_its_file_tells_why(world: World) -> None:
    world.router.silent_until = float("inf")
    assert world.tick() == GatewaySilent(world.clock.now(), "the fake does not answer")
    world.router.drifted = lambda: "the file is gone"
    assert world.tick() == Drifted(world.clock.now(), "the file is gone")


def test_drift_is_looked_for_at_most_each_interval(world: World) -> None:
    looks: list[float] = []

    def drifted() -> str:
        looks.append(world.clock.now())
        return ""

    world.router.drifted = drifted
    for _ in range(100):
        world.clock.sleep(0.5)
        assert world.watch.drift(5.0) is None
    assert len(looks) == 10
    world.router.drifted = lambda: "edited by hand"
    world.clock.sleep(5.0)
    assert world.watch.drift(5.0) == Drifted(world.clock.now(), "edited by hand")


def test_a_host_out_of_reach_is_no_drift(world: World) -> None:
    def unreachable() -> str:
        raise HostError("no route")

    world.router.drifted = unreachable
    assert world.watch.drift(5.0) is None


# --- the desk -----------------------------------------------------------------------------


def request(number: int, rollout: str = "r1", verb: Verb = Verb.ADVANCE) -> Request:
    return Request(f"q{number}", rollout, verb, "you@there", "why")


def answered(world: World) -> Callable[[str], None]:
    return lambda name: world.watch.answer(Answer(name, accepted=True, said="done"))


def test_what_is_asked_of_this_rollout_is_heard_once(world: World) -> None:
    world.desk.ask(request(1, "another"))
    world.desk.ask(request(2))
    seen = world.tick()
    assert seen == Controlled(world.clock.now(), Verb.ADVANCE, "q2", "you@there", "why")
    answered(world)("q2")
    assert world.tick() is None
    assert world.desk.desk.answers["q2"].accepted
    assert [one.id for one in world.desk.desk.requests] == ["q1"]


def test_those_who_ask_at_the_same_time_do_not_wait_a_second_each(world: World) -> None:
    for number in range(6):
        world.desk.ask(request(number))
    world.clock.sleep(EVERY)
    for number in range(6):
        seen = world.tick(after=0.0)
        assert isinstance(seen, Controlled)
        assert seen.request == f"q{number}"
        answered(world)(seen.request)
    assert world.tick(after=0.0) is None


def test_what_was_done_is_not_done_again_when_the_answer_cannot_be_written(world: World) -> None:
    world.desk.ask(request(1))
    assert isinstance(world.tick(), Controlled)
    world.desk.unwritable = True
    answered(world)("q1")
    assert [world.tick() for _ in range(3)] == [None] * 3
    world.desk.unwritable = False
    assert world.tick() is None
    assert world.desk.desk.answers == {"q1": Answer("q1", accepted=True, said="done")}


def test_an_abort_is_heard_while_the_gateway_is_silent_and_the_rest_later(world: World) -> None:
    world.router.silent_until = world.clock.now() + 10.0
    world.desk.ask(request(1))
    assert isinstance(world.tick(), GatewaySilent)
    world.desk.ask(request(2, verb=Verb.ABORT))
    seen = world.tick()
    assert seen == Controlled(world.clock.now(), Verb.ABORT, "q2", "you@there", "why")
    answered(world)("q2")
    assert isinstance(world.tick(), GatewaySilent)
    seen = world.tick(after=10.0)
    assert isinstance(seen, Controlled)
    assert seen.request == "q1"


def test_a_desk_out_of_reach_stops_nothing(world: World) -> None:
    world.desk.unreadable = True
    assert world.tick() is None
    world.watch.close("over")


def test_at_the_end_everybody_is_told(world: World) -> None:
    world.desk.ask(request(1))
    assert isinstance(world.tick(), Controlled)
    world.desk.unwritable = True
    answered(world)("q1")
    world.desk.unwritable = False
    world.desk.ask(request(2))
    world.desk.ask(request(3, "another"))
    world.watch.close("every gate passed")
    answers = world.desk.desk.answers
    assert answers["q1"].said == "done"
    assert answers["q2"] == Answer("q2", False, "the rollout has ended: every gate passed")
    assert "q3" not in answers


# --- the circuit breaker ------------------------------------------------------------------


def failures(count: int) -> Streaks:
    return gathered([Served(canary=False)] * count)


def test_the_breaker_opens_is_tested_and_closes(world: World) -> None:
    world.attempts.new = failures(4)
    assert world.tick() is None
    world.attempts.new = failures(1)
    seen = world.tick()
    assert isinstance(seen, BreakerMoved)
    assert seen.breaker.circuit is Circuit.OPEN
    assert seen.test == Weight(100)
    assert seen.breaker.until == world.clock.now() + 10.0

    world.state = replace(world.state, phase=Phase.OPEN)
    world.attempts.new = failures(9)  # what was under way
    assert world.tick() is None
    world.clock.sleep(10.0)
    world.state = replace(world.state, phase=Phase.TESTING)
    assert world.tick() is None  # half-open from now on
    world.attempts.new = gathered([Served(canary=True)] * 5)
    seen = world.tick()
    assert isinstance(seen, BreakerMoved)
    assert seen.breaker.circuit is Circuit.CLOSED
    assert world.attempts.reads == 1


@pytest.mark.parametrize("look", ["tick", "before_evaluation"])
def test_a_silent_gateway_does_not_hide_the_breaker(world: World, look: str) -> None:
    world.router.silent_until = float("inf")
    world.clock.sleep(EVERY)
    assert isinstance(getattr(world.watch, look)(world.state), GatewaySilent)
    world.attempts.new = failures(5)
    world.clock.sleep(EVERY)
    assert isinstance(getattr(world.watch, look)(world.state), BreakerMoved)


def test_without_a_breaker_nothing_opens(world: World) -> None:
    world.watch.breaking = None
    world.attempts.new = failures(50)
    assert world.tick() is None
