"""The fresh stable has traffic: for a while it is looked at whether it serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from canaryctl.ports import Clock, Counting

EVERY = 0.5
"""Seconds between two looks."""
FOLLOWED_AFTER = 6.0
"""Seconds until NGINX knows a container's new address: it asks Docker's DNS every 5."""
LONGEST = 20.0
"""Seconds more than was asked for, until failures count as stable's own."""
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
        and has tried the canary instead. Failures that do not end are stable's own.

        Args:
            seconds: how long all has to be well.
            tick: called again and again.
            counted: NGINX logs attempts at this weight. At 0 % it does not, and need not: it
                reached stable at the step before.
        """
        began = since = self.clock.now()
        served = failed = 0.0
        bad, asked = 0, 0.0
        counting = self.attempts if counted else None
        if counting is not None:
            counting.read()
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
            found = counting.read() if counting is not None else None
            if found is not None:
                served += found.stable - found.stable_failed
                if found.stable_failed:
                    failed += found.stable_failed
                    since = now
            seen = not counted or served > 0 or now - began >= FOLLOWED_AFTER
            if now - since >= seconds and not bad and seen:
                return ""
            if now - began >= seconds + LONGEST:
                return f"NGINX failed {failed:.0f} attempts at it in {now - began:.0f} s"
            self.clock.sleep(EVERY)
