"""The canary gets into its project before a rollout, and out of it after one that went back.

Its containers are touched only while NGINX itself answers 0 %: what is under way in a canary that
has traffic would be lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from canaryctl.core.errors import CanaryctlError, HostError
from canaryctl.core.weight import Weight
from canaryctl.deploying.bring_up import BringUp
from canaryctl.deploying.collect import collect, shown
from canaryctl.deploying.failed import DeployFailed, Stopped
from canaryctl.deploying.side import Tick
from canaryctl.ports import Host, Router

_LOOK_EVERY = 0.5
_EARLIER = 60.0
"""Seconds before the deployment from which on logs are kept: clocks of engines differ."""


@dataclass(slots=True)
class CanaryDeployment:
    """One rollout's.

    Attributes:
        bring_up: what the canary has to pass.
        router: proves that it has no traffic.
        host: where NGINX runs; its workers are looked at.
        release: such as v0.2.0.
        folder: where its logs are kept if it is thrown back; a new one.
        drain_within: seconds for which old workers are waited for; 0: not at all.
    """

    bring_up: BringUp
    router: Router
    host: Host
    release: str
    folder: Path
    drain_within: float
    _began: float | None = field(default=None, init=False)

    def begin(self, tick: Tick) -> None:
        """Bring it up; where that fails, its logs are kept and it is stopped again.

        Raises:
            DeployFailed: it did not come up, or it has traffic; nothing was shifted.
            Superseded: the gateway is somebody else's by now.
        """
        with self.bring_up.steps.step("gateway", "has the canary no traffic?") as step:
            step.said = self._without_traffic()
            step.said += self._drained(tick)
        self._began = self.bring_up.steps.clock.now()
        try:
            self.bring_up(self.release, tick)
        except DeployFailed:
            self.take_down(lambda: None)
            raise

    def adopt(self, since: float) -> None:
        """Take over what an earlier rollout of this release has brought up.

        Args:
            since: epoch seconds from which on its logs count; 0: all of them.
        """
        self._began = since

    def take_down(self, tick: Tick) -> bool:
        """Keep its logs and stop it, if it provably has no traffic. Never raises; says all.

        Tells whether it is stopped.

        Args:
            tick: see ``side.Tick``.
        """
        steps, side = self.bring_up.steps, self.bring_up.side
        names = ", ".join(side.services)
        try:
            self._without_traffic()
        except CanaryctlError as error:
            steps.teller.note("canary stays", f"{names} runs on: {error}")
            return False
        began = steps.clock.now() if self._began is None else self._began
        try:
            with steps.step("logs", f"collecting those of {names}") as step:
                collected = collect(side, self.folder, max(0.0, began - _EARLIER))
                step.said = f"{len(collected.files)} of them in {self.folder}, with a summary"
            for line in shown(collected):
                steps.teller.note("logs", line)
        except CanaryctlError:
            pass  # said by the step; what has no traffic is stopped all the same
        try:
            with steps.step("stop", names) as step:
                side.stop(tick)
                step.said = f"{names} stopped"
        except CanaryctlError:
            return False
        return True

    def _without_traffic(self) -> str:
        """Have NGINX say that the canary gets nothing; gives its words.

        Raises:
            DeployFailed: it gets something, or that cannot be told.
        """
        try:
            seen = self.router.look()
        except HostError as error:
            raise DeployFailed("gateway", str(error), next_step=error.next_step) from error
        if seen.generation is None or seen.weight is None:
            fresh = seen.on_disk is None
            raise DeployFailed(
                "gateway",
                f"it is not proven that the canary has no traffic: {seen.problem}",
                next_step="`canaryctl weights set 0` brings a new gateway into force"
                if fresh
                else "`canaryctl rollback` proves 0 %",
            )
        if seen.weight != Weight.ZERO:
            release = f" ({seen.mark.release})" if seen.mark and seen.mark.release else ""
            raise DeployFailed(
                "gateway",
                f"the canary{release} has {seen.weight} % of the traffic: what is under way in "
                "it would be lost",
                next_step="`canaryctl promote --version …` makes it the stable version, "
                "`canaryctl rollback` takes its traffic away",
            )
        if seen.generation != seen.on_disk:
            raise DeployFailed(
                "gateway",
                f"generation {seen.on_disk} is on disk, {seen.generation} is in force",
                next_step="`canaryctl recover` brings the gateway into a proven state",
            )
        return f"0 % canary, as NGINX answers (generation {seen.generation})"

    def _drained(self, tick: Tick) -> str:
        """Wait for workers that still serve by older weights; says what is left of them.

        Raises:
            Stopped: somebody asked to stop.
        """
        clock = self.bring_up.steps.clock
        until = clock.now() + self.drain_within
        while self.drain_within:
            try:
                old = [one for one in self.host.workers() if one.old]
            except HostError as error:
                return f"; old workers could not be looked at: {error}"
            if not old:
                return ""
            if by := tick():  # what they still serve may be the canary's
                raise Stopped(str(by))
            if clock.now() >= until:
                held = sum(one.connections or 0 for one in old)
                return (
                    f"; {len(old)} old workers with {held} connections are left after "
                    f"{self.drain_within:g} s: what of them is the canary's ends with it"
                )
            clock.sleep(_LOOK_EVERY)
        return ""
