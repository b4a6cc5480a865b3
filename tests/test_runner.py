"""Whole rollouts through the runner, in a world in memory: an hour takes milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from canaryctl.core.commands import Command
from canaryctl.core.errors import ConfigurationRefused, TrafficUnknown
from canaryctl.core.events import Check, Event
from canaryctl.core.gate import Gate, GaugeGate, PromqlGate, RatioGate, Rule, UpGate, ZeroGate
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.selector import parse_selector
from canaryctl.core.series import Readings, Version, Wanted
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.ports import Mark
from canaryctl.runner import Runner
from tests.fake_world import FakeClock, FakeMetrics, FakeRouter, constant, rising

HOUR = Plan(tuple(Stage(Weight(h), 900.0) for h in (100, 500, 2500, 10_000)), interval=10.0)
GATES: tuple[Gate, ...] = (
    RatioGate(
        Rule("errors", maximum=0.005),
        parse_selector('requests_total{status="500"}'),
        parse_selector("requests_total"),
    ),
    ZeroGate(Rule("schema"), parse_selector("schema_total")),
    GaugeGate(Rule("loss", max_ratio=2), parse_selector("loss")),
    UpGate(Rule("canary up", consecutive=3)),
)
BEGIN = 1_000_000.0


@dataclass
class Heard:
    """A listener that remembers, and one that fails on demand."""

    events: list[Event] = field(default_factory=list)
    ticks: int = 0
    broken: bool = False

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        assert (command is None) == (state.phase is Phase.ENDED)
        self.events.append(event)
        if self.broken:
            raise OSError("disk full")

    def ticked(self, state: State, now: float) -> None:
        assert now < state.next_at
        self.ticks += 1
        if self.broken:
            raise OSError("disk full")


class World:
    """A healthy service; a test changes what it wants."""

    def __init__(self) -> None:
        self.clock = FakeClock(BEGIN)
        self.router = FakeRouter(self.clock)
        self.metrics = FakeMetrics(self.clock, {}, every=5.0)
        for version in Version:
            self.metrics.series |= {
                (version, 'requests_total{status="200"}'): rising(10),
                (version, "loss"): constant(0.8),
                (version, "up"): constant(1.0),
            }
        self.listener = Heard()
        self.stop_at = float("inf")
        self.checks: tuple[Check, ...] = (Check("all", passed=True, detail="fine"),)
        self.gates = GATES

    def run(self, plan: Plan = HOUR) -> State:
        runner = Runner(
            plan=plan,
            gates=self.gates,
            router=self.router,
            metrics=self.metrics,
            clock=self.clock,
            preflight=lambda: self.checks,
            mark=Mark("v0.2.0", "r1", "me@here:1"),
            select={},
            stopped=lambda: "Ctrl-C" if self.clock.now() >= self.stop_at else None,
            listeners=[self.listener],
        )
        return runner.run()


def end_of(state: State) -> tuple[Cause, Outcome, int]:
    assert state.ending is not None
    return state.ending.cause, state.ending.outcome, state.ending.exit_code


def weights(world: World) -> list[str]:
    return [str(weight) for weight in world.router.weights]


def test_a_healthy_hour_succeeds() -> None:
    world = World()
    state = world.run()
    assert end_of(state) == (Cause.PASSED, Outcome.SUCCEEDED, 0)
    assert weights(world) == ["0", "1", "5", "25", "100"]
    assert 3600 <= world.clock.now() - BEGIN < 3610
    assert all(record.passed for record in state.records)


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_errors_in_any_stage_end_it_there(stage: int) -> None:
    world = World()
    onset = BEGIN + 900 * (stage - 1) + 300

    def errors(at: float) -> float | None:
        return float(int((at - onset) * 3)) if at > onset else None

    world.metrics.series[Version.CANARY, 'requests_total{status="500"}'] = errors
    state = world.run()
    assert end_of(state) == (Cause.GATE_FAILED, Outcome.ROLLED_BACK, 1)
    assert state.ending is not None
    assert "errors:" in state.ending.reason
    assert len(state.records) == stage
    assert weights(world)[-1] == "0"
    assert world.clock.now() - onset < 60


def test_a_counter_born_at_one_ends_it_within_two_evaluations() -> None:
    world = World()
    onset = BEGIN + 1234
    world.metrics.series[Version.CANARY, "schema_total"] = lambda at: 1.0 if at > onset else None
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert world.clock.now() - onset <= 2 * HOUR.interval + 5


@pytest.mark.parametrize("after", [0.3, 900.5])
def test_a_failure_while_a_weight_changes_is_not_lost(after: float) -> None:
    world = World()
    # The gateway is taken at 0.2 and stage 1 proven at 0.4; its last evaluation is at 900.4 and
    # stage 2 is proven at 900.6. A counter that is there by then was in nobody's window.
    onset = BEGIN + after
    world.metrics.every = 1.0
    world.metrics.series[Version.CANARY, "schema_total"] = lambda at: 1.0 if at > onset else None
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert world.clock.now() - onset < HOUR.interval + 1


def test_what_failed_before_the_gateway_was_taken_is_not_the_rollouts() -> None:
    world = World()
    world.metrics.series[Version.CANARY, "schema_total"] = constant(3.0)
    assert end_of(world.run())[1] is Outcome.SUCCEEDED


def test_a_dead_canary_is_found_by_its_scrapes() -> None:
    world = World()
    world.metrics.series[Version.CANARY, "up"] = lambda at: 0.0 if at > BEGIN + 100 else 1.0
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert state.ending is not None
    assert state.ending.reason.startswith("canary up")


def test_no_data_extends_then_goes_back_without_blame() -> None:
    world = World()
    for key in list(world.metrics.series):
        if key[0] is Version.CANARY and "requests" in key[1]:
            world.metrics.series[key] = constant(7.0)
    state = world.run()
    assert end_of(state) == (Cause.NO_DATA, Outcome.ROLLED_BACK, 1)
    assert 2700 <= world.clock.now() - BEGIN < 2720
    assert weights(world) == ["0", "1", "0"]


def test_lost_metrics_hold_and_come_back() -> None:
    world = World()
    world.metrics.silent = lambda at: BEGIN + 100 < at < BEGIN + 190
    state = world.run()
    assert end_of(state)[1] is Outcome.SUCCEEDED
    assert world.clock.now() - BEGIN > 3600 + 80


def test_metrics_lost_for_good_go_back_and_say_nothing_of_the_canary() -> None:
    world = World()
    world.metrics.silent = lambda at: at > BEGIN + 100
    state = world.run()
    assert end_of(state) == (Cause.METRICS_LOST, Outcome.ROLLED_BACK, 1)
    assert state.ending is not None
    assert "canary" not in state.ending.reason
    assert weights(world)[-1] == "0"


def test_a_stop_goes_back_within_a_second() -> None:
    world = World()
    world.stop_at = BEGIN + 1000
    state = world.run()
    assert end_of(state) == (Cause.INTERRUPTED, Outcome.ABORTED, 130)
    assert weights(world)[-1] == "0"
    assert world.clock.now() - world.stop_at < 1


def test_a_stop_is_heard_where_evaluations_take_longer_than_their_interval() -> None:
    world = World()
    world.stop_at = BEGIN + 1000
    read = world.metrics.read

    def slowly(wanted: Sequence[Wanted], since: float) -> Readings:
        world.clock.sleep(12)
        return read(wanted, since)

    world.metrics.read = slowly  # type: ignore[method-assign]
    state = world.run()
    assert end_of(state) == (Cause.INTERRUPTED, Outcome.ABORTED, 130)
    assert world.clock.now() - world.stop_at <= 13


def test_somebody_elses_rollback_is_noticed_within_two_seconds() -> None:
    world = World()
    other = Mark(owner="ops@there:2", reason="rollback: smells odd")
    took_over = BEGIN + 1000
    plain = world.router.generation

    def generation() -> str:
        if world.clock.now() >= took_over and world.router.mark is not other:
            world.router.set(Weight.ZERO, other, None)
        return plain()

    world.router.generation = generation  # type: ignore[method-assign]
    state = world.run()
    assert end_of(state) == (Cause.SUPERSEDED, Outcome.ABORTED, 130)
    assert state.ending is not None
    assert "ops@there:2" in state.ending.reason
    assert "smells odd" in state.ending.reason
    assert world.clock.now() - took_over < 2


def test_another_change_before_the_next_weight_stops_the_write() -> None:
    world = World()
    gone = False

    def fail(weight: Weight) -> None:
        nonlocal gone
        if weight == Weight(500) and not gone:
            gone = True
            world.router.there = "77-other"

    world.router.fail = fail
    world.router.generation = lambda: "2-fake"  # type: ignore[method-assign]
    state = world.run()
    assert state.ending is not None
    assert state.ending.cause is not Cause.PASSED


def test_a_refused_weight_goes_back() -> None:
    world = World()

    def fail(weight: Weight) -> None:
        if weight == Weight(2500):
            raise ConfigurationRefused("host not found in upstream")

    world.router.fail = fail
    state = world.run()
    assert end_of(state) == (Cause.WEIGHT_REFUSED, Outcome.ROLLED_BACK, 1)
    assert weights(world) == ["0", "1", "5", "0"]


def test_a_return_that_cannot_be_proven_is_unknown() -> None:
    world = World()

    def fail(weight: Weight) -> None:
        if weight == Weight.ZERO and len(world.router.weights) > 1:
            raise TrafficUnknown("NGINX is silent")

    world.router.fail = fail
    world.stop_at = BEGIN + 100
    state = world.run()
    assert end_of(state) == (Cause.NOT_PROVEN, Outcome.UNKNOWN, 3)
    assert state.attempts == HOUR.return_attempts


def test_a_silent_gateway_is_waited_for_then_ends_the_rollout() -> None:
    world = World()
    world.router.silent_until = BEGIN + 120
    short = Plan((Stage(Weight.FULL, 200.0),), gateway_lost_after=300.0)
    assert end_of(world.run(short))[1] is Outcome.SUCCEEDED
    lost = World()
    lost.router.silent_until = BEGIN + 10_000
    assert end_of(lost.run(short)) == (Cause.GATEWAY_LOST, Outcome.ROLLED_BACK, 1)


def test_a_defect_in_canaryctl_goes_back() -> None:
    world = World()

    def defect(at: float) -> bool:
        if at > BEGIN + 100:
            raise KeyError("surprise")
        return False

    world.metrics.silent = defect
    state = world.run()
    assert end_of(state) == (Cause.CRASHED, Outcome.ROLLED_BACK, 1)
    assert weights(world)[-1] == "0"


def test_a_failing_listener_changes_nothing() -> None:
    world = World()
    world.listener.broken = True
    assert end_of(world.run())[1] is Outcome.SUCCEEDED
    assert world.listener.ticks > 1000


def test_a_failed_preflight_touches_nothing() -> None:
    world = World()
    world.checks = (Check("metrics", passed=False, detail="refused"),)
    assert end_of(world.run()) == (Cause.PREFLIGHT, Outcome.ABORTED, 4)
    world = World()
    world.checks = (Check("template", passed=False, detail="line 3", configuration=True),)
    assert end_of(world.run()) == (Cause.CONFIGURATION, Outcome.ABORTED, 2)
    assert weights(world) == []


def test_a_promql_gate_sees_the_query_it_asked() -> None:
    world = World()
    gate = PromqlGate(Rule("queue", maximum=10, consecutive=2), "avg(queue[{{ window }}])")
    world.gates = (gate,)
    world.metrics.queries = lambda _, at: (50.0,) if at > BEGIN + 500 else (5.0,)
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert world.clock.now() - BEGIN < 530
