"""What is looked at before anything is touched, in a world in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.errors import ConfigError, ConfigurationRefused, HostError
from canaryctl.core.events import Check
from canaryctl.core.gate import Gate, GaugeGate, PromqlGate, RatioGate, Rule, ZeroGate
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.selector import parse_selector
from canaryctl.core.series import Version
from canaryctl.core.weight import Weight
from canaryctl.ports import InForce, Located, Mark
from canaryctl.preflight import Preflight
from tests.fake_world import FakeClock, FakeMetrics, FakeRouter, constant, rising
from tests.fakes import FakeHost

PLAN = Plan((Stage(Weight(500), 60.0), Stage(Weight.FULL, 60.0)), interval=10.0)
RATIO = RatioGate(
    Rule("errors", maximum=0.005),
    parse_selector('requests_total{status="500"}'),
    parse_selector("requests_total"),
)
LOSS = GaugeGate(Rule("loss", max_ratio=2), parse_selector("loss"))
SCHEMA = ZeroGate(Rule("schema", consecutive=1), parse_selector("schema_total"))
QUEUE = PromqlGate(Rule("queue", maximum=10), "avg(queue)")


class World:
    """Everything in order; a test breaks one thing."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.router = FakeRouter(self.clock)
        self.metrics = FakeMetrics(self.clock, {}, every=5.0)
        self.host = FakeHost()
        self.located = Located(("10.0.0.2:8001",), True, "accepts connections")
        self.gates: tuple[Gate, ...] = (RATIO, LOSS, SCHEMA)
        for version in Version:
            self.metrics.series |= {
                (version, 'requests_total{status="200"}'): rising(10),
                (version, "loss"): constant(0.8),
                (version, "up"): constant(1.0),
            }

    def checks(self) -> dict[str, Check]:
        self.host.locate = lambda _: self.located  # type: ignore[assignment,method-assign]
        found = Preflight(
            plan=PLAN,
            gates=self.gates,
            router=self.router,
            host=self.host,
            metrics=self.metrics,
            clock=self.clock,
            addresses=("app-canary:8001",),
            select={},
            release="v0.2.0",
        )()
        return {check.name: check for check in found}

    def failed(self) -> dict[str, str]:
        return {name: c.detail for name, c in self.checks().items() if c.passed is False}


def test_a_world_in_order_passes() -> None:
    world = World()
    checks = world.checks()
    assert not world.failed()
    assert {"gateway", "every stage's configuration", "canary app-canary:8001", "metrics"} <= set(
        checks
    )
    assert world.router.weights == []


def test_a_dead_canary_fails() -> None:
    world = World()
    world.located = Located((), False, "app-canary is no running container")
    assert world.failed() == {"canary app-canary:8001": "app-canary is no running container"}


def test_what_cannot_be_told_does_not_fail() -> None:
    world = World()
    world.located = replace(world.located, answers=None)
    assert world.checks()["canary app-canary:8001"].passed is None
    assert not world.failed()


def test_metrics_that_do_not_answer_fail() -> None:
    world = World()
    world.metrics.silent = lambda _: True
    assert "metrics" in world.failed()


def test_a_source_that_knows_nothing_of_stable_fails() -> None:
    world = World()
    world.metrics.series = {k: v for k, v in world.metrics.series.items() if k[0] == "canary"}
    assert "metrics.select" in world.failed()["metrics"]


def test_a_gate_on_a_metric_that_nobody_exposes_fails() -> None:
    world = World()
    world.gates = (replace(RATIO, total=parse_selector("reqests_total")),)
    assert "reqests_total" in world.failed()["gate errors"]


def test_a_counter_that_is_not_born_yet_passes() -> None:
    assert "gate schema" not in World().failed()


def test_scrapes_that_fail_say_so() -> None:
    world = World()
    for key in list(world.metrics.series):
        if key[0] is Version.CANARY:
            del world.metrics.series[key]
    world.metrics.series[Version.CANARY, "up"] = constant(0.0)
    assert "canary's metrics" in world.failed()


def test_a_slow_scrape_is_a_warning() -> None:
    world = World()
    world.metrics.every = 30.0
    check = world.checks()["scrape interval"]
    assert check.passed is None
    assert "30 s" in check.detail


@pytest.mark.parametrize(
    ("values", "passed"), [((1.0,), "absent"), ((), None), ((1.0, 2.0), False)]
)
def test_a_promql_gate_is_asked_once(values: tuple[float, ...], passed: object) -> None:
    world = World()
    world.gates = (QUEUE,)
    world.metrics.queries = lambda _query, _at: values
    found = world.checks().get("gate queue")
    assert (found.passed if found else "absent") == passed


def test_a_configuration_that_nginx_refuses_fails() -> None:
    world = World()

    def refuse(_: object) -> tuple[str, ...]:
        raise ConfigurationRefused("host not found in upstream", next_step="start it")

    world.router.check = refuse  # type: ignore[assignment,method-assign]
    check = world.checks()["every stage's configuration"]
    assert (check.passed, check.configuration) == (False, False)
    assert check.detail == "host not found in upstream (start it)"


def test_a_broken_template_is_the_configurations_fault() -> None:
    world = World()

    def refuse(_: object) -> tuple[str, ...]:
        raise ConfigError("gateway.template in line 3: unexpected '}'")

    world.router.check = refuse  # type: ignore[assignment,method-assign]
    assert world.checks()["every stage's configuration"].configuration


def test_a_host_that_is_not_there_fails_every_check_that_needs_it() -> None:
    world = World()

    def gone() -> InForce:
        raise HostError("no such container", next_step="look at docker ps")

    world.router.look = gone  # type: ignore[method-assign]
    assert world.failed() == {"gateway": "no such container (look at docker ps)"}


FORCE = InForce("7-a", Weight(500), Mark("v1", "r1", "ops@there:1", "stage 2"), "7-a")


@pytest.mark.parametrize(
    ("seen", "passed", "said"),
    [
        (FORCE, True, "canary 5 %"),  # whose it is the lease tells, when it is taken
        (replace(FORCE, weight=Weight.ZERO), True, "canary 0 %"),
        (InForce(None, None, None, None, "refused"), None, "new"),
        (InForce(None, None, Mark(), "7-a", "refused"), False, "refused"),
    ],
)
def test_the_gateways_own_state(seen: InForce, passed: bool | None, said: str) -> None:
    world = World()
    world.router.look = lambda: seen  # type: ignore[method-assign]
    check = world.checks()["gateway"]
    assert check.passed is passed
    assert said in check.detail


def test_drift_is_shown() -> None:
    world = World()
    world.router.look = lambda: replace(FORCE, weight=Weight.ZERO, on_disk="8-b")  # type: ignore[method-assign]
    assert "8-b is on disk, 7-a in force" in world.checks()["drift"].detail
