"""Stable has all traffic: the canary goes, and the deployment log gets its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from canaryctl.core.promotion_record import Record
from canaryctl.deploying.side import Side
from canaryctl.deploying.teller import Steps
from canaryctl.promoting.deployment_log import DeploymentLog
from canaryctl.promoting.ended import NotPromotable
from canaryctl.wiring import Build

_SLICE = 1.0
"""Seconds for which old workers are waited for between two signs of life."""


@dataclass(frozen=True, slots=True)
class Clearing:
    """The end of a promotion. Done again it changes nothing.

    Attributes:
        canary: whose containers are removed; None: they stay.
        log: the deployment log.
        tick: called again and again.
        changed: this run itself has set 0 %.
    """

    build: Build
    canary: Side | None
    log: DeploymentLog
    steps: Steps
    tick: Callable[[], None]
    changed: bool = field(kw_only=True)

    def __call__(self, record: Record) -> None:
        """Wait for those that the canary still serves, remove it, and write the log's line.

        Raises:
            NotPromotable: some are served by it still; it stays.
            HostError: Compose failed, or the log cannot be written.
        """
        if self.canary is not None:
            self._drained(record.release)
            names = ", ".join(self.canary.services)
            with self.steps.step("remove", names) as step:
                self.canary.remove(self.tick)
                step.said = f"{names} removed"
        said = f"a line in {self.log.path}"
        with self.steps.step("log", said) as step:
            service, now = self.build.config.service, self.build.clock.now()
            added = self.log.add(record, service, now)
            step.said = said if added else f"it stands in {self.log.path} already"

    def _drained(self, release: str) -> None:
        within, clock = self.build.config.gateway.drain_within, self.build.clock
        said = f"waiting for NGINX's old workers, {within:g} s at most"
        with self.steps.step("drain", said) as step:
            until = clock.now() + within
            while True:
                self.tick()
                if not (what := self._old_workers()):
                    step.said = "no worker is left that knows the canary"
                    return
                if clock.now() >= until:
                    break
            raise NotPromotable(
                f"{what}: the canary may still serve them, and stays; stable has all traffic",
                next_step=f"`canaryctl promote --version {release}` removes it later",
            )

    def _old_workers(self) -> str:
        """Say who may still be served by the canary; empty: nobody."""
        if self.changed:
            seen = self.build.router.drained(_SLICE)
            if seen.problem:
                return seen.problem
            return f"{seen.left} old workers with {seen.held} connections" if seen.left else ""
        # An earlier run proved 0 %: all old workers had been told to stop by then.
        old = [one for one in self.build.host.workers() if one.old]
        if old:
            self.build.clock.sleep(_SLICE)
        held = sum(one.connections or 0 for one in old)
        return f"{len(old)} old workers with {held} connections" if old else ""
