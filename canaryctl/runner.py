"""Carries out what the rollout asks for, and feeds back what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from canaryctl.core.accounts import by_evidence
from canaryctl.core.analysis import Analysis, Judgement
from canaryctl.core.commands import Command, Observe, RunPreflight, SetWeight
from canaryctl.core.errors import (
    CanaryctlError,
    GatewayUnreachable,
    HostError,
    MetricsUnavailable,
    Superseded,
    TrafficUnknown,
)
from canaryctl.core.events import (
    Check,
    Crashed,
    Event,
    GatewaySilent,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.gate import Gate
from canaryctl.core.history import LENGTH, history
from canaryctl.core.look import Frame, Look, wanted
from canaryctl.core.measure import measure
from canaryctl.core.observation import History
from canaryctl.core.observer import Observer
from canaryctl.core.plan import Plan
from canaryctl.core.rollout import advance
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.series import Version
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.ports import Clock, Counting, InForce, Listener, Mark, Metrics, Router

TICK = 0.25
"""Seconds between two looks at the stop flag and the display."""
WATCH = 1.0
"""Seconds between two readings of the generation in force."""
SETTLE = 2.0
"""Seconds that somebody else's change may take until it is in force."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Runner:
    """One rollout, from its preflight to its end.

    Attributes:
        preflight: looks at everything that the rollout will need.
        stopped: gives who asked to stop, None while nobody has.
        mark: what is written beside each weight; its reason is filled in.
        select: each version's labels, for PromQL placeholders.
        judgement: how the gates that are judged by evidence are.
        attempts: NGINX's own counts, None where they are not kept.
    """

    plan: Plan
    gates: Sequence[Gate]
    router: Router
    metrics: Metrics
    clock: Clock
    preflight: Callable[[], tuple[Check, ...]]
    mark: Mark
    select: dict[Version, dict[str, str]]
    stopped: Callable[[], str | None] = lambda: None
    listeners: Sequence[Listener] = ()
    judgement: Judgement = field(default_factory=Judgement)
    attempts: Counting | None = None
    _expect: str | None = field(default=None, init=False)
    _analysis: Analysis = field(init=False)
    _observer: Observer = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no evidence."""
        self._analysis = Analysis(self.gates, self.plan, self.judgement)
        self._observer = Observer(self.gates)

    def run(self) -> State:
        """Walk the rollout to its end. Never raises for what the world does."""
        state = State(self.plan)
        event: Event = Started(self.clock.now())
        while True:
            state, command = advance(state, event)
            self._tell(event, state, command)
            if command is None:
                return state
            event = self._carried_out(command, state)

    def _tell(self, event: Event, state: State, command: Command | None) -> None:
        for listener in self.listeners:
            try:
                listener.heard(event, state, command)
            except Exception:  # noqa: BLE001  a listener never changes an outcome
                _log.warning("%s failed", type(listener).__name__, exc_info=True)

    def _carried_out(self, command: Command, state: State) -> Event:
        going_back = state.phase is Phase.RETURNING
        if not going_back and (by := self.stopped()):
            return Interrupted(self.clock.now(), by)
        try:
            match command:
                case RunPreflight():
                    return self._checked()
                case SetWeight():
                    return self._set(command)
                case Observe():
                    return self._observed(command, state)
        except Exception as error:  # noqa: BLE001  whatever it is, traffic goes back to stable
            _log.debug("unforeseen", exc_info=True)
            return Crashed(self.clock.now(), f"{type(error).__name__}: {error}")

    def _checked(self) -> PreflightEnded:
        checks = self.preflight()
        failed = any(check.passed is False for check in checks)
        if failed:
            return PreflightEnded(self.clock.now(), checks)
        history = self._history()
        if history is not None:
            self._analysis.learn(history)
        self._attempts()  # what is counted begins here
        return PreflightEnded(self.clock.now(), checks, history)

    def _history(self) -> History | None:
        """Read stable's last hour. Without it the rollout learns as it goes."""
        if not self._analysis.any:
            return None
        now = self.clock.now()
        frame = self._frame(now - LENGTH, now - LENGTH, Weight.ZERO)
        gates = [gate for gate in self.gates if by_evidence(gate)]
        try:
            readings = self.metrics.read(wanted(gates, frame, now), now - LENGTH)
        except CanaryctlError as error:
            _log.warning("stable's last hour cannot be read: %s", error)
            return None
        return history(gates, Look(frame, readings, now))

    def _set(self, command: SetWeight) -> Event:
        self.clock.sleep(command.pause)
        mark = Mark(self.mark.release, self.mark.rollout, self.mark.owner, command.reason)
        try:
            proof = self.router.set(command.weight, mark, None if command.force else self._expect)
        except Superseded as error:
            return self._overtaken(str(error))
        except TrafficUnknown as error:
            return TrafficUnproven(self.clock.now(), command.weight, str(error))
        except CanaryctlError as error:
            return WeightRefused(self.clock.now(), command.weight, str(error))
        self._expect = proof.generation
        return WeightProven(self.clock.now(), proof.weight, proof.generation, proof.took)

    def _observed(self, command: Observe, state: State) -> Event:
        watched = self.clock.now()
        while (now := self.clock.now()) < command.until:
            if by := self.stopped():
                return Interrupted(now, by)
            if now - watched >= WATCH:
                watched = now
                if (event := self._watched(state)) is not None:
                    return event
            self._tick(state, now)
            self.clock.sleep(min(TICK, command.until - now))
        return self._watched(state) or self._judged(command, state)

    def _tick(self, state: State, now: float) -> None:
        for listener in self.listeners:
            try:
                listener.ticked(state, now)
            except Exception:  # noqa: BLE001  a listener never changes an outcome
                _log.warning("%s failed", type(listener).__name__, exc_info=True)

    def _watched(self, state: State) -> Event | None:
        """Read the generation in force; None when it is this rollout's."""
        try:
            there = self.router.generation()
        except GatewayUnreachable as error:
            return GatewaySilent(self.clock.now(), str(error))
        return None if there == state.generation else self._overtaken("")

    def _overtaken(self, said: str) -> Overtaken:
        """Tell who changed the weights and why, from what is on the gateway."""
        try:
            seen = self._settled()
        except HostError as error:
            return Overtaken(self.clock.now(), None, f"{said or 'the weights changed'} ({error})")
        if seen.mark is None:
            by = "a configuration that is not canaryctl's is in force"
            return Overtaken(self.clock.now(), seen.weight, said or by)
        by = f"{seen.mark.owner or 'somebody'} set {seen.weight} %: {seen.mark.reason}"
        return Overtaken(self.clock.now(), seen.weight, by)

    def _settled(self) -> InForce:
        """Look until what is in force is what is on disk: a change may be under way."""
        deadline = self.clock.now() + SETTLE
        seen = self.router.look()
        while seen.generation != seen.on_disk and self.clock.now() < deadline:
            self.clock.sleep(TICK / 5)
            seen = self.router.look()
        return seen

    def _judged(self, command: Observe, state: State) -> Event:
        frame = self._frame(command.since, command.unseen, state.stage.weight)
        now = self.clock.now()
        try:
            readings = self.metrics.read(wanted(self.gates, frame, now), command.unseen)
        except MetricsUnavailable as error:
            return MetricsSilent(self.clock.now(), str(error))
        look = Look(frame, readings, now)
        findings = measure(self.gates, look)
        if not self._analysis.any:
            return Judged(readings.at, findings)
        observation = self._observer.observe(look, self._attempts())
        return self._analysis.judged(observation, findings, state.index)

    def _frame(self, since: float, unseen: float, weight: Weight) -> Frame:
        return Frame(
            since=since,
            unseen=unseen,
            interval=self.plan.interval,
            select=self.select,
            release=self.mark.release,
            weight=weight,
        )

    def _attempts(self) -> Attempts | None:
        return None if self.attempts is None else self.attempts.read()
