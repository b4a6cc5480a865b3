"""Whole rollouts judged by evidence, in a world in memory: through the runner, not past it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from canaryctl.core.analysis import Judgement
from canaryctl.core.events import Check, Judged
from canaryctl.core.gate import Gate, Judging, LatencyGate, RatioGate, Rule, Status, UpGate
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.selector import parse_selector
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.sequential.course import Move, Policy
from canaryctl.core.series import Version
from canaryctl.core.state import State
from canaryctl.core.streaks import Streaks
from canaryctl.core.weight import Weight
from canaryctl.ports import Mark
from canaryctl.runner import Runner
from tests.fake_world import FakeClock, FakeMetrics, FakeRouter
from tests.test_runner import Heard, end_of

BEGIN = 1_000_000.0
EVIDENCE = Judging.EVIDENCE
ERRORS = RatioGate(
    Rule("errors", maximum=0.005, judge=EVIDENCE),
    parse_selector('requests_total{status="500"}'),
    parse_selector("requests_total"),
)
LATENCY = LatencyGate(
    Rule("p95", judge=EVIDENCE), parse_selector("seconds"), 0.95, "mode", {"fast": 0.5, "slow": 2.0}
)
UP = UpGate(Rule("canary up", consecutive=3, judge=EVIDENCE))
HOUR = Plan(tuple(Stage(Weight(h), 900.0) for h in (100, 500, 2500, 10_000)), interval=5.0)
Rate = Callable[[float], float]


class Side:
    """One version's counters, drawn second by second from a seeded generator."""

    def __init__(
        self, share: Callable[[float], float], rps: float, errors: Rate, seed: str
    ) -> None:
        self.share, self.rps, self.errors = share, rps, errors
        self.rng = Random(seed)  # noqa: S311  traffic, no secret
        self.slow: Rate = lambda _: 0.02
        self.at = BEGIN - 4000.0
        self.good, self.bad = [1000.0], [0.0]
        self.fast, self.all = [1000.0], [1000.0]

    def _until(self, at: float) -> int:
        while self.at < at:
            self.at += 1.0
            wanted = self.rps * self.share(self.at)
            count = int(wanted) + (self.rng.random() < wanted - int(wanted))
            bad = sum(self.rng.random() < self.errors(self.at) for _ in range(count))
            slow = sum(self.rng.random() < self.slow(self.at) for _ in range(count))
            self.good.append(self.good[-1] + count - bad)
            self.bad.append(self.bad[-1] + bad)
            self.all.append(self.all[-1] + count)
            self.fast.append(self.fast[-1] + count - slow)
        return max(int(at - (BEGIN - 4000.0)), 0)

    def counter(self, name: str) -> Callable[[float], float | None]:
        def value(at: float) -> float | None:
            index = self._until(at)
            found: float = getattr(self, name)[min(index, len(self.good) - 1)]
            return found

        return value


class World:
    """Both versions at 200 requests a second, errors 0.1 %; a test changes what it wants."""

    def __init__(self, seed: int = 0, rps: float = 200.0) -> None:
        self.clock = FakeClock(BEGIN)
        self.router = FakeRouter(self.clock)
        self.metrics = FakeMetrics(self.clock, {}, every=5.0)
        self.canary = Side(self.weight, rps, lambda _: 0.001, f"canary {seed}")
        self.stable = Side(lambda at: 1 - self.weight(at), rps, lambda _: 0.001, f"stable {seed}")
        self.up: Rate = lambda _: 1.0
        for version, side in ((Version.CANARY, self.canary), (Version.STABLE, self.stable)):
            self.metrics.series |= {
                (version, 'requests_total{status="200"}'): side.counter("good"),
                (version, 'requests_total{status="500"}'): side.counter("bad"),
                (version, 'seconds_bucket{mode="fast",le="0.5"}'): side.counter("fast"),
                (version, 'seconds_bucket{mode="fast",le="+Inf"}'): side.counter("all"),
            }
        self.metrics.series[Version.CANARY, "up"] = self._answers
        self.gates: tuple[Gate, ...] = (ERRORS, LATENCY, UP)
        self.judgement = Judgement()
        self.listener = Heard()
        self.moves: list[tuple[float, float]] = []
        self.attempts: list[Attempts | None] | None = None

    def _answers(self, at: float) -> float | None:
        return self.up(at)

    def weight(self, at: float) -> float:
        """The share that is in force: the router's, as it was at that time."""
        now = [share for since, share in self.moves if since <= at]
        return now[-1] if now else 0.0

    def run(self, plan: Plan = HOUR) -> State:
        plain = self.router.set

        def noted(weight: Weight, mark: Mark, expect: str | None) -> object:
            proof = plain(weight, mark, expect)
            self.moves.append((self.clock.now(), weight.hundredths / 10_000))
            return proof

        self.router.set = noted  # type: ignore[method-assign,assignment]
        return Runner(
            plan=plan,
            gates=self.gates,
            router=self.router,
            metrics=self.metrics,
            clock=self.clock,
            preflight=lambda: (Check("all", passed=True, detail="fine"),),
            mark=Mark("v0.2.0", "r1", "me@here:1"),
            select={},
            listeners=[self.listener],
            judgement=self.judgement,
            attempts=self,
        ).run()

    def read(self) -> Attempts | None:
        """NGINX's own counts, where a test gives any."""
        return self.attempts.pop(0) if self.attempts else None

    def watch(self) -> Streaks:
        """Nothing is known of rows."""
        return Streaks()

    def judged(self) -> list[Judged]:
        return [event for event in self.listener.events if isinstance(event, Judged)]


def test_a_healthy_hour_succeeds_on_time() -> None:
    world = World()
    state = world.run()
    assert end_of(state) == (Cause.PASSED, Outcome.SUCCEEDED, 0)
    assert [str(weight) for weight in world.router.weights] == ["0", "1", "5", "25", "100"]
    assert 3600 <= world.clock.now() - BEGIN < 3700
    last = world.judged()[-1]
    assert last.weighed is not None
    assert last.weighed.step.move is Move.ADVANCE
    seen = last.weighed.visible["errors"]
    assert seen is not None
    assert seen < 0.005


@pytest.mark.parametrize("onset", [200.0, 1200.0, 2000.0])
def test_errors_convict_within_a_minute_and_are_named(onset: float) -> None:
    world = World()
    world.canary.errors = lambda at: 0.2 if at > BEGIN + onset else 0.001
    state = world.run()
    assert end_of(state) == (Cause.GATE_FAILED, Outcome.ROLLED_BACK, 1)
    assert state.ending is not None
    assert state.ending.reason.startswith("errors: ")
    assert "evidence" in state.ending.reason
    assert world.clock.now() - BEGIN - onset < 60
    guilty = [f for f in world.judged()[-1].findings if f.status is Status.FAIL]
    assert [f.name for f in guilty] == ["errors"]
    assert guilty[0].scale is not None
    assert guilty[0].scale.against > 0.9


def test_latency_convicts_after_its_warm_up() -> None:
    world = World()
    world.canary.slow = lambda _: 0.5
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert state.ending is not None
    assert state.ending.reason.startswith("p95 (fast): ")
    assert 60 <= world.clock.now() - BEGIN < 180


def test_a_cold_start_is_no_defect() -> None:
    world = World()
    stage = 900.0
    world.canary.slow = lambda at: 0.6 if (at - BEGIN) % stage < 45 else 0.02
    assert end_of(world.run())[1] is Outcome.SUCCEEDED


def test_a_shared_incident_holds_and_goes_on() -> None:
    world = World()

    def errors(at: float) -> float:
        return 0.2 if 1000 < at - BEGIN < 1300 else 0.001

    world.canary.errors = world.stable.errors = errors
    state = world.run()
    assert end_of(state)[1] is Outcome.SUCCEEDED
    moves = {event.weighed.step.move for event in world.judged() if event.weighed}
    assert Move.HOLD in moves
    assert 3900 < world.clock.now() - BEGIN < 4300
    held = [e for e in world.judged() if e.weighed and e.weighed.step.move is Move.HOLD]
    assert {f.status for e in held for f in e.findings if f.name == "errors"} == {Status.NO_DATA}


def test_trouble_of_stable_that_never_ends_is_inconclusive() -> None:
    world = World()
    world.canary.errors = world.stable.errors = lambda _: 0.05
    world.judgement = Judgement(policy=Policy(hold_for=300.0))
    state = world.run()
    assert end_of(state) == (Cause.INCONCLUSIVE, Outcome.ROLLED_BACK, 1)
    assert state.ending is not None
    assert "no verdict against the canary" in state.ending.reason


def test_missing_samples_are_no_evidence() -> None:
    world = World()
    state_at = world.metrics._series

    def gappy(want: object, since: float, now: float) -> object:
        found = state_at(want, since, now)  # type: ignore[arg-type]
        return tuple(
            type(one)(one.labels, tuple(s for s in one.samples if (s.at // 60) % 3 != 0))
            for one in found
        )

    world.metrics._series = gappy  # type: ignore[method-assign,assignment]
    assert end_of(world.run())[1] is Outcome.SUCCEEDED


def test_a_canary_without_any_sample_ends_as_no_data() -> None:
    world = World()
    for key in [key for key in world.metrics.series if key[0] is Version.CANARY]:
        del world.metrics.series[key]
    state = world.run()
    assert end_of(state) == (Cause.NO_DATA, Outcome.ROLLED_BACK, 1)
    assert state.ending is not None
    assert "no new sample of the canary" in state.ending.reason
    assert 2700 <= world.clock.now() - BEGIN < 2800


def test_a_dead_canary_is_found_from_its_scrapes() -> None:
    world = World()
    died = BEGIN + 400
    world.up = lambda at: 0.0 if at > died else 1.0
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert state.ending is not None
    assert state.ending.reason.startswith("canary up: ")
    assert world.clock.now() - died <= 20


def test_failover_is_found_from_nginx_own_counts() -> None:
    world = World()
    # 200 a second at 1 %: ten attempts in five seconds, of which six are refused and retried.
    world.attempts = [Attempts(10, 6, 990 + 6, 0)] * 100
    state = world.run()
    assert end_of(state)[0] is Cause.GATE_FAILED
    assert state.ending is not None
    assert state.ending.reason.startswith("canary traffic: attempts at the canary fail")
    assert world.clock.now() - BEGIN < 60


def test_a_weight_that_never_reaches_traffic_is_found() -> None:
    world = World()
    world.attempts = [Attempts(0, 0, 1000, 0)] * 200
    state = world.run()
    assert state.ending is not None
    assert state.ending.reason.startswith("canary traffic: the canary gets no traffic")
    assert world.clock.now() - BEGIN < 200


def test_it_is_found_from_the_versions_own_counts_where_nginx_has_none() -> None:
    world = World()
    world.canary.share = lambda _: 0.0
    state = world.run()
    assert state.ending is not None
    assert state.ending.reason.startswith("canary traffic: the canary gets no traffic")
    assert 100 < world.clock.now() - BEGIN < 200


def test_advancing_on_evidence_takes_minutes() -> None:
    world = World()
    world.judgement = Judgement(policy=Policy(early=True))
    assert end_of(world.run())[1] is Outcome.SUCCEEDED
    full = next(since for since, share in world.moves if share == 1.0)
    assert full - BEGIN <= 420


def test_the_same_rollout_gives_the_same_verdicts() -> None:
    def verdicts() -> list[tuple[float, str, float]]:
        world = World(seed=3)
        world.canary.errors = lambda at: 0.02 if at > BEGIN + 950 else 0.001
        world.run()
        return [
            (e.at, str(e.weighed.step.move), e.weighed.found.quality)
            for e in world.judged()
            if e.weighed
        ]

    assert verdicts() == verdicts()
