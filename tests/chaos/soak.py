"""Rollouts back to back with random faults, under traffic: what lives long may not grow.

    python -m tests.chaos.soak --n 500 --seed 1

Each fault has the ends that it may have. Requests are counted by their clients; only those in
flight to an NGINX that is killed may be lost. Watched are the guard's service and NGINX' master
(memory, descriptors), the files at the gateway, the locks, and the journal's size.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.drivers.lock import SHARED
from tests.chaos import safe
from tests.chaos.figures import busy, spread, tell
from tests.chaos.growth import Growth, grown, shutting_down
from tests.chaos.kills import ended_load
from tests.chaos.machine import Forked, Machine
from tests.chaos.running import ChaosError, eventually, guards
from tests.chaos.soak_faults import HAPPENINGS, ROLLOUT, Happening, Stage
from tests.chaos.together import together
from tests.chaos.two_machines import two
from tests.chaos.world import World, world

SAFE_WITHIN = 5.0
DRAINED = 30.0  # more than any worker_shutdown_timeout here


@dataclass
class Soak:
    """Rollouts back to back.

    Attributes:
        ends: exit codes by happening.
        excused: requests lost while an NGINX with requests in flight was killed.
    """

    w: World
    machines: tuple[Machine, Machine]
    chance: random.Random
    ends: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    excused: int = 0
    growth: list[Growth] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Stage(self.w, *self.machines, self.chance)
        self.service = self.w.guard_service(
            self.stage.long, CANARYCTL_STATE_DIR=str(self.w.site.base / "service")
        )
        self.token = self.w.build(self.stage.long).locks.token

    def one(self, number: int, happening: Happening) -> None:
        """Run one rollout."""
        lost = self._lost() if happening.kills else 0
        before = self.w.site.weight() or safe.ZERO
        began = time.monotonic()
        rollout = self.machines[0].start(happening.config(self.stage), *ROLLOUT)
        try:
            happening.act(self.stage, rollout)
            code = rollout.end(40)
            if code not in happening.ends:
                raise ChaosError(f"it ended with {code}")  # noqa: TRY301  as any other complaint
            self._safe(code, _may_keep(rollout, before))
            self.ends[happening.name][code] += 1
        except (ChaosError, AssertionError, OSError) as error:
            said = rollout.said[-700:]
            self.wrong.append(f"{number} {happening.name}: {error} (it said: {said})")
            tell(f"WRONG {self.wrong[-1]}")
            self._recovered()
        self.seconds[happening.name].append(time.monotonic() - began)
        if happening.kills:
            self.excused += self._lost() - lost

    def _safe(self, code: int, before: str) -> None:
        deadline = time.monotonic() + SAFE_WITHIN
        while found := self._complaints(code, before):
            if time.monotonic() > deadline:
                raise ChaosError(f"exit {code}: {'; '.join(found)}")
            time.sleep(0.05)

    def _complaints(self, code: int, before: str) -> list[str]:
        site, home = self.w.site, self.machines[0].home
        unchanged = code < 0 and site.weight() == before
        weight = [] if unchanged else safe.weight_wrong(site, code, before=before)
        running = [f"guard {pid} still runs" for pid in guards(state=home)]
        return running or [
            *weight,
            *safe.nginx_wrong(site),
            *safe.left_behind(site),
            *safe.still_locked(site, self.token, Path(self.machines[0].locks)),
        ]

    def _recovered(self) -> None:
        """Have all parts again after a case that went wrong."""
        for relay in self.stage.relays:
            relay.broken = False
        for machine in self.machines:
            machine.clear()
        site = self.w.site
        site.start_service("canary")
        site.start_nginx()
        site.remove(".lease")
        self.w.set_weight(0)

    def _lost(self) -> int:
        """Give how many requests the clients have lost up to now."""
        report = self.w.site.base / "load-1.json"
        now = time.time()
        eventually(lambda: report.stat().st_mtime > now, "the clients' report", 5)
        said: dict[str, Any] = json.loads(report.read_text())
        return int(said["lost"])

    def look(self, done: int) -> None:
        """Measure what lives long."""
        pids = {"guard service": self.service.pid, "NGINX master": self.w.site.pid("nginx")}
        # The master has two descriptors for each worker, also for those that are about to end.
        eventually(
            lambda: not shutting_down(self.w.site.pid("nginx")), "no old worker is left", DRAINED
        )
        site = self.w.site
        places = {
            "conf.d": site.base / "conf.d",
            "locks": Path(self.machines[0].locks),
            "journal": self.machines[0].home,
        }
        self.growth.append(Growth.of(done, pids, places))

    def run(self, count: int) -> None:
        """Run so many; each happening comes about as often as any other."""
        every = max(1, min(25, count // 4))
        queue: list[Happening] = []
        for number in range(count):
            if number % every == 0:
                self.look(number)
                tell(f"{number:4} rollouts, {len(self.wrong)} wrong; {self.growth[-1].said()}")
            if not queue:
                queue = self.chance.sample(HAPPENINGS, len(HAPPENINGS))
            self.one(number, queue.pop())
        self.look(count)
        if self.service.code is not None:
            self.wrong.append(f"the guard's service ended with {self.service.code}")
        self.stage.close()


def _may_keep(rollout: Forked, before: str) -> str:
    """Give the weight, other than 0 %, that a rollout may leave in force."""
    if rollout.code is not None and rollout.code >= 0:
        return before
    if rollout.proven(100):
        # Killed on its last steps, with the gateway given back: it had succeeded.
        return safe.FULL
    # Killed before it led the gateway, it has changed nothing.
    return safe.ZERO if rollout.proven(0) else before


def told(soak: Soak, report: dict[str, Any]) -> int:
    """Show the figures of one world; gives how many things were wrong."""
    count = soak.growth[-1].done
    unexcused = report["lost"] - soak.excused
    tell(f"a world: {count} rollouts, {len(soak.wrong)} wrong ends")
    for name, codes in soak.ends.items():
        tell(f"  {name:18} exits {dict(sorted(codes.items()))}; {spread(soak.seconds[name])}")
    tell(
        f"  requests: {report['sent']} sent, {report['lost']} lost, of these {soak.excused} in "
        f"flight to an NGINX that was killed; {report['lost_because'] or ''}; "
        f"answers {report['statuses']}"
    )
    first, last = soak.growth[len(soak.growth) // 5], soak.growth[-1]
    tell(f"  after {first.done:4}: {first.said()}")
    tell(f"  after {last.done:4}: {last.said()}")
    journal = soak.growth[-1].sizes["journal"] - soak.growth[0].sizes["journal"]
    tell(f"  the journal: {journal / count / 1000:.1f} kB a rollout")
    wrong = [*soak.wrong, *grown(first, last)]
    if unexcused:
        wrong.append(f"{unexcused} requests were lost that nothing excuses")
    for said in wrong[:10]:
        tell(f"  wrong: {said}")
    return len(wrong)


def main(argv: list[str]) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="worlds at once")
    given = parser.parse_args(argv)
    if os.geteuid() != 0:
        tell("left out: a machine of its own takes root")
        return 0
    tell(f"{given.n} rollouts, seed {given.seed}, {given.jobs} worlds at once; locks in {SHARED}")

    def some(number: int, share: int) -> tuple[Soak, dict[str, Any]]:
        with (
            tempfile.TemporaryDirectory() as folder,
            world(Path(folder), rate=100) as w,
            two(w) as machines,
        ):
            soak = Soak(w, machines, random.Random(given.seed + number))  # noqa: S311
            soak.run(share)
            return soak, ended_load(w)

    wrong = [told(*one) for one in together(given.n, given.jobs, some)]
    tell(f"soak: {given.n} rollouts in {given.jobs} worlds, {sum(wrong)} things wrong; {busy()}")
    return int(sum(wrong) > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
