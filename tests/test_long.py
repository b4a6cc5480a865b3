"""What takes long is no death of the rollout: it gives signs of life all the while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from time import monotonic, sleep

import pytest

from canaryctl.core.breaker import BreakerPolicy, Circuit
from canaryctl.core.control import Request, Verb
from canaryctl.core.errors import Superseded, TrafficUnknown
from canaryctl.core.events import BreakerMoved, Check, GatewaySilent
from canaryctl.core.outcome import Cause
from canaryctl.core.plan import OnDrift, Plan, Stage
from canaryctl.core.series import Readings, Wanted
from canaryctl.core.state import Phase, State
from canaryctl.core.streaks import Served, gathered
from canaryctl.core.weight import Weight
from canaryctl.ports import Mark
from canaryctl.runner import Runner
from tests.fake_world import FakeClock, FakeMetrics
from tests.test_runner import World, end_of, weights
from tests.test_watch import FakeAttempts, FakeDesk

SHORT = Plan((Stage(Weight(2500), 30.0), Stage(Weight.FULL, 30.0)), interval=10.0)
PATIENCE = 20.0  # seconds of real time, for a test that fails


@dataclass
class Hold:
    """A lease that counts its signs of life."""

    beats: list[Phase] = field(default_factory=list)
    beaten: Flag = field(default_factory=Flag)
    lost: bool = False

    def take(self) -> None:
        if self.lost:
            raise Superseded("you@there:2 holds it")

    def beat(self, doing: str, state: State) -> None:  # noqa: ARG002  the port
        self.beats.append(state.phase)
        self.beaten.set()
        if self.lost:
            raise Superseded("you@there:2 holds it")

    def mine(self) -> bool:
        return not self.lost


@dataclass
class Slow:
    """A metrics source whose reading number ``at`` takes as long as ``until``."""

    source: FakeMetrics
    until: Callable[[], object]
    at: int = 3
    readings: int = 0

    def read(self, wanted: Sequence[Wanted], unseen: float) -> Readings:
        self.readings += 1
        if self.readings == self.at:
            self.until()
        return self.source.read(wanted, unseen)


def run(
    world: World,
    hold: Hold,
    metrics: Slow | FakeMetrics,
    stopped: Callable[[], str | None] = lambda: None,
    preflight: Callable[[], tuple[Check, ...]] | None = None,
    plan: Plan = SHORT,
    desk: FakeDesk | None = None,
    attempts: FakeAttempts | None = None,
) -> State:
    return Runner(
        plan=plan,
        gates=world.gates,
        router=world.router,
        metrics=metrics,
        clock=world.clock,
        preflight=preflight or (lambda: world.checks),
        mark=Mark("v0.2.0", "r1", "me@here:1"),
        select={},
        stopped=stopped,
        tenure=hold,
        listeners=[world.listener],
        controls=desk,
        attempts=attempts,
        breaking=BreakerPolicy(failures=5, open_for=10.0) if attempts else None,
    ).run()


def test_a_slow_metrics_source_is_waited_for_with_signs_of_life() -> None:
    world, hold = World(), Hold()

    def answers_after_a_sign() -> None:
        hold.beaten.clear()
        assert hold.beaten.wait(PATIENCE)

    state = run(world, hold, Slow(world.metrics, answers_after_a_sign))
    assert end_of(state)[0] is Cause.PASSED


def test_a_slow_preflight_is_too() -> None:
    world, hold = World(), Hold()

    def slow() -> tuple[Check, ...]:
        hold.beaten.clear()
        assert hold.beaten.wait(PATIENCE)
        return world.checks

    assert end_of(run(world, hold, world.metrics, preflight=slow))[0] is Cause.PASSED


def test_nobody_who_asks_to_stop_waits_for_a_metrics_source() -> None:
    world, hold, over = World(), Hold(), Flag()
    metrics = Slow(world.metrics, lambda: over.wait(PATIENCE))
    try:
        state = run(world, hold, metrics, lambda: "Ctrl-C" if metrics.readings == 3 else None)
        assert not over.is_set()
    finally:
        over.set()
    assert end_of(state)[0] is Cause.INTERRUPTED
    assert weights(world)[-1] == "0"


# --- what happens while the source is read ------------------------------------------------


@dataclass
class Passing(Hold):
    """A lease each of whose signs of life takes a second, on a clock that nothing else moves."""

    clock: FakeClock = field(default_factory=FakeClock)

    def beat(self, doing: str, state: State) -> None:
        self.clock.sleep(1.0)
        super().beat(doing, state)


@dataclass
class Busy:
    """A world whose third reading begins, makes something happen, and takes very long."""

    happens: Callable[[], object]
    world: World = field(default_factory=World)
    desk: FakeDesk = field(default_factory=FakeDesk)
    attempts: FakeAttempts = field(default_factory=FakeAttempts)
    over: Flag = field(default_factory=Flag)
    ended: Flag = field(default_factory=Flag)

    def read(self) -> None:
        self.happens()
        self.over.wait(PATIENCE)
        self.ended.set()

    def run(self) -> State:
        """Run it; the reading must not have been waited for."""
        metrics = Slow(self.world.metrics, self.read)
        hold = Passing(clock=self.world.clock)
        try:
            state = run(
                self.world, hold, metrics, desk=self.desk, attempts=self.attempts, plan=PATIENT
            )
            assert not self.ended.is_set()
        finally:
            self.over.set()
        return state


PATIENT = replace(SHORT, gateway_lost_after=20.0, on_drift=OnDrift.END)


def ask(desk: FakeDesk, verb: Verb) -> None:
    desk.ask(Request("q1", "r1", verb, "you@there"))


def test_an_abort_is_done_while_the_source_is_read() -> None:
    busy = Busy(lambda: ask(busy.desk, Verb.ABORT))
    state = busy.run()
    assert end_of(state)[0] is Cause.ABORTED
    assert weights(busy.world) == ["0", "25", "0"]
    assert busy.desk.desk.answers["q1"].accepted


def test_the_breaker_opens_while_the_source_is_read() -> None:
    def fail() -> None:
        busy.attempts.new = gathered([Served(canary=False)] * 5)
        busy.world.router.fail = unproven  # which ends it

    def unproven(_: Weight) -> None:
        busy.world.router.fail = lambda _: None
        raise TrafficUnknown("NGINX is silent")

    busy = Busy(fail)
    state = busy.run()
    moved = next(e for e in busy.world.listener.events if isinstance(e, BreakerMoved))
    assert moved.breaker.circuit is Circuit.OPEN
    assert end_of(state)[0] is Cause.BREAKER
    assert weights(busy.world) == ["0", "25", "0"]


def test_a_rollback_by_hand_is_noticed_while_the_source_is_read() -> None:
    def by_hand() -> None:
        busy.world.router.set(Weight.ZERO, Mark(owner="you@there:2", reason="odd"), None)

    busy = Busy(by_hand)
    state = busy.run()
    assert end_of(state)[0] is Cause.SUPERSEDED


def test_drift_is_noticed_while_the_source_is_read() -> None:
    busy = Busy(lambda: setattr(busy.world.router, "drifted", lambda: "the file was edited"))
    state = busy.run()
    assert end_of(state)[0] is Cause.DRIFT


def test_a_gateway_that_stays_silent_while_the_source_is_read_is_lost() -> None:
    busy = Busy(lambda: setattr(busy.world.router, "silent_until", float("inf")))
    state = busy.run()
    assert end_of(state)[0] is Cause.GATEWAY_LOST


def test_a_reading_is_not_given_up_for_one_lost_answer() -> None:
    world = World()
    hold = Passing(clock=world.clock)

    def silent_for_a_moment() -> None:
        world.router.silent_until = world.clock.now() + 3.0
        while world.clock.now() < world.router.silent_until + 2.0:
            hold.beaten.clear()
            assert hold.beaten.wait(PATIENCE)

    state = run(world, hold, Slow(world.metrics, silent_for_a_moment))
    assert end_of(state)[0] is Cause.PASSED
    assert not any(isinstance(event, GatewaySilent) for event in world.listener.events)


def test_a_source_is_not_read_again_before_the_reading_that_was_left_has_ended() -> None:
    world, desk = World(), FakeDesk()
    hold = Passing(clock=world.clock)
    under_way: list[int] = []
    most: list[int] = []

    def advances() -> None:
        ask(desk, Verb.ADVANCE)
        until = monotonic() + PATIENCE
        while "q1" not in desk.desk.answers and monotonic() < until:
            sleep(0.05)
        sleep(0.5)  # the next stage's first reading is due after some milliseconds

    metrics = Slow(world.metrics, advances)
    plain = metrics.read

    def counted(wanted: Sequence[Wanted], unseen: float) -> Readings:
        under_way.append(1)
        most.append(len(under_way))
        try:
            return plain(wanted, unseen)
        finally:
            under_way.pop()

    metrics.read = counted  # type: ignore[method-assign]
    state = run(world, hold, metrics, desk=desk)
    assert end_of(state)[0] is Cause.PASSED
    assert state.records[0].skipped
    assert len(most) > metrics.at
    assert max(most) == 1


def test_a_rollback_by_hand_during_the_last_reading_is_no_success() -> None:
    world, hold = World(), Hold()
    plan = replace(SHORT, stages=(Stage(Weight.FULL, 20.0),))

    def by_hand() -> None:
        world.router.set(Weight.ZERO, Mark(owner="you@there:2", reason="orders look odd"), None)

    metrics = Slow(world.metrics, by_hand, at=2)
    state = run(world, hold, metrics, plan=plan)
    assert metrics.readings == 2, "the last one of that plan"
    cause, _, code = end_of(state)
    assert (cause, code) == (Cause.SUPERSEDED, 130)


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_drifted_is_set_again_but_not_over_a_rollback_by_hand(*, by_hand: bool) -> None:
    world, hold = World(), Hold()
    found: list[str] = []

    def drifted() -> str:
        if found:
            return ""
        found.append("the file was edited")
        if by_hand:  # while the drift is being looked at, say
            world.router.set(Weight.ZERO, Mark(owner="you@there:2", reason="odd orders"), None)
        return found[0]

    world.router.drifted = drifted
    state = run(world, hold, world.metrics, plan=replace(SHORT, on_drift=OnDrift.REASSERT))
    if by_hand:
        assert weights(world) == ["0", "25", "0"]
        assert end_of(state)[0] is Cause.SUPERSEDED
        assert state.ending is not None
        assert "you@there:2 set 0 %: odd orders" in state.ending.reason
    else:
        assert weights(world) == ["0", "25", "25", "100"]
        assert end_of(state)[0] is Cause.PASSED


def test_streams_that_outlive_a_lease_are_waited_for_with_signs_of_life() -> None:
    world, hold = World(), Hold()
    world.router.streams = 60.0
    begin = world.clock.now()
    state = run(
        world,
        hold,
        world.metrics,
        lambda: "Ctrl-C" if world.clock.now() > begin + 15 else None,
        plan=replace(SHORT, drain_within=60.0),
    )
    assert end_of(state)[0] is Cause.INTERRUPTED
    assert hold.beats.count(Phase.DRAINING) >= 60


def test_a_gateway_lost_since_the_deployment_is_not_taken() -> None:
    world, hold = World(), Hold(lost=True)
    state = run(world, hold, world.metrics)
    cause, _, code = end_of(state)
    assert (cause, code) == (Cause.SUPERSEDED, 130)
    assert world.router.weights == []


def test_what_it_raises_is_raised() -> None:
    def wrong() -> tuple[Check, ...]:
        raise ValueError("no")

    world = World()
    state = run(world, Hold(), world.metrics, preflight=wrong)
    assert state.ending is not None
    assert "ValueError: no" in state.ending.reason
    assert end_of(state)[0] is Cause.PREFLIGHT
