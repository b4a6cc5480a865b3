"""What a report knows of one rollout: read from the journal, safe to show. Times: epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from canaryctl.core.gate import Unit


@dataclass(frozen=True, slots=True)
class Step:
    """What became of the canary's weight at a moment.

    Attributes:
        weight: in percent from then on; None: unknown.
        how: proven, refused, not proven, or set by somebody else.
        detail: the proof, or the reason.
    """

    at: float
    weight: float | None
    how: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StageSeen:
    """One stage of the plan, and what became of it.

    Attributes:
        number: from 1.
        weight: the canary's, in percent.
        observe: seconds that the plan gives it.
        began: when its weight was proven; None: it was not reached.
        ended: when it was over, or the record ends.
        evaluations: how many there were.
        result: passed, failed, cut short, not reached …, in words.
        good: whether that is well; None where it is neither.
    """

    number: int
    weight: float
    observe: float
    began: float | None = None
    ended: float | None = None
    evaluations: int = 0
    result: str = "not reached"
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """What a gate found at one evaluation; ``against`` and ``support`` are 0 to 1."""

    at: float
    status: str
    value: float | None
    stable: float | None
    limit: float | None
    samples: float | None
    against: float | None
    support: float | None


@dataclass(frozen=True, slots=True)
class GateSeen:
    """One gate, or one label value of it, over the whole rollout.

    Attributes:
        name: gate and part as they are shown.
        reason: the newest finding's sentence.
        judge: evidence or threshold.
        severity: rollback or warn.
        queries: what was asked of the metrics source.
        points: in order; never empty.
        failures: at how many evaluations it failed.
        deciding: it sent the rollout back.
    """

    name: str
    unit: Unit
    comparator: str
    reason: str
    judge: str
    severity: str
    queries: tuple[str, ...]
    points: tuple[Point, ...]
    failures: int = 0
    deciding: bool = False

    @property
    def last(self) -> Point:
        """The newest one."""
        return self.points[-1]


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that was decided or done, and on what.

    Attributes:
        what: the event in a few words.
        text: sentences, as the terminal showed them.
        stage: from 1; None before the first.
        weight: proven last, in percent.
        found: the finding behind a verdict: name, value, limit, samples, in words.
        queries: what that finding asked.
        times: how many evaluations in a row said the same, this one being the first.
        tone: good, bad, warn, or empty.
    """

    at: float
    what: str
    text: tuple[str, ...]
    stage: int | None
    weight: float | None
    found: str = ""
    queries: tuple[str, ...] = ()
    times: int = 1
    tone: str = ""


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """A check of the preflight; ``passed`` is None when it could not be told."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked of the rollout, and what became of it."""

    at: float
    verb: str
    who: str
    why: str
    role: str
    accepted: bool | None
    answer: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One rollout.

    Attributes:
        outcome: succeeded, rolled_back, aborted, unknown, or ``not ended``.
        cause: in words; empty while it has not ended.
        exit_code: None while it has not ended.
        weight: the canary's at the end, in percent, as NGINX answered; None: unknown.
        proof: by what it is proven; empty when it is not.
        stage: the number of the stage that it ended in; None: before the first.
        zero: how long going back took, a sentence each.
        judged: how the gates were judged; empty when that is not on record.
        lacks: what the record does not have, a sentence each.
    """

    id: str
    service: str
    release: str
    gateway: str
    owner: str
    config_hash: str
    began: float
    ended: float
    outcome: str
    cause: str
    reason: str
    exit_code: int | None
    weight: float | None
    proof: str
    stage: int | None
    stages: tuple[StageSeen, ...] = ()
    steps: tuple[Step, ...] = ()
    gates: tuple[GateSeen, ...] = ()
    decisions: tuple[Decision, ...] = ()
    checks: tuple[CheckSeen, ...] = ()
    asked: tuple[Asked, ...] = ()
    zero: tuple[str, ...] = ()
    judged: str = ""
    lacks: tuple[str, ...] = field(default=())

    @property
    def deciding(self) -> GateSeen | None:
        """The gate that sent it back, if one did."""
        return next((one for one in self.gates if one.deciding), None)
