"""Two machines, one gateway: one owner, and who sleeps past its lease changes nothing.

    python -m tests.chaos.two_machines --races 200 --sleepers 20 --seed 1

Each machine has its own host name, home, journal and directory of locks, so only what lies at
the gateway decides. A race: both begin at the same instant; one leads, the other ends with 5 and
says who does. A sleeper: an owner is stopped, loses the gateway, and wakes while another leads.
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
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import safe
from tests.chaos.figures import busy, spread, tell
from tests.chaos.machine import Forked, Machine
from tests.chaos.running import ChaosError, eventually
from tests.chaos.site import RELEASE
from tests.chaos.sleeper import POINTS, Sleeper
from tests.chaos.world import World, world

LONG: dict[str, Any] = {"stages": [5, 100], "observe": "20s", "interval": "500ms"}
HELD, ABORTED = 5, 130


@dataclass
class Races:
    """Races of two machines.

    Attributes:
        won: how often each machine did.
        apart: seconds between the two decisions.
    """

    w: World
    machines: tuple[Machine, Machine]
    won: Counter[str] = field(default_factory=Counter)
    apart: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = self.w.config(plan=LONG, gateway={"lease": "20s", "drain_within": "0s"})

    def one(self) -> None:
        """Run one race and end its winner."""
        began = time.monotonic() + 0.15
        verb = ("rollout", "--version", RELEASE, "--output", "json")
        both = [one.start(self.config, *verb, at=began) for one in self.machines]
        try:
            self._decided(both)
        except ChaosError as error:
            self.wrong.append(f"{error}: {[(one.code, one.said[-300:]) for one in both]}")
            for one in both:
                one.send(signal.SIGKILL)
                one.end()
        eventually(lambda: not self._held(), "the gateway was given back", 15)

    def _held(self) -> bool:
        return Path(f"{self.w.site.live}.lease").exists()

    def _decided(self, both: list[Forked]) -> None:
        at: dict[int, float] = {}

        def decided() -> bool:
            for one in both:
                if one.code is not None or one.proven(0):
                    at.setdefault(one.pid, time.monotonic())
            return len(at) == len(both)

        eventually(decided, "both have decided", 30)
        losers = [one for one in both if one.code is not None]
        winners = [one for one in both if one.code is None]
        if len(winners) != 1 or losers[0].code != HELD:
            raise ChaosError(f"{len(winners)} lead the gateway")
        number = both.index(winners[0])
        name = self.machines[number].name
        holder = f"@{name}:{winners[0].pid}"
        outcome = losers[0].events[-1]
        if holder not in str(outcome.get("reason")) or holder not in losers[0].said:
            raise ChaosError(f"it does not say that {holder} holds it: {outcome}")
        self.won[name] += 1
        self.apart.append(max(at.values()) - min(at.values()))
        winners[0].send(signal.SIGTERM)
        code = winners[0].end()
        if code != ABORTED or self.w.site.weight() != safe.ZERO:
            raise ChaosError(f"the winner ended with {code} at {self.w.site.weight()} %")


@contextlib.contextmanager
def two(w: World) -> Iterator[tuple[Machine, Machine]]:
    """Start two machines."""
    with Machine("east", w.site.base) as east, Machine("west", w.site.base) as west:
        yield east, west


def races(w: World, count: int, machines: tuple[Machine, Machine]) -> list[str]:
    """Run so many; show the figures, and give what went wrong."""
    ran = Races(w, machines)
    for number in range(count):
        ran.one()
        if (number + 1) % 25 == 0:
            tell(f"{number + 1:4} races, won by {dict(ran.won)}, {len(ran.wrong)} wrong")
    tell(f"two machines at the same instant: {count} races, won by {dict(ran.won)}")
    tell(f"  one runs, the other ends with 5 and says who: {sum(ran.won.values())} of {count}")
    tell(f"  between the two decisions: {spread(ran.apart)}; {busy()}")
    for said in ran.wrong[:5]:
        tell(f"  wrong: {said}")
    return ran.wrong


def sleepers(
    w: World,
    count: int,
    chance: random.Random,
    machines: tuple[Machine, Machine],
    points: tuple[str, ...] = POINTS,
) -> list[str]:
    """Put owners to sleep: so many at random moments, then one at each point of ``points``."""
    wrong: list[str] = []
    sleeper = Sleeper(w, machines, chance)
    for number, stop in enumerate([*[""] * count, *points]):
        # In turn only the owner sleeps, or its guard with it: the guard's service acts then.
        for alone in [number % 2 == 0] if not stop else [True, False]:
            try:
                said = sleeper.one(stop, alone=alone)
            except ChaosError as error:
                wrong.append(f"{stop or 'at random'} ({'alone' if alone else 'both'}): {error}")
                said = f"WRONG: {error}"
                sleeper.clear()
            tell(f"  {stop or 'at random':38} {'owner' if alone else 'owner, guard':12} {said}")
    tell(f"owners that slept past their lease: {len(sleeper.returned)} woke, {len(wrong)} wrong")
    tell(f"  from the stop until 0 % and the gateway free: {spread(sleeper.returned)}; {busy()}")
    return wrong


def main(argv: list[str]) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.two_machines", description=__doc__)
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument("--sleepers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    tell(f"seed {given.seed}")
    if os.geteuid() != 0:
        tell("left out: a machine of its own takes root")
        return 0
    with (
        tempfile.TemporaryDirectory() as folder,
        world(Path(folder), rate=50) as w,
        two(w) as machines,
    ):
        wrong = races(w, given.races, machines)
        chance = random.Random(given.seed)  # noqa: S311
        wrong += sleepers(w, given.sleepers, chance, machines)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
