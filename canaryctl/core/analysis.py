"""Judges one rollout: observations in, a weighed stage and findings out.

No clock and no I/O: the same observations in the same order give the same verdicts at the same
moments. That is what ``canaryctl replay`` rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from canaryctl.core.accounts import (
    WARM_UP,
    Account,
    accounts,
    by_evidence,
    latency_account,
    source_of,
)
from canaryctl.core.events import Judged
from canaryctl.core.gate import Finding, Gate, Judging, LatencyGate, UpGate
from canaryctl.core.observation import Both, Buckets, History, Observation, Trials
from canaryctl.core.plan import Plan
from canaryctl.core.sequential.batch import Attempts, Counts, Evaluation, Seen
from canaryctl.core.sequential.course import Policy
from canaryctl.core.sequential.trial import Pace, Trial, Weighed
from canaryctl.core.slowness import Slowness
from canaryctl.core.weighing import weighed_findings
from canaryctl.core.weight import FULL_HUNDREDTHS

MOST_PARTS = 20
"""Values of one label that are judged by evidence; more of them are read literally."""
DOWN_FOR = 10.0
"""Seconds without an answered scrape from which a canary is dead; a restart takes less."""
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a rollout is judged.

    Attributes:
        risk: chance, at most, that a healthy canary is thrown back in the whole rollout.
        warm_up: seconds after a weight change during which latency is not judged.
        policy: the bounds of its stages.
    """

    risk: float = 0.01
    warm_up: float = WARM_UP
    policy: Policy = field(default_factory=Policy)


@dataclass(slots=True)
class _Open:
    """A gate on a label whose values have one limit, and the values that were seen."""

    gate: LatencyGate
    parts: set[str] = field(default_factory=set)


class Analysis:
    """The evidence of one rollout."""

    def __init__(self, gates: Sequence[Gate], plan: Plan, judgement: Judgement) -> None:
        self._plan = plan
        self._judgement = judgement
        self._gates = [gate for gate in gates if by_evidence(gate)]
        self._watched = any(
            isinstance(gate, UpGate) and gate.rule.judge is Judging.EVIDENCE for gate in gates
        )
        known = accounts(gates, judgement.warm_up)
        self._accounts = {one.name: one for one in known}
        self._slowness = {one.name: Slowness(one) for one in known if one.latency}
        # A label whose values are not known yet gets its share as they appear.
        self._open = [
            _Open(gate)
            for gate in self._gates
            if isinstance(gate, LatencyGate) and gate.by is not None and not gate.limits
        ]
        self.trial = Trial(
            (one.terms for one in known),
            risk=judgement.risk,
            policy=judgement.policy,
            reserve=float(len(self._open)),
            pace=_pace(plan, gates),
        )
        self._sums = Attempts(0.0, 0.0, 0.0, 0.0)
        self._since: float | None = None
        self._weighed_here = False
        self._weighed: Weighed | None = None

    @property
    def any(self) -> bool:
        """Whether evidence is collected at all."""
        return bool(self._gates) or self._watched

    def learn(self, history: History) -> None:
        """Take stable's minutes before the rollout in."""
        for source, parts in history.histograms.items():
            self._admit(source, parts)
        for account in self._accounts.values():
            if account.latency:
                minutes = history.histograms.get(account.source, {}).get(account.part, ())
                slowness = self._slowness[account.name]
                for one in minutes:
                    slowness.learn(one)
                self.trial.learn(account.name, [slowness.counts(one) for one in minutes])
            else:
                trials = history.ratios.get(account.source, ())
                self.trial.learn(account.name, [_counts(account, one) for one in trials])

    def enter(self, since: float, stage: int) -> None:
        """Begin a stage (from 0) whose weight was proven at ``since``, epoch seconds."""
        stages = self._plan.stages
        after = stages[stage + 1].weight if stage + 1 < len(stages) else None
        weight = None if after is None else after.hundredths / FULL_HUNDREDTHS
        self.trial.enter(since, stages[stage].observe, weight)
        for slowness in self._slowness.values():
            slowness.enter()
        self._sums = Attempts(0.0, 0.0, 0.0, 0.0)
        self._since = since
        self._weighed_here = False

    def weigh(self, seen: Observation) -> Weighed:
        """Weigh one observation."""
        for source, parts in seen.histograms.items():
            self._admit(source, parts)
        evaluation = Evaluation(
            at=seen.at,
            weight=seen.weight,
            since=seen.since,
            gates={name: self._seen(account, seen) for name, account in self._accounts.items()},
            attempts=seen.attempts,
            up=seen.up if self._watched else None,
            restarts=seen.restarts,
            paused=seen.paused,
            waiting=seen.waiting,
        )
        if seen.attempts is not None and self._weighed_here:
            # A stage's first counts began before its weight was in force: they are not shown.
            self._add(seen.attempts)
        self._weighed_here = True
        self._weighed = self.trial.weigh(evaluation, gap=seen.stale)
        return self._weighed

    def findings(self, measured: Sequence[Finding], seen: Observation) -> tuple[Finding, ...]:
        """Give the findings with the judge's word in place of the literal reading."""
        if self._weighed is None:
            return tuple(measured)
        counted = None if seen.attempts is None else self._sums
        return weighed_findings(
            measured, self._weighed, self.trial.judge, counted, seen.weight, self._accounts
        )

    def judged(self, seen: Observation, measured: Sequence[Finding], stage: int) -> Judged:
        """Give the event that an evaluation leads to; a new weight begins a new stage.

        Args:
            seen: what the evaluation added.
            measured: what each gate shows, read literally.
            stage: from 0.
        """
        if seen.since != self._since:
            self.enter(seen.since, stage)
        weighed = self.weigh(seen)
        return Judged(seen.at, self.findings(measured, seen), weighed, seen)

    def _seen(self, account: Account, seen: Observation) -> Seen:
        if not account.latency:
            trials: Both[Trials] = seen.ratios.get(account.source, Both())
            return Seen(
                None if trials.canary is None else _counts(account, trials.canary),
                None if trials.stable is None else _counts(account, trials.stable),
            )
        parts = seen.histograms.get(account.source, {})
        buckets = parts.get(account.part)
        if buckets is None:
            # Other modes were scraped: of this one there was nothing, which is a count of zero.
            buckets = _nothing(parts)
        slowness = self._slowness[account.name]
        found = Seen(
            None if buckets.canary is None else slowness.counts(buckets.canary),
            None if buckets.stable is None else slowness.counts(buckets.stable),
        )
        if buckets.stable is not None:
            slowness.learn(buckets.stable)
        return found

    def _admit(self, source: str, parts: Iterable[str]) -> None:
        """Open an account for each new value of a label that has one limit for all of them."""
        for one in self._open:
            if source_of(one.gate) != source:
                continue
            for part in sorted(set(parts) - one.parts):
                if len(one.parts) == MOST_PARTS:
                    break  # the others are read literally: see `weighed_findings`
                one.parts.add(part)
                count = len(one.parts)
                # They sum to one gate's share, however many there will be.
                share = 1.0 / (count * (count + 1))
                account = latency_account(one.gate, part, self._judgement.warm_up, share)
                self._accounts[account.name] = account
                self._slowness[account.name] = Slowness(account)
                self.trial.judge.admit(account.terms)

    def _add(self, new: Attempts) -> None:
        sums = self._sums
        sums.canary += new.canary
        sums.canary_failed += new.canary_failed
        sums.stable += new.stable
        sums.stable_failed += new.stable_failed


def _pace(plan: Plan, gates: Sequence[Gate]) -> Pace:
    """Give the pace of a plan; ``liveness`` says how many evaluations a dead canary gets."""
    looks = max((g.rule.consecutive for g in gates if isinstance(g, UpGate)), default=3)
    shortest = min(stage.observe for stage in plan.stages)
    # Ten seconds are what a restart may take, unless fewer scrapes than usual are asked for.
    least = DOWN_FOR if looks >= _LOOKS else 0.0
    return Pace(shortest, min(least, 2 * plan.interval), looks)


def _counts(account: Account, trials: Trials) -> Counts:
    bad = trials.total - trials.bad if account.good else trials.bad
    return Counts(trials.total, bad, bad)


def _nothing(parts: Mapping[str, Both[Buckets]]) -> Both[Buckets]:
    canary = any(one.canary is not None for one in parts.values())
    stable = any(one.stable is not None for one in parts.values())
    return Both({} if canary else None, {} if stable else None)
