"""What the load has seen, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """The load's figures. Every request sent is answered, lost or unfinished.

    Attributes:
        running: whether more was to come when this was written.
        seconds: how long it had run.
        sent: requests written to a connection, or tried to.
        answered: those with a complete answer, whatever its status.
        lost: those without one: refused, reset, closed early or timed out.
        unfinished: those under way at this moment.
        versions: answers by the response header ``X-Canary-Version``; "unknown" without one.
        statuses: answers by status code.
        lost_because: the lost by reason.
        slowest_s: the longest time to an answer, in seconds.
    """

    running: bool
    seconds: float
    sent: int
    answered: int
    lost: int
    unfinished: int
    versions: Mapping[str, int]
    statuses: Mapping[str, int]
    lost_because: Mapping[str, int]
    slowest_s: float


class Tally:
    """Counts, on one event loop."""

    def __init__(self) -> None:
        self._sent = 0
        self._versions: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._slowest = 0.0

    def sent(self) -> None:
        """Count a request that goes out."""
        self._sent += 1

    def answered(self, *, status: int, version: str, seconds: float) -> None:
        """Count an answer."""
        self._statuses[str(status)] += 1
        self._versions[version] += 1
        self._slowest = max(self._slowest, seconds)

    def lost(self, reason: str) -> None:
        """Count a request that got no answer."""
        self._lost[reason] += 1

    def report(self, *, seconds: float, running: bool) -> Report:
        """Give the figures as they are now."""
        answered, lost = self._statuses.total(), self._lost.total()
        return Report(
            running=running,
            seconds=round(seconds, 3),
            sent=self._sent,
            answered=answered,
            lost=lost,
            unfinished=self._sent - answered - lost,
            versions=dict(sorted(self._versions.items())),
            statuses=dict(sorted(self._statuses.items())),
            lost_because=dict(sorted(self._lost.items())),
            slowest_s=round(self._slowest, 4),
        )
