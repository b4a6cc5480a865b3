"""Rollouts without a world: events go through the real state machine to real listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from canaryctl.core.commands import Command, Observe, SetWeight
from canaryctl.core.events import Check, Event, Judged, PreflightEnded, Started, WeightProven
from canaryctl.core.gate import Finding, Status, Unit
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.rollout import advance
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.words import Banner
from canaryctl.ports import Listener

BEGAN = 1_750_000_000.0
"""2025-06-15 15:06:40 UTC."""

BANNER = Banner(
    "fragrance-ai",
    "v0.2.0",
    "Docker container fragrance-ai-nginx, verified at http://127.0.0.1:9180",
    "Prometheus at http://127.0.0.1:9090",
)

CHECKS = (
    Check("gateway", True, "nginx/1.27.4 answers, generation 11-0c1f"),
    Check("configuration of every stage", True, "accepted by nginx -t"),
    Check("metrics", True, "stable has 2,310 requests in the last minute"),
    Check("canary answers", None, "from here app-canary:8001 cannot be reached"),
)


def plan(*weights: str, observe: float = 900.0, interval: float = 10.0) -> Plan:
    stages = tuple(Stage(Weight.parse(w), observe) for w in weights or ("1", "5", "25", "100"))
    return Plan(stages, interval)


def latency(part: str, value: float, limit: float, samples: float) -> Finding:
    return Finding(
        "p95 latency",
        Status.PASS if value <= limit else Status.FAIL,
        f"p95 of {samples:.0f} observations",
        part=part,
        value=value,
        limit=limit,
        samples=samples,
        unit=Unit.SECONDS,
        stable=1.1,
        queries=('http_request_duration_seconds_bucket{version="canary"}',),
    )


def errors(bad: float, total: float) -> Finding:
    kept = bad / total <= 0.005
    said = f"{bad:.0f} of {total:.0f} requests"
    return Finding(
        "error rate",
        Status.PASS if kept else Status.FAIL,
        said if kept else f"{said}: {bad / total:.3%} is above its limit (≤ 0.5 %)",
        value=bad / total,
        limit=0.005,
        samples=total,
        unit=Unit.PERCENT,
        stable=0.0008,
        queries=('http_requests_total{status=~"5..",version="canary"}',),
    )


SCHEMA = Finding(
    "schema failures", Status.PASS, "did not rise", value=0.0, comparator="=", limit=0.0, stable=0.0
)
LOSS = Finding(
    "training loss",
    Status.PASS,
    "0.42 is within 2 × stable's 0.4",
    value=0.42,
    limit=0.8,
    samples=1,
    stable=0.4,
)
NO_LOSS = replace(
    LOSS,
    status=Status.NO_DATA,
    value=None,
    samples=None,
    reason="no fresh rl_training_loss of the canary",
)


def healthy(count: float) -> tuple[Finding, ...]:
    """All of the mission's gates pass, on so many requests."""
    return (
        errors(0, count),
        latency("fast", 1.2 + count / 9_000, 2.5, count * 0.6),
        latency("balanced", 2.41, 3.2, count * 0.3),
        latency("creative", 0.91, 4.5, count * 0.1),
        SCHEMA,
        LOSS,
    )


@dataclass
class Walk:
    """Drives a rollout by hand; time moves with its events.

    Attributes:
        listeners: who is told, as the runner tells them.
        tick: whether time passes for them as well.
    """

    listeners: Sequence[Listener]
    state: State = field(default_factory=lambda: State(plan()))
    tick: float | None = 5.0
    command: Command | None = None
    now: float = BEGAN
    generation: int = 11
    shown: Callable[[State], None] = lambda _: None

    def event(self, event: Event) -> None:
        self.state, self.command = advance(self.state, event)
        for listener in self.listeners:
            listener.heard(event, self.state, self.command)

    def begin(self, checks: tuple[Check, ...] = CHECKS) -> Walk:
        """Start, pass the preflight, take the gateway, bring the first stage's weight in."""
        self.event(Started(self.now))
        self.now += 0.6
        self.event(PreflightEnded(self.now, checks))
        self.prove()
        if self.state.phase is Phase.SHIFTING:
            self.prove()
        return self

    def prove(self, took: float = 0.19) -> Walk:
        if isinstance(self.command, SetWeight):
            self.now += took + self.command.pause
            self.generation += 1
            name = f"{self.generation}-ab12"
            self.event(WeightProven(self.now, self.command.weight, name, took))
        return self

    def wait(self) -> Walk:
        """Let time pass until the next evaluation."""
        assert isinstance(self.command, Observe)
        while self.tick and self.now + self.tick < self.command.until:
            self.now += self.tick
            for listener in self.listeners:
                listener.ticked(self.state, self.now)
        self.now = self.command.until
        return self

    def judge(self, *findings: Finding) -> Walk:
        self.wait()
        self.event(Judged(self.now, findings))
        return self

    def stage(self, found: Callable[[float], tuple[Finding, ...]] = healthy) -> Walk:
        """Observe the present stage to its end, and bring the next one's weight in."""
        index, started = self.state.index, self.now
        while self.state.phase is Phase.OBSERVING and self.state.index == index:
            self.wait()
            self.event(Judged(self.now, found(50 + (self.now - started) * 3)))
        return self.prove()

    def to_the_end(self) -> Walk:
        while self.state.phase is not Phase.ENDED:
            self.stage()
        return self
