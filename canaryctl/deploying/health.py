"""Waiting until a version's containers are healthy and answer; what cannot become so ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from canaryctl.core.errors import HostError
from canaryctl.deploying.failed import DeployFailed, Stopped
from canaryctl.deploying.side import Side, Tick
from canaryctl.drivers.compose_containers import Container
from canaryctl.ports import Clock

STEP = "healthy"
_LOOK_EVERY = 0.25

Probe = Callable[[], str]
"""Asks the version for its health path; empty: 2xx, else what is wrong."""


@dataclass(slots=True)
class Health:
    """Looks at one side until it is well.

    Attributes:
        side: whose.
        probe: asks it.
        clock: for the bound.
    """

    side: Side
    probe: Probe
    clock: Clock
    _restarts: dict[str, int] = field(default_factory=dict, init=False)

    def wait(self, within: float, tick: Tick) -> tuple[Container, ...]:
        """Wait until every container is well and the service answers; gives the containers.

        Args:
            within: seconds.
            tick: see ``side.Tick``.

        Raises:
            DeployFailed: one has ended or is started again and again (told at once, with its
                exit code and last lines); or not within the time, with what was missing.
            Stopped: somebody asked to stop.
            HostError: the engine does not answer.
        """
        until = self.clock.now() + within
        while True:
            found = self.side.look()
            missing = self._missing(found)
            if not missing and not (missing := self.probe()):
                return found
            if by := tick():
                raise Stopped(str(by))
            if self.clock.now() >= until:
                said = self._said(self.side.serving(found))
                raise DeployFailed(STEP, f"not within {within:g} s: {missing}{said}")
            self.clock.sleep(_LOOK_EVERY)

    def well(self) -> str:
        """Look once; empty: it is well, else what is wrong."""
        try:
            return self._missing(self.side.look()) or self.probe()
        except (HostError, DeployFailed) as error:
            return str(error)

    def _missing(self, found: Sequence[Container]) -> str:
        """Say what is not well yet; empty: all is.

        Raises:
            DeployFailed: one will not come to be well by waiting.
        """
        for one in found:
            self._gone(one)
        there = {one.service for one in found}
        if absent := [one for one in self.side.services if one not in there]:
            return f"no container of {', '.join(absent)}"
        for one in found:
            if one.status != "running":
                return f"{one.name} is {one.status}"
            if one.health not in ("", "healthy"):
                more = f": {one.health_said}" if one.health_said else ""
                return f"{one.name}'s health check says {one.health}{more}"
        return ""

    def _gone(self, one: Container) -> None:
        before = self._restarts.setdefault(one.id, one.restarts)
        if not one.ended and one.restarts <= before:
            return
        how = one.ended or f"was restarted {one.restarts - before} times"
        raise DeployFailed(STEP, f"{one.name} {how}{self._said([one])}")

    def _said(self, containers: Sequence[Container]) -> str:
        for one in containers:
            try:
                said = self.side.containers.last_lines(one)
            except HostError:
                continue
            if said:
                return f"; it said last: {said}"
        return ""


def images(containers: Sequence[Container]) -> Mapping[str, str]:
    """Give the image id of each container, by its name."""
    return {one.name: one.image_id for one in containers}
