"""One simulated rollout of a configuration, decided by the code that decides a real one.

Only the world is drawn. What the counters gained becomes an ``Observation``; from there on it is
the live path: ``Analysis`` weighs it, ``measure`` reads the literal gates, ``advance`` walks the
rollout. Setting a weight succeeds at once, and nobody is there to approve: waits are left out.
"""

from __future__ import annotations

from functools import partial
from random import Random

from canaryctl.core.analysis import Analysis
from canaryctl.core.commands import Command, Drain, Idle, Observe, RunPreflight, SetWeight
from canaryctl.core.events import Event, Judged, PreflightEnded, Started, WeightProven
from canaryctl.core.observation import Both, Buckets, History, Observation, Trials
from canaryctl.core.outcome import Cause
from canaryctl.core.rollout import advance
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.sequential.course import Bound, Move
from canaryctl.core.series import Version
from canaryctl.core.state import State
from canaryctl.core.unattended import unattended
from canaryctl.core.weight import FULL_HUNDREDTHS
from canaryctl.simulate.literal import Literal
from canaryctl.simulate.run import End, Result
from canaryctl.simulate.served import Served, ServedTraffic
from canaryctl.simulate.service import Service
from canaryctl.simulate.traffic import TICK, Side, Tick
from canaryctl.simulate.world import Family

MINUTE = 12
"""Ticks."""
ROUNDING = 1e-6
SLACK = 3600.0
"""Seconds that a rollout may last beyond the bounds of its plan."""


class Configured:
    """One rollout."""

    def __init__(self, service: Service, family: Family, rps: float, key: object) -> None:
        """Begin a rollout; the same ``key`` draws the same traffic."""
        draw = partial(ServedTraffic, service, family, rps)
        self._service = service
        self._traffic = draw(Random(repr(key)))  # noqa: S311  a simulation
        self._before = draw(Random(repr((key, "before"))))  # noqa: S311  a simulation
        self._analysis = Analysis(service.gates, service.plan, service.judgement)
        self._literal = Literal(service, self._traffic.streams)
        self._at = self._held = 0.0
        self._entered: list[float] = []
        self._last: Judged | None = None

    def run(self) -> Result:
        """Walk it to its end."""
        plan = self._service.plan
        longest = plan.longest + self._service.judgement.policy.hold_for + SLACK
        state = State(unattended(plan))
        event: Event = Started(0.0)
        while True:
            state, command = advance(state, event)
            if command is None or self._at > longest:
                return self._ended(state)
            event = self._carried_out(command, state)

    def _carried_out(self, command: Command, state: State) -> Event:
        match command:
            case RunPreflight():
                history = self._history()
                if history is not None:
                    self._analysis.learn(history)
                return PreflightEnded(self._at, (), history)
            case SetWeight():
                if state.index >= 0 and state.ending is None:
                    self._entered.append(self._at)
                    self._literal.enter(self._at)
                return WeightProven(self._at, command.weight, "simulated", 0.0)
            case Observe():
                return self._observed(command, state)
            case Idle() | Drain():
                raise AssertionError("an unattended plan has neither waits nor workers")

    def _observed(self, command: Observe, state: State) -> Judged:
        """Let time pass until the next evaluation, and evaluate."""
        weight = state.stage.weight.hundredths / FULL_HUNDREDTHS
        seen = Gathered()
        while self._at < command.until - ROUNDING:
            self._at += TICK
            tick = self._traffic.tick(self._at, self._at - command.since, weight)
            seen.add(tick)
            for version, side in ((Version.CANARY, tick.canary), (Version.STABLE, tick.stable)):
                if isinstance(side, Served):
                    self._literal.add(self._at, version, side)
            if tick.up is not None:
                self._literal.answered(self._at, up=tick.up)
        findings = self._literal.findings(self._at)
        if not self._analysis.any:
            judged = Judged(self._at, findings)
        else:
            observation = self._observation(seen, command.since, weight)
            judged = self._analysis.judged(observation, findings, state.index)
        if judged.weighed is not None and judged.weighed.step.move is Move.HOLD:
            self._held += self._service.plan.interval
        self._last = judged
        return judged

    def _observation(self, seen: Gathered, since: float, weight: float) -> Observation:
        sides = Both(seen.canary, seen.stable)
        histograms: dict[str, dict[str, Both[Buckets]]] = {}
        streams = self._traffic.streams
        ours = sides.canary.buckets(streams) if sides.canary else None
        theirs = sides.stable.buckets(streams) if sides.stable else None
        for index, stream in enumerate(streams):
            histograms.setdefault(stream.source, {})[stream.part] = Both(
                ours[index] if ours else None, theirs[index] if theirs else None
            )
        return Observation(
            at=self._at,
            since=since,
            weight=weight,
            ratios={
                source: Both(
                    _trials(sides.canary, good=good) if sides.canary else None,
                    _trials(sides.stable, good=good) if sides.stable else None,
                )
                for source, good in self._service.ratios.items()
            },
            histograms=histograms,
            attempts=seen.attempts,
            up=seen.up,
            restarts=seen.restarts,
            stale=max(4 * TICK, 3 * self._service.plan.interval),
        )

    def _history(self) -> History | None:
        """Draw stable's minutes before the rollout."""
        if not self._service.history or not self._analysis.any:
            return None
        minutes: list[Served] = []
        for index in range(int(self._service.history / TICK)):
            if index % MINUTE == 0:
                minutes.append(Served())
            side = self._before.tick(index * TICK, index * TICK, 0.0).stable
            if side is not None:
                minutes[-1].add(side)
        minutes = [one for one in minutes if one.total]
        buckets = [one.buckets(self._traffic.streams) for one in minutes]
        histograms: dict[str, dict[str, tuple[Buckets, ...]]] = {}
        for index, stream in enumerate(self._traffic.streams):
            each = tuple(many[index] for many in buckets if many[index])
            histograms.setdefault(stream.source, {})[stream.part] = each
        ratios = {
            source: tuple(_trials(one, good=good) for one in minutes)
            for source, good in self._service.ratios.items()
        }
        return History(ratios, histograms)

    def _ended(self, state: State) -> Result:
        end = End.INCONCLUSIVE
        if state.ending is not None:
            end = ENDS.get(state.ending.cause, End.INCONCLUSIVE)
        return Result(
            end=end,
            reason="" if end is End.PROMOTED else self._reason(state),
            stage=state.index,
            lasted=self._at,
            hurt=self._traffic.hurt,
            slow=self._traffic.slow,
            held=self._held,
            entered=tuple(self._entered),
            harmed_at=self._traffic.harmed_at,
        )

    def _reason(self, state: State) -> str:
        """Name what ended it, without figures: reasons are counted."""
        if state.ending is not None and state.ending.cause is Cause.DEADLINE:
            return "plan.deadline"
        step = self._last.weighed.step if self._last and self._last.weighed else None
        verdict = state.records[-1].verdict if state.records else None
        deciding = verdict.deciding if verdict is not None else None
        if deciding is not None and not (step and step.move is Move.BACK):
            return f"{deciding.name}: {deciding.status}"
        if step is None:
            return "no verdict"
        match step.bound:
            case Bound.HOLD:
                return "stable breaks its own limit"
            case Bound.NO_DATA:
                return "no new sample of the canary"
            case _:
                return step.reason


ENDS = {Cause.PASSED: End.PROMOTED, Cause.GATE_FAILED: End.BACK}
"""What is neither is no verdict against the canary: a bound was reached."""


class Gathered:
    """What came in since the evaluation before. None: no new sample."""

    def __init__(self) -> None:
        self.canary: Served | None = None
        self.stable: Served | None = None
        self.attempts: Attempts | None = None
        self.up: bool | None = None
        self.restarts = 0

    def add(self, tick: Tick) -> None:
        """Take a tick in."""
        self.canary = _sum(self.canary, tick.canary)
        self.stable = _sum(self.stable, tick.stable)
        self.restarts += tick.restarts
        if tick.up is not None:
            self.up = tick.up
        new = tick.attempts
        if new is not None:
            old = self.attempts or Attempts(0, 0, 0, 0)
            self.attempts = Attempts(
                old.canary + new.canary,
                old.canary_failed + new.canary_failed,
                old.stable + new.stable,
                old.stable_failed + new.stable_failed,
            )


def _sum(kept: Served | None, new: Side | None) -> Served | None:
    if new is None:
        return kept
    if kept is None:
        kept = Served()
    kept.add(new)
    return kept


def _trials(side: Side, *, good: bool) -> Trials:
    return Trials(side.total, side.total - side.errors if good else side.errors)
