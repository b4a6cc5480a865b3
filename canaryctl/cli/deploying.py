"""``rollout --deploy``: the canary comes up before the rollout, and goes if that went back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from canaryctl.cli.context import Output
from canaryctl.deploying.canary import CanaryDeployment
from canaryctl.deploying.failed import DeployFailed, Stopped

if TYPE_CHECKING:
    from canaryctl.core.errors import CanaryctlError
    from canaryctl.core.state import State
    from canaryctl.drivers.tenure import GatewayTenure
    from canaryctl.listeners.step_lines import StepLines
    from canaryctl.ports import Mark
    from canaryctl.wiring import Build


@dataclass(slots=True)
class Deploying:
    """A rollout's deployment, with the lease that it is done under.

    Attributes:
        canary: does it.
        build: the gateway, and the journal's subject.
        mark: whose rollout it is.
        tenure: the hold on the gateway; taken here, kept through the rollout.
        stopped: gives who asked to stop, None while nobody has.
        lines: who is told.
    """

    canary: CanaryDeployment
    build: Build
    mark: Mark
    tenure: GatewayTenure
    stopped: Callable[[], str | None]
    lines: StepLines
    _deployed: bool = field(default=False, init=False)

    def begin(self) -> None:
        """Take the gateway, and bring the canary up.

        Raises:
            GatewayHeld: somebody else holds it; nothing was touched.
            DeployFailed: the canary did not come up; it is stopped, the gateway is free again.
        """
        release, side = self.canary.release, self.canary.bring_up.side
        project = side.compose.project.name
        names = ", ".join(side.services)
        self.lines.say(f"Deploying {self.build.config.service} {release}: {names} of {project}")
        self.tenure.take()
        try:
            self.canary.begin(self._tick)
        except BaseException as error:
            if isinstance(error, DeployFailed):
                self._record("deploy failed", str(error))
                again = f"`canaryctl rollout --version {release} --deploy`"
                mend = "" if isinstance(error, Stopped) else "mend that, then "
                error.next_step = error.next_step or f"no traffic was shifted; {mend}{again}"
            self.tenure.give_back()
            raise
        from canaryctl.listeners.journal_deployed import DEPLOYED

        self._deployed = True
        tested = ", tested" if self.canary.bring_up.smoke is not None else ""
        self._record(DEPLOYED, f"{names} runs {release}: healthy, proven, warmed up{tested}")

    def adopt(self, since: float) -> None:
        """Take over the canary of a rollout that was abandoned: it goes if this one goes back.

        Args:
            since: epoch seconds at which it was brought up; 0: not known.
        """
        from canaryctl.listeners.journal_deployed import DEPLOYED

        self.canary.adopt(since)
        self._deployed = True
        names = ", ".join(self.canary.bring_up.side.services)
        self._record(DEPLOYED, f"{names} runs {self.canary.release} already, taken over")

    def end(self, state: State) -> None:
        """After a rollout that did not succeed: keep the canary's logs, and stop it.

        Only where nobody else holds the gateway now, and 0 % is proven. Never raises for what
        the world does: the outcome stands.
        """
        from canaryctl.core.errors import CanaryctlError
        from canaryctl.core.outcome import Outcome

        ending = state.ending
        if not self._deployed or ending is None or ending.outcome is Outcome.SUCCEEDED:
            return
        names = ", ".join(self.canary.bring_up.side.services)
        if ending.outcome is Outcome.UNKNOWN:
            said = f"{names} runs on: it is not proven that it has no traffic"
            self.lines.note("canary stays", said)
            return
        try:
            self._held_again()
        except CanaryctlError as error:
            self.lines.note("canary stays", f"{names} runs on: {error}")
            return
        if self.canary.take_down(self._quiet):
            self._record("canary down", f"logs in {self.canary.folder}, {names} stopped")

    def _held_again(self) -> None:
        """Make sure of the gateway: a rollback by hand has freed it, and others may have it.

        Raises:
            GatewayHeld: somebody else has.
            HostError: the host cannot be reached.
        """
        from canaryctl.drivers.lease_file import held

        found = self.tenure.file.look()
        if found.lease is None:
            self.tenure.taken = False
        elif not self.tenure.mine():
            raise held(found.lease, found.left)
        self.tenure.take()

    def _tick(self) -> str | None:
        self.tenure.sign(f"deploying {self.canary.release}")
        return self.stopped()

    def _quiet(self) -> None:
        self.tenure.sign("taking the canary down")

    def _record(self, kind: str, said: str) -> None:
        from canaryctl.listeners.journal import Journal

        mark = replace(self.mark, reason=said)
        Journal.record_deed(self.build, kind, mark, {"rollout": self.mark.rollout})


def deploying(
    build: Build,
    mark: Mark,
    tenure: GatewayTenure,
    stopped: Callable[[], str | None],
    output: Output,
) -> Deploying:
    """Bring ``deploy`` to life for one rollout.

    Raises:
        ConfigError: there is no such section.
        HostError: Compose is not installed.
    """
    from canaryctl.cli.sides import bring_up, step_lines
    from canaryctl.deploying.side import sides
    from canaryctl.deploying.teller import Steps

    config = build.config
    deploy = config.deploy
    if deploy is None:
        raise nothing_to_deploy()
    lines = step_lines("deploy", build, output)
    side = sides(config, build.base, build.clock).canary
    canary = CanaryDeployment(
        bring_up=bring_up(build, side, mark.release, Steps(lines, build.clock)),
        router=build.router,
        host=build.host,
        release=mark.release,
        folder=build.base / deploy.logs / mark.rollout,
        drain_within=config.gateway.drain_within,
    )
    return Deploying(canary, build, mark, tenure, stopped, lines)


def nothing_to_deploy() -> CanaryctlError:
    """Say that ``--deploy`` needs its section."""
    from canaryctl.core.errors import ConfigError

    return ConfigError(
        "--deploy: canary.yaml has no `deploy:`, which names the Compose project",
        next_step="see docs/deploy.md, or roll out without --deploy what runs already",
    )
