"""How a rollout ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The four ends."""

    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why it ended so."""

    PASSED = "every stage passed"
    GATE_FAILED = "gate failed"
    NO_DATA = "no data"
    INCONCLUSIVE = "inconclusive"
    METRICS_LOST = "metrics lost"
    WEIGHT_REFUSED = "weight refused"
    GATEWAY_LOST = "gateway lost"
    INTERRUPTED = "interrupted"
    SUPERSEDED = "weights changed by somebody else"
    ABORTED = "aborted"
    DEADLINE = "deadline"
    NOT_APPROVED = "not approved in time"
    DRIFT = "drift"
    BREAKER = "circuit breaker"
    HELD = "gateway held"
    CONFIGURATION = "configuration error"
    PREFLIGHT = "preflight failed"
    CRASHED = "canaryctl failed"
    NOT_PROVEN = "traffic not proven"


_OUTCOMES = {
    Cause.PASSED: Outcome.SUCCEEDED,
    Cause.GATE_FAILED: Outcome.ROLLED_BACK,
    Cause.NO_DATA: Outcome.ROLLED_BACK,
    Cause.INCONCLUSIVE: Outcome.ROLLED_BACK,
    Cause.METRICS_LOST: Outcome.ROLLED_BACK,
    Cause.WEIGHT_REFUSED: Outcome.ROLLED_BACK,
    Cause.GATEWAY_LOST: Outcome.ROLLED_BACK,
    Cause.CRASHED: Outcome.ROLLED_BACK,
    Cause.INTERRUPTED: Outcome.ABORTED,
    Cause.SUPERSEDED: Outcome.ABORTED,
    Cause.ABORTED: Outcome.ABORTED,
    Cause.DEADLINE: Outcome.ROLLED_BACK,
    Cause.NOT_APPROVED: Outcome.ABORTED,
    Cause.DRIFT: Outcome.ROLLED_BACK,
    Cause.BREAKER: Outcome.ROLLED_BACK,
    Cause.HELD: Outcome.ABORTED,
    Cause.CONFIGURATION: Outcome.ABORTED,
    Cause.PREFLIGHT: Outcome.ABORTED,
    Cause.NOT_PROVEN: Outcome.UNKNOWN,
}

EXIT_CODES = {
    Outcome.SUCCEEDED: 0,
    Outcome.ROLLED_BACK: 1,
    Outcome.ABORTED: 130,
    Outcome.UNKNOWN: 3,
}


_BEFORE_TRAFFIC = {
    Cause.CONFIGURATION: 2,
    Cause.PREFLIGHT: 4,
    Cause.HELD: 5,
    Cause.NOT_APPROVED: 4,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """The cause of an end, and the sentence that explains it."""

    cause: Cause
    reason: str

    @property
    def outcome(self) -> Outcome:
        """The end that this cause leads to."""
        return _OUTCOMES[self.cause]

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        return _BEFORE_TRAFFIC.get(self.cause, EXIT_CODES[self.outcome])
