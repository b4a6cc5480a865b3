"""Requests of the canary that failed one after the other, as pieces that can be joined.

A log is read piece by piece. The ``Streaks`` of two pieces join to what one reading of both would
have given, wherever the cut falls: they are a monoid, with ``Streaks()`` as its neutral element.
So a streak of failures is found that begins in one reading and ends in another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple


@dataclass(frozen=True, order=True, slots=True)
class Streak:
    """Failures of the canary with no success of it in between, and stable in the same time.

    Attributes:
        failed: requests that the canary failed, one after the other. 0 and up.
        stable: requests that stable served since the canary's last success (retries of the
            canary's failures included). A line that stands for ten counts ten.
        stable_failed: those of them that stable failed as well. 0 to ``stable``.
    """

    failed: int = 0
    stable: int = 0
    stable_failed: int = 0

    def __add__(self, later: Streak) -> Streak:
        return Streak(
            self.failed + later.failed,
            self.stable + later.stable,
            self.stable_failed + later.stable_failed,
        )

    @property
    def share(self) -> float:
        """What share stable failed, 0 to 1; 0 where it served nothing."""
        return self.stable_failed / self.stable if self.stable else 0.0


@dataclass(frozen=True, slots=True)
class Streaks:
    """What a piece of the log says of the canary, in the log's order.

    A request counts once, however many servers of the canary were tried for it. A request whose
    client went away before there was an answer is neither a failure nor a success.

    Attributes:
        good: requests that a server of the canary answered below 500.
        bad: requests that were tried at the canary and that none of its servers answered so:
            refused, reset, timed out, or answered with 5xx.
        first: successes before the first failure; ``good`` where there is none.
        head: the streak that the piece begins with; all of it where nothing breaks it.
        tail: the streak that the piece ends with; all of it where nothing breaks it.
        worst: the longest one anywhere in it.
        whole: all of the piece as if it were one streak.
        gap: something of the log is missing in it. Failures before and after a gap are not one
            streak: nobody knows what was in between.
    """

    good: int = 0
    bad: int = 0
    first: int = 0
    head: Streak = Streak()
    tail: Streak = Streak()
    worst: Streak = Streak()
    whole: Streak = Streak()
    gap: bool = False
    GAP: ClassVar[Streaks]

    @property
    def broken(self) -> bool:
        """Whether it holds a success or a gap, so that no streak goes through all of it."""
        return self.good > 0 or self.gap

    def __add__(self, later: Streaks) -> Streaks:
        return Streaks(
            good=self.good + later.good,
            bad=self.bad + later.bad,
            first=self.first if self.bad else self.first + later.first,
            head=self.head if self.broken else self.head + later.head,
            tail=later.tail if later.broken else self.tail + later.tail,
            worst=max(self.worst, later.worst, self.tail + later.head),
            whole=self.whole + later.whole,
            gap=self.gap or later.gap,
        )


class Served(NamedTuple):
    """What one line of the log says.

    Attributes:
        canary: whether the canary served the request; None: it was not asked, or nobody knows.
        stable: requests that stable served, after that of the canary.
        failed: those of them that stable failed.
    """

    canary: bool | None
    stable: int = 0
    failed: int = 0


def gathered(lines: Iterable[Served]) -> Streaks:
    """Give a whole piece, oldest line first: what joining its lines gives, and far quicker."""
    good = bad = first = failed = stable = stable_failed = 0
    head: Streak | None = None
    worst = whole = Streak()
    for canary, requests, fails in lines:
        if canary:
            streak = (failed, stable, stable_failed)
            if head is None or any(streak):
                ended = Streak(*streak)
                head = ended if head is None else head
                worst, whole = max(worst, ended), whole + ended
                failed = stable = stable_failed = 0
            good += 1
            first += not bad
        elif canary is False:
            bad += 1
            failed += 1
        stable += requests
        stable_failed += fails
    tail = Streak(failed, stable, stable_failed)
    return Streaks(
        good, bad, first, tail if head is None else head, tail, max(worst, tail), whole + tail
    )


Streaks.GAP = Streaks(gap=True)
