"""The desk where people ask things of a running rollout: a file beside NGINX's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from canaryctl.core.control import Answer, Desk, Request, parse_desk
from canaryctl.core.errors import HostError
from canaryctl.drivers.nginx_stage import LOCK
from canaryctl.ports import Absent, Expect, Host, Lock, Remove, Step, Swap, Unlock, Write

ENDING = ".control"
TRIES = 5


@dataclass(frozen=True, slots=True)
class ControlFile:
    """The desk of one gateway.

    Attributes:
        host: where NGINX runs.
        live: absolute path of NGINX's file there.
        token: this process' own, for the name of what it stages.
    """

    host: Host
    live: str
    token: str

    @property
    def path(self) -> str:
        """Where it is."""
        return self.live + ENDING

    def read(self) -> Desk:
        """See what was asked and answered.

        Raises:
            HostError: the host cannot be reached.
        """
        return parse_desk(self.host.read(self.path))

    def ask(self, request: Request) -> None:
        """Leave a request.

        Raises:
            HostError: the host cannot be reached, or refuses.
        """
        self._changed(lambda desk: desk.asked(request))

    def withdraw(self, request: Request) -> None:
        """Take a request back. Its answer stays, where it has one by now.

        Raises:
            HostError: the host cannot be reached, or refuses.
        """
        self._changed(lambda desk: desk.withdrawn(request))

    def answer(self, answer: Answer) -> None:
        """Answer a request.

        Raises:
            HostError: the host cannot be reached, or refuses.
        """
        self._changed(lambda desk: desk.answered(answer))

    def _changed(self, change: Callable[[Desk], Desk]) -> None:
        staged = f"{self.path}.{self.token}"
        for _ in range(TRIES):
            before = self.host.read(self.path)
            after = change(parse_desk(before)).text()
            fence: Step = Absent(self.path) if before is None else Expect(self.path, before)
            steps: list[Step] = [
                Lock(self.live + LOCK),
                fence,
                Write(staged, after),
                Swap(staged, self.path),
                Unlock(),
            ]
            done = self.host.perform(steps)
            if done.completed == len(steps):
                return
            if not isinstance(steps[done.completed], Expect | Absent):
                self.host.perform([Remove(staged)])
                raise HostError(f"{self.path} cannot be written: {done.output.strip()}")
        raise HostError(f"{self.path} changes all the time: {TRIES} times in a row")
