"""The fresh stable has traffic: for a while it is looked at whether it serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from canaryctl.core.comparison.fisher import more_often
from canaryctl.core.streaks import Streaks
from canaryctl.ports import Clock, Counting

EVERY = 0.5
"""Seconds between two looks."""
FOLLOWED_AFTER = 6.0
"""Seconds until NGINX knows a container's new address: it asks Docker's DNS every 5."""
LONGEST = 20.0
"""Seconds more than was asked for, until failures count as stable's own."""
CHANCE = 1e-5
"""Of a look that takes a stable that fails as often as the canary for a worse one. There are a few
dozen looks in a promotion; 17 failures are enough at 50 % where the canary has none."""
_IN_A_ROW = 3
_WELL_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class Settling:
    """Looks at stable.

    Attributes:
        well: asks stable itself, past NGINX; empty: it is well, else what is wrong.
        attempts: NGINX's own counts; None: they are not kept.
        clock: for the time.
    """

    well: Callable[[], str]
    attempts: Counting | None
    clock: Clock

    def wrong(self, seconds: float, tick: Callable[[], object], *, counted: bool) -> str:
        """Look for so long; empty: stable serves, else what is wrong.

        An attempt that failed begins the time anew: NGINX may not know stable's new address yet,
        and has tried the canary instead. Failures that do not end are stable's own. So is any 5xx
        that it answers, once it does so more often than the canary does beside it.

        Args:
            seconds: how long all has to be well.
            tick: called again and again.
            counted: NGINX logs attempts at this weight. At 0 % it does not, and need not: it
                reached stable at the step before.
        """
        began = since = self.clock.now()
        log = _Log(self.attempts if counted else None)
        log.more()
        bad, asked = 0, 0.0
        while True:
            tick()
            now = self.clock.now()
            if now - asked >= _WELL_EVERY:
                asked = now
                wrong = self.well()
                bad = bad + 1 if wrong else 0
                if bad >= _IN_A_ROW:
                    return wrong
                if wrong:
                    since = now
            if log.more():
                since = now
            if worse := log.worse():
                return worse
            seen = not counted or log.served > 0 or now - began >= FOLLOWED_AFTER
            if now - since >= seconds and not bad and seen:
                return ""
            if now - began >= seconds + LONGEST:
                return f"NGINX failed {log.refused:.0f} attempts at it in {now - began:.0f} s"
            self.clock.sleep(EVERY)


@dataclass(slots=True)
class _Log:
    """What NGINX's own counts say since the first call.

    Attributes:
        served: attempts at stable that it answered.
        refused: attempts at it that ended without an answer of its own.
        both: the requests of both versions.
    """

    counting: Counting | None
    served: float = 0.0
    refused: float = 0.0
    both: Streaks = field(default_factory=Streaks)
    _begun: bool = False

    def more(self) -> bool:
        """Take in what is new; True: attempts at stable were refused. The first call begins."""
        if self.counting is None:
            return False
        found, both = self.counting.read(), self.counting.watch()
        if not self._begun:
            self._begun = True
            return False
        self.both += both
        if found is None:
            return False
        self.served += found.stable - found.stable_failed
        self.refused += found.stable_failed
        return found.stable_failed > 0

    def worse(self) -> str:
        """Say so where stable fails more often than the canary beside it; empty: it does not.

        What was refused is not blamed on it here: NGINX may have asked an address that it has no
        more.
        """
        stable, there = self.both.whole, self.both.good + self.both.bad
        failed = stable.stable_failed - round(self.refused)
        total = stable.stable - round(self.refused)
        if failed <= 0 or more_often(failed, total, self.both.bad, there) > CHANCE:
            return ""
        return (
            f"it answered {failed} of {total} requests with 5xx, "
            f"the canary {self.both.bad} of {there} in the same time"
        )
