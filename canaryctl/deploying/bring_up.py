"""A version comes up: started, healthy, proven to be that version, warm, smoke-tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from canaryctl.core.errors import CanaryctlError, Superseded
from canaryctl.deploying.failed import DeployFailed, Stopped
from canaryctl.deploying.health import Health
from canaryctl.deploying.requests import Requests
from canaryctl.deploying.side import Side, Tick
from canaryctl.deploying.teller import Steps
from canaryctl.deploying.told_version import told
from canaryctl.drivers.compose_containers import Container
from canaryctl.ports import Identified

_T = TypeVar("_T")
Identify = Callable[[], Sequence[Identified]]
"""Asks the version's servers who they are; nothing where none is configured."""
Smoke = Callable[[Tick], str]
"""Runs the smoke suite; says what passed, and raises ``DeployFailed`` when it did not."""


@dataclass(frozen=True, slots=True)
class BringUp:
    """What one side has to pass before it gets traffic.

    Attributes:
        side: whose services.
        requests: asks it past NGINX.
        identify: asks its servers who they are.
        smoke: the suite; None: none is run.
        warm_up: how many requests.
        within: seconds until it has to be healthy.
        steps: who is told.
        patient: a start that has begun is finished, whoever asks to stop: half of one is worse.
    """

    side: Side
    requests: Requests
    identify: Identify
    smoke: Smoke | None
    warm_up: int
    within: float
    steps: Steps
    patient: bool = False

    def __call__(self, release: str, tick: Tick, same_as: Sequence[Container] = ()) -> None:
        """Bring a release up. What is done already is only looked at.

        Args:
            release: such as v0.2.0.
            tick: see ``side.Tick``.
            same_as: containers whose image it has to be; empty: any of that release.

        Raises:
            DeployFailed: a step failed; names it.
        """
        self._start(release, tick)
        self.proven(release, tick, same_as)
        with self.steps.step("warm-up", f"{self.warm_up} requests to {self.side.name}") as step:
            step.said = _as_failure(
                "warm-up", lambda: self.requests.warm_up(self.warm_up, self.within, tick), tick
            )
        _going_on(tick)
        if (smoke := self.smoke) is not None:
            with self.steps.step("smoke test", f"of {self.side.name}") as step:
                step.said = _as_failure("smoke test", lambda: smoke(tick))
            _going_on(tick)

    def proven(self, release: str, tick: Tick, same_as: Sequence[Container] = ()) -> None:
        """Wait until it is healthy, and prove that it is that release; starts nothing.

        Raises:
            DeployFailed: it is not.
        """
        health = Health(self.side, self.requests.probe, self.steps.clock)
        names = ", ".join(self.side.services)
        with self.steps.step("healthy", f"waiting for {names}, {self.within:g} s at most") as step:
            found = _as_failure("healthy", lambda: health.wait(self.within, tick), tick)
            step.said = f"{_listed(found)} healthy; {self.requests.path} answers 2xx"
        _going_on(tick)
        with self.steps.step("version", f"is it {release}?") as step:
            step.said = _as_failure("version", lambda: self._version(found, release, same_as))

    def _start(self, release: str, tick: Tick) -> None:
        side = self.side
        names = ", ".join(side.services)
        if said := side.overridden(release):
            self.steps.teller.note("start", said)
        what = f"{names} at {release} in Compose project {side.compose.project.name}"
        with self.steps.step("start", what) as step:
            _as_failure("start", lambda: side.up(release, self._patient(tick)), self._patient(tick))
            step.said = f"{what}; {side.env.path.name} has {side.variable}={release}"
        _going_on(tick)

    def _patient(self, tick: Tick) -> Tick:
        if not self.patient:
            return tick

        def beat() -> None:
            tick()

        return beat

    def _version(
        self, found: Sequence[Container], release: str, same_as: Sequence[Container]
    ) -> str:
        """Prove the release; gives by what it is proven.

        Raises:
            DeployFailed: it is another one, or another image of it, or that cannot be told.
        """
        asked = self.identify()
        wrong = [one.said for one in asked if one.right is False]
        by_image = [told(one, release) for one in found]
        wrong += [one.said for one in by_image if one.right is False]
        serving = self.side.serving(found)
        if wrong:
            raise DeployFailed("version", "; ".join(wrong))
        _alike(serving, same_as)
        proofs = [one.said for one in asked if one.right]
        proofs += [one.said for one in by_image if one.right]
        if same_as:
            proofs.append(f"the same image as {same_as[0].name}")
        if not proofs:
            raise DeployFailed(
                "version",
                "; ".join(one.said for one in by_image),
                next_step=f"use ${{{self.side.variable}}} in its image's tag, or tell how it is "
                f"asked (versions.{self.side.name}.identity)",
            )
        return "; ".join(proofs)


def _alike(serving: Sequence[Container], same_as: Sequence[Container]) -> None:
    """Make sure that what is to serve is what was judged: a tag can be pushed again.

    Raises:
        DeployFailed: it is another image.
    """
    images = {one.image_id for one in same_as}
    other = [one for one in serving if one.image_id not in images]
    if images and other:
        judged, came = same_as[0], other[0]
        raise DeployFailed(
            "version",
            f"{came.name} runs {came.image} ({came.image_id}); {judged.name}, which was judged, "
            f"runs {judged.image} ({judged.image_id}): no gate has seen the other image",
            next_step="give both services the image that was rolled out, by its digest or a tag "
            "that nobody pushes again",
        )


def _listed(containers: Sequence[Container]) -> str:
    return ", ".join(one.name for one in containers)


def _as_failure(step: str, act: Callable[[], _T], tick: Tick = lambda: None) -> _T:
    """Do it; whatever goes wrong is this step's failure.

    Raises:
        Stopped: somebody asked to stop, and so it ended.
        Superseded: the gateway is somebody else's by now, and so are its containers.
        DeployFailed: it went wrong.
    """
    try:
        return act()
    except (DeployFailed, Superseded):
        raise
    except CanaryctlError as error:
        _going_on(tick)
        raise DeployFailed(step, str(error), next_step=error.next_step) from error


def _going_on(tick: Tick) -> None:
    """Stop between two steps when somebody asked for it.

    Raises:
        Stopped: somebody did.
    """
    if by := tick():
        raise Stopped(str(by))
