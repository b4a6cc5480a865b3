"""What can happen to a rollout. Each carries its time (``at``, epoch seconds)."""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.breaker import Breaker
from canaryctl.core.control import Verb
from canaryctl.core.drained import Drained
from canaryctl.core.gate import Finding
from canaryctl.core.hooks import HookMoment, HookResult
from canaryctl.core.observation import History, Observation
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.weight import Weight


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at before anything is touched.

    Attributes:
        name: what was looked at.
        passed: None when it cannot be told from here, which does not stop the rollout.
        detail: what was seen.
        configuration: a failure lies in the user's files, not in the world.
    """

    name: str
    passed: bool | None
    detail: str
    configuration: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """The rollout was asked for."""

    at: float


@dataclass(frozen=True, slots=True)
class PreflightEnded:
    """Everything that the rollout will need was looked at.

    Attributes:
        history: stable's minutes before the rollout, as far as the metrics source has them.
    """

    at: float
    checks: tuple[Check, ...]
    history: History | None = None


@dataclass(frozen=True, slots=True)
class WeightProven:
    """NGINX itself answered with the new generation."""

    at: float
    weight: Weight
    generation: str
    took: float


@dataclass(frozen=True, slots=True)
class WeightRefused:
    """A change did not come into force; the previous configuration is, proven."""

    at: float
    weight: Weight
    reason: str


@dataclass(frozen=True, slots=True)
class TrafficUnproven:
    """What NGINX does with traffic could not be proven."""

    at: float
    weight: Weight
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The gates were evaluated on what the metrics source answered.

    Attributes:
        findings: one for each gate (and label value).
        weighed: what the evidence came to; None where no gate is judged by evidence.
        observation: the counts that it rests on.
    """

    at: float
    findings: tuple[Finding, ...]
    weighed: Weighed | None = None
    observation: Observation | None = None


@dataclass(frozen=True, slots=True)
class MetricsSilent:
    """The metrics source did not answer."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class GatewaySilent:
    """NGINX's control listener did not answer."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another generation than this rollout's is in force.

    Attributes:
        weight: the canary's weight in it, None when it cannot be told.
        by: who changed it and why, in words.
    """

    at: float
    weight: Weight | None
    by: str


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else's lease on the gateway still counts."""

    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Controlled:
    """Somebody asked something of the rollout.

    Attributes:
        request: its id, to answer it.
        who: ``user@machine``.
        why: in words; may be empty.
        role: as whom an approval is given; empty for anything else.
    """

    at: float
    verb: Verb
    request: str
    who: str
    why: str = ""
    role: str = ""

    @property
    def by(self) -> str:
        """Who asked, and why."""
        return f"{self.who} ({self.why})" if self.why else self.who


@dataclass(frozen=True, slots=True)
class Drifted:
    """What is in force, or would be after a restart, is not what the rollout set.

    Attributes:
        what: in words.
    """

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """The circuit breaker opened, closed again, or gave up.

    Attributes:
        breaker: what it is now.
        test: the canary's weight while it is tested.
    """

    at: float
    breaker: Breaker
    test: Weight


@dataclass(frozen=True, slots=True)
class Waited:
    """The time to wait is over; all traffic is on stable."""

    at: float


@dataclass(frozen=True, slots=True)
class Hooked:
    """The hooks that are gates have run, up to the first that failed.

    Attributes:
        results: one for each that ran, in order.
    """

    at: float
    moment: HookMoment
    results: tuple[HookResult, ...]


@dataclass(frozen=True, slots=True)
class DrainEnded:
    """The workers that knew an older weight are gone, or were waited for as long as may be."""

    at: float
    drained: Drained


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C, SIGTERM or a closed terminal."""

    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """Something that canaryctl did not foresee."""

    at: float
    reason: str


Event = (
    Started
    | PreflightEnded
    | WeightProven
    | WeightRefused
    | TrafficUnproven
    | Judged
    | MetricsSilent
    | GatewaySilent
    | Overtaken
    | Held
    | Controlled
    | Drifted
    | BreakerMoved
    | Waited
    | Hooked
    | DrainEnded
    | Interrupted
    | Crashed
)
