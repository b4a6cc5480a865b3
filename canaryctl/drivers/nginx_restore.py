"""When a change did not come into force: the previous configuration again, and the proof of it.

But for a way back: 0 % stays on disk. NGINX accepted it, and if it starts again, or wakes, in an
hour, nobody may be there any more who judges the canary.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from canaryctl.core.errors import (
    CanaryctlError,
    GatewayUnreachable,
    HostError,
    Superseded,
    TrafficUnknown,
    WeightRefused,
)
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.nginx_stage import Stage, failed
from canaryctl.drivers.nginx_survey import complaint
from canaryctl.drivers.template import parse_header
from canaryctl.ports import Absent, Expect, Host, Reload, Remove, Run, Step, Swap, Write

LOST = "the hold on the gateway is lost: somebody else leads it, or has ended this rollout"
_CHANGED = "somebody else changed the weights while this change was being proven"
_LOOK = (
    "look at NGINX itself: does it run, what does its error log say, and is gateway.verify its "
    "published control port? `canaryctl status` asks again, `canaryctl rollback` tries 0 % again"
)


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before the change.

    Attributes:
        text: of the live file; None when there was none.
        generation: that it names; None when it was not canaryctl's.
    """

    text: str | None
    generation: str | None


@dataclass(frozen=True, slots=True)
class Restore:
    """Puts the previous file back."""

    host: Host
    control: Control
    place: Stage
    within: float

    def __call__(self, before: Before, after: Before, weight: Weight, why: str) -> CanaryctlError:
        """Restore and prove; give what is to be raised, ``WeightRefused`` or ``TrafficUnknown``.

        It is ``Superseded`` where somebody else has made a change since: theirs stays.

        Args:
            before: what was there.
            after: what was to be there.
            weight: the canary's, of that.
            why: it is not in force.
        """
        if (complains := self._complaint()) and complains not in why:
            why = f"{why}; NGINX says: {complains}"
        try:
            if weight == Weight.ZERO and _with_traffic(before.text):
                return self._kept(after, why)
            on_disk = self._put_back(before, after)
            if before.generation is None:
                return TrafficUnknown(
                    f"{weight} % was not proven ({why}); {on_disk}, but it has no generation that "
                    "NGINX could answer with",
                    next_step=_LOOK,
                )
            self.control.prove(before.generation, self.within)
        except Superseded as error:
            return error
        except (GatewayUnreachable, HostError) as error:
            return TrafficUnknown(
                f"{weight} % was not proven ({why}), and neither was the configuration before it: "
                f"{error}",
                next_step=_LOOK,
            )
        return WeightRefused(
            f"{weight} % did not come into force ({why}); the previous configuration "
            f"(generation {before.generation}) is in force, proven",
            next_step="look at NGINX's error log for the reason",
        )

    def _kept(self, after: Before, why: str) -> CanaryctlError:
        """Leave 0 % on disk."""
        if self.host.read(self.place.live) != after.text:
            return Superseded(_CHANGED)
        return TrafficUnknown(
            f"0 % was not proven ({why}); it stays on disk, for NGINX to load when it can",
            next_step=_LOOK,
        )

    def _complaint(self) -> str:
        """Ask NGINX what it has against the configuration as it now is: a reload tells nobody."""
        with contextlib.suppress(HostError):
            tested = self.host.perform([Run(("-t", "-q"))])
            if tested.completed == 0:
                return complaint(tested.output)
        return ""

    def _put_back(self, before: Before, after: Before) -> str:
        """Restore what is on disk and have it loaded; says in words what is there now.

        This process may have been asleep for long: what is there must still be its own change.
        """
        there = self.host.read(self.place.live)
        if there not in (before.text, after.text):
            raise Superseded(_CHANGED)
        if before.text is None:
            self._done(self.place.locked(there, Remove(self.place.live)))
            self.host.perform([Reload()])
            return "the file, which is new here, was taken away again"
        tested = self.host.perform(self.place.written(before.text))
        broken = tested.completed < len(self.place.written(before.text))
        if broken and self.host.perform([Run(("-t", "-q"))]).completed == 1:
            # A server that the previous text names is gone, say. NGINX would not start with it.
            self.host.perform(self.place.cleaned())
            raise HostError(
                f"it is not put back on disk, since NGINX refuses it: {complaint(tested.output)}; "
                "the new one stays there"
            )
        swap = self.place.locked(there, Swap(self.place.staged, self.place.live))
        self._done([Write(self.place.staged, before.text), *swap])
        self.host.perform([Reload()])
        self.host.perform(self.place.cleaned())
        return "the file that was there is back"

    def _done(self, steps: list[Step]) -> None:
        done = self.host.perform(steps)
        step = failed(steps, done)
        if isinstance(step, Expect | Absent):
            self.host.perform(self.place.cleaned())
            raise Superseded(LOST if step in self.place.fence else _CHANGED)
        if step is not None:
            raise HostError(f"{self.place.live} could not be restored: {done.output.strip()}")


def _with_traffic(text: str | None) -> bool:
    """Tell whether a file is canaryctl's and gives the canary a part."""
    state = parse_header(text)
    return state is not None and state.get("weight") != str(Weight.ZERO)
