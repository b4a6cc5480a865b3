"""Rollouts in a world in memory, recorded by the real journal."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from canaryctl.config import loads
from canaryctl.config.model import Config
from canaryctl.core.commands import Command
from canaryctl.core.control import Answer, Desk, Request, Verb
from canaryctl.core.events import Check, Event, Judged
from canaryctl.core.recording import Setup
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.series import Version
from canaryctl.core.state import State
from canaryctl.core.streaks import Streaks
from canaryctl.listeners.journal import About, Journal
from canaryctl.ports import Mark
from canaryctl.runner import Runner
from tests.fake_world import FakeClock, FakeMetrics, FakeRouter, constant

BEGIN = 1_000_000.0
HOUR = 3600
BOUNDS = ("0.1", "0.25", "0.5", "1", "2.5", "3.2", "4.5", "10", "+Inf")
CONFIG = """
service: shop
versions:
  stable: {{address: "127.0.0.1:8000"}}
  canary: {{address: "127.0.0.1:8001"}}
gateway:
  driver: local
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
plan: {{stages: [1, 5, 25, 100], observe: {observe}, interval: 5s}}
metrics: {{provider: scrape}}
{more}
"""
ID = "20250101-000000-aaaa"


def configured(more: str = "", observe: str = "2m") -> str:
    """Write a canary.yaml; without ``more`` it has the mission's gates."""
    return CONFIG.format(more=more, observe=observe)


@dataclass
class Service:
    """Counters that grow at random, the same way each time.

    Attributes:
        errors: each version's chance of a bad answer at a time.
        slow: chance that an answer takes 3 s.
    """

    errors: Callable[[Version, float], float] = lambda _version, _at: 0.001
    slow: Callable[[Version, float], float] = lambda _version, _at: 0.01
    rates: dict[Version, int] = field(
        default_factory=lambda: {Version.CANARY: 40, Version.STABLE: 60}
    )
    seconds: int = HOUR

    def series(self) -> dict[tuple[Version, str], Callable[[float], float | None]]:
        """Give each counter as a function of time, from an hour before the rollout."""
        found: dict[tuple[Version, str], Callable[[float], float | None]] = {}
        first = BEGIN - HOUR
        for version, rate in self.rates.items():
            dice = random.Random(version.value)  # noqa: S311  traffic, not keys
            bad, slow = [], []
            for second in range(HOUR + self.seconds):
                at = first + second
                bad.append(sum(dice.random() < self.errors(version, at) for _ in range(rate)))
                slow.append(sum(dice.random() < self.slow(version, at) for _ in range(rate)))
            every = [rate] * len(bad)
            good = [rate - one for one in bad]
            quick = [rate - one for one in slow]
            found[version, 'http_requests_total{status="200"}'] = _counter(first, good)
            found[version, 'http_requests_total{status="503"}'] = _counter(first, bad)
            for bound in BOUNDS:
                counted = every if bound in BOUNDS[5:] else quick if bound != "0.1" else [0]
                name = f'http_request_duration_seconds_bucket{{le="{bound}",mode="fast"}}'
                found[version, name] = _counter(first, counted)
            found[version, "rl_training_loss"] = constant(0.8)
            found[version, "up"] = constant(1.0)
        return found


def _counter(first: float, added: list[int]) -> Callable[[float], float | None]:
    sums = list(accumulate(added, initial=7))

    def value(at: float) -> float | None:
        index = int(at - first)
        return float(sums[min(index, len(sums) - 1)]) if index >= 0 else None

    return value


class Counted:
    """NGINX's counts: the canary gets its share of a steady stream."""

    def __init__(self, router: FakeRouter) -> None:
        self._router = router

    def read(self) -> Attempts:
        share = self._router.weights[-1].fraction if self._router.weights else 0.0
        return Attempts(round(500 * share), 0.0, 500 - round(500 * share), 0.0)

    def watch(self) -> Streaks:
        return Streaks()


@dataclass
class AskedAt:
    """A desk at which each request lies from its moment on, and is answered once.

    Attributes:
        requests: what is asked, with the seconds after the rollout's beginning.
    """

    clock: FakeClock
    requests: list[tuple[float, Request]]
    answers: list[Answer] = field(default_factory=list)

    def read(self) -> Desk:
        now = self.clock.now() - BEGIN
        done = {answer.request for answer in self.answers}
        return Desk(tuple(r for at, r in self.requests if at <= now and r.id not in done))

    def answer(self, answer: Answer) -> None:
        self.answers.append(answer)


@dataclass
class Heard:
    """Remembers what the rollout itself said."""

    judged: list[tuple[Judged, State]] = field(default_factory=list)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        del command
        if isinstance(event, Judged):
            self.judged.append((event, state))

    def ticked(self, state: State, now: float) -> None:
        """Nothing."""


@dataclass
class Rolled:
    """A rollout that has ended, in a journal."""

    state: State
    heard: Heard
    config: Config
    answers: list[Answer] = field(default_factory=list)


def roll(
    directory: Path,
    service: Service | None = None,
    *,
    config: str = "",
    silent: Callable[[float], bool] = lambda _: False,
    stop_at: float = float("inf"),
    attempts: bool = True,
    name: str = ID,
    asked: Sequence[tuple[float, Verb, str]] = (),
    drifted_at: Sequence[float] = (),
    first: int = 0,
) -> Rolled:
    """Walk one rollout to its end and record it.

    ``asked`` is what somebody asks, so many seconds after its beginning, and as which role; at
    ``drifted_at`` the weights are found changed; ``first`` is the stage to begin with, from 0.
    """
    clock = FakeClock(BEGIN)
    drifts = [BEGIN + at for at in drifted_at]

    def drifted() -> str:
        return f"edited {drifts.pop(0)}" if drifts and clock.now() >= drifts[0] else ""

    router = FakeRouter(clock, drifted=drifted)
    requests = [
        (at, Request(f"q{number}", name, verb, "bob@desk", "because", role))
        for number, (at, verb, role) in enumerate(asked)
    ]
    desk = AskedAt(clock, requests)
    read = loads(config or configured())
    plan, gates, judgement = read.core_plan(), read.core_gates(), read.judgement()
    heard = Heard()
    about = About(name, "shop", "docker web", "v0.2.0", "ann@box:42", "c0ffee")
    journal = Journal(about, directory, Setup(plan, gates, judgement))
    runner = Runner(
        plan=plan,
        gates=gates,
        router=router,
        metrics=FakeMetrics(clock, (service or Service()).series(), every=5.0, silent=silent),
        clock=clock,
        preflight=lambda: (Check("all", passed=True, detail="fine"),),
        mark=Mark("v0.2.0", name, "ann@box:42"),
        select={},
        stopped=lambda: "SIGINT" if clock.now() >= stop_at else None,
        listeners=[journal, heard],
        judgement=judgement,
        attempts=Counted(router) if attempts else None,
        controls=desk,
        first=first,
    )
    return Rolled(runner.run(), heard, read, desk.answers)
