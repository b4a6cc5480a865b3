"""Hooks: what users run at moments of a rollout, and what came of it. No hook is run here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from canaryctl.core.gate import Finding, Status, Unit

LONGEST = 2_000
"""Characters of one fact; an environment has room for so much, and a person too."""


class HookMoment(StrEnum):
    """When a hook runs."""

    BEFORE_ROLLOUT = "before-rollout"
    BEFORE_STAGE = "before-stage"
    AFTER_STAGE = "after-stage"
    BEFORE_PROMOTION = "before-promotion"
    AFTER_PROMOTION = "after-promotion"
    AFTER_ROLLOUT = "after-rollout"
    AFTER_ROLLBACK = "after-rollback"


GATED = (
    HookMoment.BEFORE_ROLLOUT,
    HookMoment.BEFORE_STAGE,
    HookMoment.AFTER_STAGE,
    HookMoment.BEFORE_PROMOTION,
)
"""Moments at which something can still be stopped: there a hook may be a gate."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook. Its command, address and headers may hold secrets.

    Attributes:
        name: as messages call it.
        at: the moments that it runs at.
        command: the program and its arguments; empty: it has a URL.
        url: where the facts are sent to; empty: it has a command.
        headers: sent along.
        timeout: seconds that it may take.
        gate: whether its failure counts as a failed gate.
    """

    name: str
    at: frozenset[HookMoment]
    command: tuple[str, ...] = field(default=(), repr=False)
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    gate: bool = False


@dataclass(frozen=True, slots=True)
class HookResult:
    """How a hook ended.

    Attributes:
        hook: its name.
        status: pass, fail, or error where it could not be run at all.
        reason: one sentence, with the last line that it said.
        value: its exit code, or the HTTP status; None: there is none.
        comparator: how ``value`` is held against ``limit``.
        limit: 0 for an exit code, 299 for an HTTP status.
        seconds: how long it took.
    """

    hook: str
    status: Status
    reason: str
    value: float | None = None
    comparator: str = "="
    limit: float = 0.0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it did what it should."""
        return self.status is Status.PASS

    def finding(self) -> Finding:
        """Give it as the finding of a gate."""
        return Finding(
            gate=f"hook {self.hook}",
            status=self.status,
            reason=self.reason,
            value=self.value,
            comparator=self.comparator,
            limit=self.limit,
            unit=Unit.PLAIN,
        )


def failed(results: Iterable[HookResult]) -> HookResult | None:
    """Give the first that did not pass; None: all did."""
    return next((one for one in results if not one.passed), None)


@dataclass(frozen=True, slots=True)
class HookFacts:
    """What a hook is told. What is not known, or not yet, is None or empty.

    Attributes:
        moment: which one it is.
        service: as ``canary.yaml`` calls it.
        version: that is rolled out, such as v0.2.0.
        rollout: its id.
        owner: ``user@machine:pid`` of who leads it.
        stage: from 1.
        stages: how many there are.
        weight: of the canary in percent: before a stage the one to come, else the one in force.
        outcome: succeeded, rolled_back, aborted or unknown.
        cause: of that, in a word or two.
        reason: of that, in a sentence.
    """

    moment: HookMoment
    service: str
    version: str
    rollout: str = ""
    owner: str = ""
    stage: int | None = None
    stages: int | None = None
    weight: float | None = None
    outcome: str = ""
    cause: str = ""
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Give them as a JSON object."""
        return {
            "event": self.moment.value,
            "service": self.service,
            "version": self.version,
            "rollout": self.rollout,
            "owner": self.owner,
            "stage": self.stage,
            "stages": self.stages,
            "weight": self.weight,
            "outcome": self.outcome or None,
            "cause": self.cause or None,
            "reason": _bounded(self.reason) or None,
        }

    def environment(self) -> dict[str, str]:
        """Give them as ``CANARYCTL_…``; what is not known is there, and empty."""
        return {f"CANARYCTL_{key.upper()}": _text(value) for key, value in self.record().items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return _bounded(text).replace("\0", "")  # which no environment can hold


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
