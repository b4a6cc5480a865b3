"""The machine gone: orchestrator and guard end together, the gateway's own guard acts.

    python -m tests.chaos.machine_gone --n 50 --seed 1

Both are killed at a random moment of a rollout under load. A `canaryctl guard` beside NGINX has
0 % proven within the lease and 2 s more, measured from the kill.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.drivers.lock import SHARED
from tests.chaos import safe
from tests.chaos.figures import busy, rows, spread, tell
from tests.chaos.kills import clients, ended_load
from tests.chaos.running import ChaosError, Event, Running, eventually, guards
from tests.chaos.world import World, world

LEASE = 2.0
GRACE = 2.0
PLAN: dict[str, Any] = {"stages": [5, 100], "observe": "3s", "interval": "500ms"}
POINTS = ("taken", "first", "second", "observing")


@dataclass
class Gone:
    """Ends whole machines, in one world.

    Attributes:
        seconds: by the weight in force at the kill: until 0 % and the gateway free.
    """

    w: World
    chance: random.Random
    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        gateway = {"lease": f"{LEASE:g}s", "drain_within": "0s"}
        self.config = self.w.config(plan=PLAN, gateway=gateway)
        self.lease = Path(f"{self.w.site.live}.lease")
        self.token = self.w.build(self.config).locks.token
        # A machine of its own: what must be gone is told from it by the state directory.
        self.service = self.w.guard_service(
            self.config, CANARYCTL_STATE_DIR=str(self.w.site.base / "service")
        )

    def one(self) -> None:
        """End one machine."""
        rollout = self.w.rollout(self.config)
        rollout.seen(_reached(self.chance.choice(POINTS)), within=20)
        time.sleep(self.chance.uniform(0, 0.8))
        before = self.w.site.weight() or "?"
        self._killed(rollout)
        began = time.monotonic()
        held = self.lease.exists()
        try:
            eventually(self._free, "0 % and the gateway free", LEASE + GRACE + 10)
        except ChaosError as error:
            self.wrong.append(f"at {before} %: {error}")
            return
        took = time.monotonic() - began
        self.seconds.setdefault(f"at {before} %" if held else "not held", []).append(took)
        if took > LEASE + GRACE:
            self.wrong.append(f"at {before} %: only after {took:.2f} s")
        site = self.w.site
        self.wrong += [
            *safe.nginx_wrong(site),
            *safe.left_behind(site),
            *safe.still_running(site),
            *safe.still_locked(site, self.token, SHARED),
        ]
        self.w.started.remove(rollout)

    def _killed(self, rollout: Running) -> None:
        """Kill both, the guard first: a few microseconds apart."""
        for pid in guards(parent=rollout.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        rollout.send(signal.SIGKILL)
        rollout.process.wait()
        # One that was only being started, or that was replaced in between, is the machine's too.
        for pid in guards(state=self.w.site.state):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _free(self) -> bool:
        return self.w.site.weight() == safe.ZERO and not self.lease.exists()

    def run(self, count: int) -> None:
        """End so many."""
        for number in range(count):
            self.one()
            if (number + 1) % 10 == 0:
                tell(f"{number + 1:4} machines gone, {len(self.wrong)} wrong")
        if self.service.code is not None:
            self.wrong.append(f"the guard's service ended with {self.service.code}")


def _reached(point: str) -> Callable[[Event], bool]:
    """Tell which event shows that a rollout is at this point."""
    proven: list[float] = []

    def reached(event: Event) -> bool:
        if event.get("status") == "proven":
            proven.append(event["weight"])
        if point == "observing":
            return event.get("event") == "evaluation"
        return len(proven) > POINTS.index(point)

    return reached


def main(argv: list[str]) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.machine_gone", description=__doc__)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    tell(f"{given.n} machines gone, seed {given.seed}, lease {LEASE:g} s")
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), rate=100) as w:
        gone = Gone(w, random.Random(given.seed))  # noqa: S311
        gone.run(given.n)
        rows(sorted(gone.seconds.items()))
        every = [one for some in gone.seconds.values() for one in some]
        tell(f"machine gone, lease {LEASE:g} s: {spread(every)}")
        tell(f"  wrong: {len(gone.wrong)}; {clients([ended_load(w)])}; {busy()}")
        for said in gone.wrong[:5]:
            tell(f"  wrong: {said}")
    return int(bool(gone.wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
