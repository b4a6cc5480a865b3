"""How a run of `promote` ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from canaryctl.core.errors import CanaryctlError


class Outcome(StrEnum):
    """The ends of a promotion."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended.

    Attributes:
        reason: in a sentence.
        exit_code: what the command line ends with.
        steps: what the reader does next.
        done: something was done; not where it was promoted already.
    """

    outcome: Outcome
    reason: str
    exit_code: int
    steps: tuple[str, ...] = ()
    done: bool = True


class NotPromotable(CanaryctlError):
    """There is nothing here that could be promoted; nothing was touched."""

    exit_code = 4


class FreshStableFailed(CanaryctlError):
    """The new stable does not serve as it should; the canary has all traffic again, proven."""

    exit_code = 4
