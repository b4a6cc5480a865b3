"""Carries out what the rollout asks for, and feeds back what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import methodcaller

from canaryctl.core.accounts import by_evidence
from canaryctl.core.analysis import Analysis, Judgement
from canaryctl.core.breaker import BreakerPolicy
from canaryctl.core.commands import Command, Drain, Idle, Observe, RunPreflight, SetWeight
from canaryctl.core.errors import (
    CanaryctlError,
    GatewayHeld,
    HostError,
    MetricsUnavailable,
    Superseded,
    TrafficUnknown,
)
from canaryctl.core.events import (
    Check,
    Controlled,
    Crashed,
    DrainEnded,
    Drifted,
    Event,
    GatewaySilent,
    Held,
    Interrupted,
    Judged,
    MetricsSilent,
    PreflightEnded,
    Started,
    TrafficUnproven,
    Waited,
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
from canaryctl.core.redaction import SECRETS
from canaryctl.core.rollout import advance
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.series import Readings, Version
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.long import Long
from canaryctl.ports import (
    Asking,
    Clock,
    Controls,
    Counting,
    Identifying,
    Listener,
    Mark,
    Metrics,
    Router,
    Tenure,
)
from canaryctl.watch import Watch

TICK = 0.25
"""Seconds between two looks at the stop flag and the display."""

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
        tenure: the hold on the gateway; None where it is not kept, as in a test.
        controls: where people ask things of the rollout; None where nobody can.
        breaking: when the circuit breaker opens; None: there is none.
        identities: asks the versions' servers who they are, before each stage; None: nobody does.
        hooks: runs the hooks that are gates, while the rollout waits for them; None: none.
        first: the stage to begin with, from 0; another one for a rollout that is resumed.
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
    tenure: Tenure | None = None
    controls: Controls | None = None
    first: int = 0
    breaking: BreakerPolicy | None = None
    identities: Identifying | None = None
    hooks: Asking | None = None
    _watch: Watch = field(init=False)
    _long: Long = field(init=False)
    _expect: str | None = field(default=None, init=False)
    _analysis: Analysis = field(init=False)
    _observer: Observer = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no evidence."""
        self._analysis = Analysis(self.gates, self.plan, self.judgement)
        self._observer = Observer(self.gates)
        self._watch = Watch(
            router=self.router,
            clock=self.clock,
            mark=self.mark,
            stopped=self.stopped,
            tenure=self.tenure,
            controls=self.controls,
            attempts=self.attempts,
            breaking=self.breaking,
            hooks=self.hooks,
        )
        self._long = Long(self._watch)

    def run(self) -> State:
        """Walk the rollout to its end. Never raises for what the world does."""
        state = State(self.plan, first=self.first)
        event: Event = Started(self.clock.now())
        while True:
            state, command = advance(state, event)
            self._tell(methodcaller("heard", event, state, command))
            if isinstance(event, Controlled) and state.answer is not None:
                self._watch.answer(state.answer)
            if command is None:
                self._watch.close(state.ending.reason if state.ending else "")
                return state
            event = self._carried_out(command, state)

    def _tell(self, tell: Callable[[Listener], None]) -> None:
        for listener in self.listeners:
            try:
                tell(listener)
            except Exception:  # noqa: BLE001  a listener never changes an outcome
                _log.warning("%s failed", type(listener).__name__, exc_info=True)

    def _carried_out(self, command: Command, state: State) -> Event:
        going_back = state.phase in (Phase.RETURNING, Phase.DRAINING)
        if not going_back and (by := self.stopped()):
            return Interrupted(self.clock.now(), by)
        try:
            match command:
                case RunPreflight():
                    return self._checked(state)
                case SetWeight():
                    return self._set(command, state)
                case Observe() | Idle():
                    return self._waited(command, state)
                case Drain(within):
                    return self._drained(within, state)
        except Exception as error:  # noqa: BLE001  whatever it is, traffic goes back to stable
            _log.debug("unforeseen", exc_info=True)
            return Crashed(self.clock.now(), SECRETS.hide(f"{type(error).__name__}: {error}"))

    def _checked(self, state: State) -> Event:
        # Where the canary was deployed for it, the gateway is held already.
        checks = self._long.to_its_end(self.preflight, state)
        if by := self.stopped():
            return Interrupted(self.clock.now(), by)  # a hook was being asked
        failed = any(check.passed is False for check in checks)
        if failed:
            return PreflightEnded(self.clock.now(), checks)
        history = self._long.to_its_end(self._history, state)
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

    def _set(self, command: SetWeight, state: State) -> Event:
        self.clock.sleep(command.pause)
        self._watch.hooked(state)  # one that still runs is ended; nobody waits for its end
        lost = self._watch.alive(state)  # a change may take long
        if command.force:
            lost = None  # a way back asks only whether the gateway is somebody else's now
        if (lost := lost or self._kept(command, state)) is not None:
            return lost
        stage = str(state.index + 1) if state.index >= 0 else ""
        if (other := self._impostor(command, state)) is not None:
            return WeightRefused(self.clock.now(), command.weight, other)
        share = str(state.stage.weight) if state.index >= 0 else ""
        mark = replace(self.mark, reason=command.reason, stage=stage, share=share)
        try:
            proof = self.router.set(command.weight, mark, None if command.force else self._expect)
        except Superseded as error:
            return self._watch.overtaken(str(error))
        except TrafficUnknown as error:
            return TrafficUnproven(self.clock.now(), command.weight, str(error))
        except CanaryctlError as error:
            return WeightRefused(self.clock.now(), command.weight, str(error))
        self._expect = proof.generation
        return WeightProven(self.clock.now(), proof.weight, proof.generation, proof.took)

    def _kept(self, command: SetWeight, state: State) -> Event | None:
        """Make sure of the gateway before it is changed; an event when it is somebody else's."""
        if self.tenure is None:
            return None
        try:
            if state.phase is Phase.TAKING:
                self.tenure.take()
            elif command.force and not self.tenure.mine():
                return self._watch.overtaken("somebody else holds the gateway now")
            elif command.force and command.weight > Weight.ZERO:
                return self._watch.decided(state.generation)
        except (GatewayHeld, Superseded) as error:  # the latter after a deployment
            return Held(self.clock.now(), str(error))
        except HostError as error:
            if state.phase is Phase.TAKING:
                return WeightRefused(self.clock.now(), command.weight, str(error))
        return None

    def _impostor(self, command: SetWeight, state: State) -> str | None:
        """Name a server that is not the version it should be, before it gets traffic."""
        rising = state.phase is Phase.SHIFTING and command.weight > Weight.ZERO
        if self.identities is None or not rising:
            return None
        try:
            found = self.identities.check(self.mark.release)
        except HostError as error:
            return str(error)
        return next((one.said for one in found if one.right is False), None)

    def _drained(self, within: float, state: State) -> Event:
        # Streams may live for longer than a lease lasts.
        drained = self.router.drained(within, lambda: self._watch.alive(state))
        match self._watch.gateway(state):
            case GatewaySilent(at, said) | Drifted(at, said):
                # Restarted without canaryctl's file, say: what was proven is so no longer.
                return TrafficUnproven(at, Weight.ZERO, said)
        return DrainEnded(self.clock.now(), drained)

    def _waited(self, command: Observe | Idle, state: State) -> Event:
        # Once in any case: evaluations may take longer than their interval, on a machine that is
        # busy or with a source that is slow, and nobody would be heard any more.
        while (event := self._watch.tick(state)) is None:
            if (now := self.clock.now()) >= command.until:
                break
            self._tell(methodcaller("ticked", state, now))
            self.clock.sleep(min(TICK, command.until - now))
        event = event or self._watch.before_evaluation(state)
        if event is not None:
            return event
        return self._judged(command, state) if isinstance(command, Observe) else Waited(now)

    def _judged(self, command: Observe, state: State) -> Event:
        if (event := self._long.settled(state)) is not None:
            return event
        frame = self._frame(command.since, command.unseen, state.stage.weight)
        now = self.clock.now()
        asked = wanted(self.gates, frame, now)
        try:
            readings = self._long.unless_over(
                lambda: self.metrics.read(asked, command.unseen), state
            )
        except MetricsUnavailable as error:
            return MetricsSilent(self.clock.now(), str(error))
        if not isinstance(readings, Readings):
            return readings
        if (lost := self._watch.gateway(state)) is not None:
            return lost  # a slow source gives others time to go back by hand
        look = Look(frame, readings, now)
        findings = measure(self.gates, look)
        if not self._analysis.any:
            return Judged(readings.at, findings)
        observation = self._observer.observe(look, self._attempts())
        observation = replace(observation, paused=bool(state.paused), waiting=bool(state.waiting))
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
