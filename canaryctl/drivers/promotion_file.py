"""The record of a promotion: a file beside NGINX's own, changed atomically at the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from canaryctl.core.errors import HostError, Superseded
from canaryctl.core.promotion_record import Record, parse_record
from canaryctl.drivers.nginx_stage import LOCK, LOCK_PATIENCE
from canaryctl.ports import Expect, Host, Lock, Remove, Step, Swap, Unlock, Write

ENDING = ".promotion"


@dataclass(frozen=True, slots=True)
class PromotionFile:
    """The record beside one NGINX' file.

    Attributes:
        host: where NGINX runs.
        live: absolute path of NGINX's file there.
        token: this process' own, for the name of what it stages.
        fence: gives what shows, in the instant of a change, that this process still leads the
            gateway; nothing where a person acts.
    """

    host: Host
    live: str
    token: str
    fence: Callable[[], tuple[Expect, ...]] = tuple

    @property
    def path(self) -> str:
        """Where it is."""
        return self.live + ENDING

    def look(self) -> Record | None:
        """See which promotion is under way here, led by somebody or not.

        Raises:
            HostError: the host cannot be reached.
        """
        return parse_record(self.host.read(self.path))

    def write(self, record: Record) -> None:
        """Put a record in the place of the one before.

        Raises:
            Superseded: the gateway is somebody else's by now; nothing was changed.
            HostError: the host cannot be reached, or refuses.
        """
        staged = f"{self.path}.{self.token}"
        self._changed([Write(staged, record.text())], [Swap(staged, self.path)], staged)

    def clear(self) -> None:
        """Take the record away; none there is fine. Errors as in ``write``."""
        self._changed([], [Remove(self.path)], "")

    def _changed(self, first: list[Step], then: list[Step], staged: str) -> None:
        steps: list[Step] = [
            Lock(self.live + LOCK, LOCK_PATIENCE, needed=False),
            *first,
            *self.fence(),
            *then,
            Unlock(),
        ]
        done = self.host.perform(steps)
        if done.completed == len(steps):
            return
        if staged:
            self.host.perform([Remove(staged)])
        if isinstance(steps[done.completed], Expect):
            raise Superseded("the gateway is somebody else's by now")
        raise HostError(f"{self.path} cannot be written: {done.output.strip()}")
