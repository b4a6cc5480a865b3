"""An owner that sleeps past its lease, and wakes while somebody else leads the gateway."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.core.lease import parse_lease
from canaryctl.drivers.template import parse_header
from tests.chaos.machine import Forked, Machine
from tests.chaos.running import ChaosError, Running, eventually, guards
from tests.chaos.site import RELEASE
from tests.chaos.world import World

LEASE = 2.0
# A process that holds locks and cannot be ended from there is waited for: 3 s for its turn, 2 s
# each for the lease, the change and the giving back.
RETURN_WITHIN = LEASE + 2 + 3 + 3 * 2 + 3
# Longer than the moments that are drawn: it must not have ended.
FIRST: dict[str, Any] = {"stages": [5, 50, 100], "observe": "1500ms", "interval": "200ms"}
SECOND: dict[str, Any] = {"stages": [100], "observe": "1500ms", "interval": "300ms"}
VERB = ("rollout", "--version", RELEASE, "--output", "json")

POINTS = (
    "before the swap of the weights 1",
    "before the swap of the weights 2",
    "before the swap of the weights 3",
    "after the swap of the weights 2",
    "before the lease is staged 2",
    "before the swap of the lease 2",
    "after the swap of the lease 2",
    "before the proof 2",
    "returning, after a look at the lease 1",
    "returning, before the swap of the weights 3",
)
"""Where it stops itself, and at which passing; ``returning``: on the way back to 0 %."""


@dataclass
class Sleeper:
    """Puts owners to sleep, in one world.

    Attributes:
        returned: seconds from each stop until 0 % was in force and the gateway free.
    """

    w: World
    machines: tuple[Machine, Machine]
    chance: random.Random
    returned: list[float] = field(default_factory=list)
    _service: Running | None = None
    _guards: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        gateway = {"lease": f"{LEASE:g}s", "drain_within": "0s"}
        self.first = self.w.config(plan=FIRST, gateway=gateway)
        self.turning = self.w.config(plan={**FIRST, "observe": "30s"}, gateway=gateway)
        # A lock that a sleeper holds is waited for at each renewal, 2 s.
        longer = {**gateway, "lease": "8s"}
        self.second = self.w.config(plan=SECOND, gateway=longer)
        self.lease = Path(f"{self.w.site.live}.lease")

    def one(self, stop: str, *, alone: bool) -> str:
        """Run one case; say what became of the owner.

        Args:
            stop: where it stops; empty: at a random moment.
            alone: its guard lives on, and acts; otherwise the guard's service does.
        """
        if not alone and (self._service is None or self._service.code is not None):
            self._service = self.w.guard_service(self.first)
        turning = stop.startswith("returning, ")
        config = self.turning if turning else self.first
        owner = self.machines[0].start(config, *VERB, stop=stop.removeprefix("returning, "))
        self._asleep(owner, stop, turning=turning, alone=alone)
        began = time.monotonic()
        try:
            eventually(self._free, "0 %, and the gateway free", RETURN_WITHIN)
        except ChaosError as error:
            raise ChaosError(f"{error}; {self._state()}") from None
        self.returned.append(time.monotonic() - began)
        return self._wakes(owner)

    def _asleep(self, owner: Forked, stop: str, *, turning: bool, alone: bool) -> None:
        """Wait until it has stopped, and stop its guard as well."""
        if turning:
            eventually(lambda: owner.proven(5), "5 % proven", 20)
            owner.send(signal.SIGTERM)
        if not stop:
            eventually(self.lease.exists, "the gateway is taken", 20)
            time.sleep(self.chance.uniform(0, 3.5))
            owner.send(signal.SIGSTOP)
        eventually(lambda: owner.stopped() or owner.code is not None, "it sleeps", 20)
        if owner.code is not None:
            raise ChaosError(f"it ended with {owner.code} before it slept: {owner.said[-500:]}")
        self._guards = guards(parent=owner.pid)
        for pid in [] if alone else self._guards:
            os.kill(pid, signal.SIGSTOP)

    def _state(self) -> str:
        lease = self.lease.read_text() if self.lease.exists() else "no lease"
        said = self._service.said()[-600:] if self._service else ""
        return f"{self.w.in_force()}, {lease}, the service said: {said}"

    def _free(self) -> bool:
        return self.w.site.weight() == "0" and not self.lease.exists()

    def _wakes(self, owner: Forked) -> str:
        """Wake it while another one leads; nothing of theirs may change."""
        other = self.machines[1].start(self.second, *VERB)
        eventually(lambda: other.proven(100) or other.code is not None, "another leads", 30)
        if other.code is not None:
            raise ChaosError(f"the second ended with {other.code}: {other.said[-400:]}")
        there, text = self.w.in_force(), self.w.site.live.read_text()
        for pid in self._guards:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        owner.send(signal.SIGCONT)
        until = time.monotonic() + 15.0
        while owner.code is None or other.code is None:
            if time.monotonic() > until:
                raise ChaosError(f"still running: {owner.code} {other.code} {owner.said[-300:]}")
            self._undisturbed(there, text)
            time.sleep(0.01)
        if other.code != 0 or self.w.site.weight() != "100":
            raise ChaosError(f"the second ended with {other.code}: {other.said[-400:]}")
        if owner.code == 0:
            raise ChaosError("the sleeper says that it succeeded")
        eventually(lambda: not guards(parent=owner.pid), "its guard ended", 15)
        self._undisturbed(there, text)
        self.w.set_weight(0)
        said = (owner.events[-1].get("reason") if owner.events else "") or ""
        return f"{self.returned[-1]:5.2f} s, then exit {owner.code:4} {said[:90]}"

    def _undisturbed(self, there: dict[str, str] | None, text: str) -> None:
        """Compare with what the other one left there: in force, on disk, and the lease."""
        if (now := self.w.in_force()) != there and not _same(now, there):
            raise ChaosError(f"what is in force changed: {there} -> {now}")
        if self.w.site.live.read_text() != text:
            raise ChaosError(f"NGINX' file changed: {_differing(text, self.w.site.live)}")
        try:
            found = parse_lease(self.lease.read_text())
        except FileNotFoundError:
            return
        if found is not None and found.lease.rollout != (parse_header(text) or {})["rollout"]:
            raise ChaosError(f"the lease changed: {found.lease}")

    def clear(self) -> None:
        """End what a case that went wrong has left."""
        for machine in self.machines:
            for child in machine.children:
                child.send(signal.SIGKILL)
                with contextlib.suppress(ChaosError):
                    child.end(5)
            for pid in guards(state=machine.home):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.lease.unlink(missing_ok=True)
        self.w.set_weight(0)


def _same(one: dict[str, str] | None, other: dict[str, str] | None) -> bool:
    """Compare what two workers of one configuration answer."""
    if one is None or other is None:
        return False
    return (one["generation"], one["weight"]) == (other["generation"], other["weight"])


def _differing(text: str, path: Path) -> str:
    now = parse_header(path.read_text()) or {}
    return f"{parse_header(text)} -> {now}"
