"""``canaryctl guard``: beside NGINX, for the day on which a rollout's whole machine is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from canaryctl.core.errors import CanaryctlError, TrafficUnknown
from canaryctl.core.lease import OnAbandon
from canaryctl.core.notice import Notice, Occasion
from canaryctl.drivers.lease_file import Found
from canaryctl.guarding.abandoned import Returned, bring_back, let_go, silence, taken, warm
from canaryctl.guarding.notices import notice
from canaryctl.guarding.stuck import end_if_named
from canaryctl.guarding.unforeseen import summary, told
from canaryctl.guarding.unreadable import told_by_the_weights
from canaryctl.wiring import Build

if TYPE_CHECKING:
    from canaryctl.guarding.exported import GuardExport

EVERY = 5.0
"""Seconds between two looks at most; a lease about to run out is looked at when it does."""
LEAST = 0.2
"""Seconds between two looks at least."""
RETRY = 1.0
"""Seconds until what failed is tried again."""
BROKEN_FOR = 30.0
"""Seconds for which a text that is no lease may stay as it is, until it counts as run out."""


@dataclass(slots=True)
class GuardService:
    """Looks after one gateway for as long as it runs.

    Attributes:
        build: the gateway.
        say: told what happens, a sentence each.
        stopped: gives who asked it to end, None while nobody has.
        tell: has people told.
        exported: shows what it sees to Prometheus; None: nobody does.
    """

    build: Build
    say: Callable[[str], None]
    stopped: Callable[[], str | None]
    tell: Callable[[Notice], None] = lambda _: None
    exported: GuardExport | None = None
    _said: str = field(default="", init=False)
    _why: str = field(default="", init=False)
    _broken: tuple[float, str] | None = field(default=None, init=False)
    """Since when the lease cannot be read, and what is there instead."""
    _waiting: bool = field(default=False, init=False)
    _found: Found | None = field(default=None, init=False)

    def run(self) -> None:
        """Watch until somebody asks to stop. Never raises for what the world does."""
        warm(self.build)
        while self.stopped() is None:
            pause = self.look()
            until = self.build.clock.now() + pause
            if self.exported is not None:
                self.exported.looked(self._found)
            while self.stopped() is None and (left := until - self.build.clock.now()) > 0:
                self.build.clock.sleep(min(left, LEAST))

    def look(self) -> float:
        """Look once, and act if it takes; gives the seconds until the next look."""
        try:
            return self._looked()
        except Exception as error:  # noqa: BLE001  a defect ends no guard: who would guard then?
            if self._once(told(error)) and self._pressing(error):
                said = f"{summary(error)}; it is tried again"
                self.tell(notice(self.build, Occasion.UNPROVEN, said))
        return RETRY

    def once(self) -> None:
        """Look, act if it takes, and end: for who is started again and again, as by cron.

        A lease that cannot be read is waited for, ``BROKEN_FOR`` at most: the next one to be
        started knows nothing of this one.

        Raises:
            TrafficUnknown: 0 % could not be proven.
            CanaryctlError: it could not look, or not act.
        """
        try:
            pause, since = self._looked(), self._broken
            while self._waiting and self._broken == since:
                self.build.clock.sleep(pause)
                pause = self._looked()
        except Exception as error:
            if self._pressing(error):
                self.tell(notice(self.build, Occasion.UNPROVEN, summary(error)))
            with contextlib.suppress(CanaryctlError):
                let_go(self.build)  # or the next one would take this one for somebody who leads
            raise
        if self._waiting:
            self.say(f"{self.build.lease.path} was written anew meanwhile: somebody leads here")

    def _looked(self) -> float:
        self._found, self._waiting = None, False
        self._found = found = self.build.lease.look()
        if found.lease is None and found.text is not None:
            return self._unreadable(found)
        self._broken = None
        if found.lease is None:
            self._once("")
            # One that is taken meanwhile must be seen before it runs out.
            return min(EVERY, max(LEAST, self.build.config.gateway.lease / 2))
        if found.left > 0 and not taken(self.build, found.lease):
            if self._once(f"{found.lease.owner} leads rollout {found.lease.rollout}"):
                warm(self.build)  # what there is to know, before it may be needed
            return max(LEAST, min(found.left, EVERY))
        return self._act(found)

    def _pressing(self, error: Exception) -> bool:
        """Tell whether people should know at once: traffic was to be returned, and was not."""
        if isinstance(error, CanaryctlError):
            return isinstance(error, TrafficUnknown)
        return self._found is not None and self._found.lease is not None and self._found.left <= 0

    def _act(self, found: Found) -> float:
        assert found.lease is not None  # noqa: S101  the caller looked
        if not taken(self.build, found.lease):
            self._why = silence(found.lease)
        if found.lease.on_abandon is not OnAbandon.HOLD and end_if_named(
            self.build, found.lease.owner
        ):
            self.say(f"{found.lease.owner} slept in the middle of a change and was ended")
        self._done(bring_back(self.build, found, self._why, self.say))
        return EVERY if found.lease.on_abandon is OnAbandon.HOLD else LEAST

    def _unreadable(self, found: Found) -> float:
        """Wait for somebody to write a lease that can be read; after that it has run out.

        Whoever leads a rollout notices at their next renewal, and goes back by themselves.
        """
        now, path = self.build.clock.now(), self.build.lease.path
        if self._broken is None or self._broken[1] != found.text:
            self._broken = now, found.text or ""  # whoever writes there lives
        left = self._broken[0] + BROKEN_FOR - now
        self._waiting = left > 0
        if self._waiting:
            self._once(f"{path} cannot be read; after {BROKEN_FOR:g} s it counts as run out")
            return max(LEAST, min(left, EVERY))
        there = told_by_the_weights(self.build, found)
        if there is None or there.lease is None:
            self._once(f"{path} cannot be read; no rollout's canary has traffic, so it stays")
            return EVERY
        self._why = f"its lease could not be read for {BROKEN_FOR:g} s"
        self._done(bring_back(self.build, there, self._why, self.say))
        return EVERY if there.lease.on_abandon is OnAbandon.HOLD else LEAST

    def _done(self, done: Returned) -> None:
        """Say what was done, show it, and tell people once."""
        if done.proof is not None and self.exported is not None:
            self.exported.returned()
        if self._once(done.said) and done.abandoned:
            self.tell(notice(self.build, Occasion.ABANDONED, done.said))

    def _once(self, text: str) -> bool:
        """Say what is new; tells whether it was."""
        new = bool(text) and text != self._said
        if new:
            self.say(text)
        self._said = text
        return new
