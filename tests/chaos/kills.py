"""``kill -9`` of the orchestrator at any moment: 0 % is proven within 2 s.

    python -m tests.chaos.kills --n 500 --seed 1

Rollouts run one after the other, under load. Each is killed at a moment drawn from its whole
course, from the process' start on: a point of the course first, all alike, so that the seconds
that Python takes to start do not have most of them; then up to so long after it. Measured is the
time from the kill until NGINX itself answers 0 % by the configuration that stays: a newer
generation than at the kill, or the same one where that was 0 % and nothing came after it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.core.generation import number
from canaryctl.drivers.lock import SHARED
from canaryctl.drivers.template import parse_header
from tests.chaos import safe
from tests.chaos.figures import busy, rows, spread, tell
from tests.chaos.running import ChaosError, Event, Running, guards
from tests.chaos.together import together
from tests.chaos.world import World, world

LIMIT = 2.0
SETTLE_WITHIN = 15.0
PLAN: dict[str, Any] = {"stages": [5, 100], "observe": "300ms", "interval": "150ms"}
# A gate that every request offends: such rollouts turn back, and are killed on their way.
OFFENDED = {
    "name": "requests",
    "kind": "ratio",
    "bad": "http_requests_total",
    "total": "http_requests_total",
    "max": "1%",
    "on_no_data": "pass",
}
# Points of a rollout's course, and the seconds after each from which the moment is drawn.
POINTS = (
    ("start", 2.0),
    ("preflight", 0.8),
    ("taking", 0.8),
    ("taken", 0.4),
    ("first shift", 0.5),
    ("first observed", 0.4),
    ("second shift", 0.5),
    ("second observed", 0.4),
    ("returning", 0.5),
)
TURNING = 0.2
_POLL = 0.005


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        phase: what the rollout did, as its last event told.
        weight: the canary's in force just then, in per cent.
        seconds: until 0 % was in force for good; 0 where nothing was ever shifted.
        wrong: what was not as it must be.
    """

    phase: str
    weight: str
    seconds: float
    wrong: tuple[str, ...]


@dataclass
class Kills:
    """Kills rollouts in one world.

    Attributes:
        ended: rollouts that had ended before their moment; they do not count.
    """

    w: World
    chance: random.Random
    ended: int = 0
    done: list[Kill] = field(default_factory=list)

    def __post_init__(self) -> None:
        gateway = {"drain_within": "0s"}
        self.plain = self.w.config(plan=PLAN, gateway=gateway)
        offended = {**PLAN, "stages": [50, 100]}
        self.offended = self.w.config(plan=offended, gateway=gateway, more={"gates": [OFFENDED]})
        self.token = self.w.build(self.plain).locks.token

    def one(self) -> Kill | None:
        """Start a rollout and kill it; None when it had ended before."""
        point, after = self.chance.choice(POINTS)
        turning = point == "returning" or self.chance.random() < TURNING
        moment = self.chance.uniform(0, after)
        rollout = self.w.rollout(self.offended if turning else self.plain)
        if point != "start":
            rollout.seen(_reached(point), within=20)
        time.sleep(moment)
        if rollout.code is not None:
            self.ended += 1
            rollout.end()
            return None
        kill = self.killed(rollout)
        self.w.started.remove(rollout)
        return kill

    def killed(self, rollout: Running) -> Kill | None:
        """Kill it now, and watch what becomes of the traffic."""
        before = self.w.in_force()
        assert before is not None
        phase = _phase(rollout)
        rollout.send(signal.SIGKILL)
        began = time.monotonic()
        rollout.process.wait()
        try:
            seconds = self._settled(before, began)
        except ChaosError as error:
            return Kill(phase, before["weight"], SETTLE_WITHIN, (str(error),))
        if seconds is None:
            self.ended += 1  # it had given the gateway back: killed on its last steps
            return None
        site = self.w.site
        wrong = [
            *safe.nginx_wrong(site),
            *safe.left_behind(site),
            *safe.still_running(site),
            *safe.still_locked(site, self.token, SHARED),
        ]
        if any("locked" in one for one in wrong):
            wrong.append(_holders())
        if seconds > LIMIT:
            wrong.append(f"0 % only after {seconds:.2f} s")
        return Kill(phase, before["weight"], seconds, tuple(wrong))

    def _settled(self, before: dict[str, str], began: float) -> float | None:
        """Give the seconds until 0 % for good; None: the rollout had succeeded before."""
        seen, since = before, began
        while True:
            asked = time.monotonic()
            now = self.w.in_force()
            if now is not None and now != seen:
                since = asked if now["generation"] != seen["generation"] else since
                seen = now
            if now is not None and self._at_rest(now["generation"]):
                if number(now["generation"]) < number(before["generation"]):
                    raise ChaosError(f"an older generation is in force: {now}, was {before}")
                if now["weight"] == safe.ZERO:
                    return since - began
                if now["weight"] == safe.FULL and before["weight"] == safe.FULL:
                    return None
            if asked > began + SETTLE_WITHIN:
                raise ChaosError(f"not at rest after {SETTLE_WITHIN:g} s: {now}, was {before}")
            time.sleep(_POLL)

    def _at_rest(self, generation: str) -> bool:
        """Tell whether no guard is left that would change anything, and nothing is under way."""
        site = self.w.site
        if guards(state=site.state) or site.text(".lease") is not None:
            return False
        return (parse_header(site.text()) or {}).get("generation") == generation

    def run(self, count: int, *, shown: bool = True) -> None:
        """Kill so many."""
        while len(self.done) < count:
            kill = self.one()
            if self.w.site.weight() != safe.ZERO:
                self.w.set_weight(0)
            if kill is None:
                continue
            self.done.append(kill)
            n = len(self.done)
            if shown and (kill.wrong or n % 25 == 0):
                tell(f"{n:4} {kill.phase:24} {kill.weight:>4} % {kill.seconds:.2f} s {kill.wrong}")


def _holders() -> str:
    """Tell which processes hold locks of files just now."""
    found = re.findall(r"FLOCK\s+\S+\s+\S+\s+(\d+)", Path("/proc/locks").read_text())
    named = []
    for pid in set(found):
        with contextlib.suppress(OSError):
            said = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            named.append(f"{pid} {said.decode(errors='replace')[:100]}")
    return f"holders: {named}"


def _reached(point: str) -> Callable[[Event], bool]:
    """Tell which event shows that a rollout is at this point."""
    seen: Counter[str] = Counter()

    def reached(event: Event) -> bool:
        kind = str(event.get("status") or event.get("event"))
        seen[kind] += 1
        wanted = {
            "preflight": ("started", 1),
            "taking": ("announced", 1),
            "taken": ("proven", 1),
            "first shift": ("announced", 2),
            "first observed": ("proven", 2),
            "second shift": ("announced", 3),
            "second observed": ("proven", 3),
        }
        if point == "returning":
            return kind == "announced" and event["weight"] == 0 and seen["proven"] > 1
        return (kind, seen[kind]) == wanted[point]

    return reached


def _phase(rollout: Running) -> str:
    """Name what it does, by what it told last."""
    if not rollout.events:
        return "starting"
    if any(event.get("event") == "outcome" for event in rollout.events):
        return "ended"
    last = [event for event in rollout.events if event.get("event") == "weight"]
    if not last:
        return "preflight"
    event = last[-1]
    if event["status"] == "announced":
        back = any(one["weight"] > event["weight"] for one in last)
        return "returning" if back else f"shifting to {event['weight']:g} %"
    return f"observing {event['weight']:g} %"


def tell_all(kills: Kills, lost: str) -> int:
    """Show the figures; gives how many kills went wrong."""
    by_phase: dict[str, list[float]] = defaultdict(list)
    for kill in kills.done:
        by_phase[kill.phase].append(kill.seconds)
    shifted = [kill.seconds for kill in kills.done if kill.seconds > 0]
    wrong = [kill for kill in kills.done if kill.wrong]
    tell(f"kill -9 of the orchestrator: {len(kills.done)} ({kills.ended} had ended before)")
    rows(sorted(by_phase.items()))
    tell(f"  where a change came after it:  {spread(shifted)}")
    tell(f"  wrong: {len(wrong)}; {lost}; {busy()}")
    return len(wrong)


def main(argv: list[str]) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills", description=__doc__)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument("--jobs", type=int, default=2, help="worlds at once")
    given = parser.parse_args(argv)
    tell(f"{given.n} kills, seed {given.seed}, {given.jobs} worlds at once")

    def some(number: int, share: int) -> tuple[Kills, dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder, world(Path(folder), rate=given.rate) as w:
            kills = Kills(w, random.Random(given.seed + number))  # noqa: S311
            kills.run(share)
            return kills, ended_load(w)

    done = together(given.n, given.jobs, some)
    every, reports = done[0][0], [report for _, report in done]
    for kills, _ in done[1:]:
        every.done += kills.done
        every.ended += kills.ended
    return int(tell_all(every, clients(reports)) > 0)


def clients(reports: Sequence[dict[str, Any]]) -> str:
    """Tell what clients saw."""
    sent, lost = (sum(report[name] for report in reports) for name in ("sent", "lost"))
    why = [report["lost_because"] for report in reports if report["lost_because"]]
    return f"requests: {sent} sent, {lost} lost {why or ''}"


def ended_load(w: World) -> dict[str, Any]:
    """End the load; give its report."""
    w.site.stop("load")
    newest = max(w.site.base.glob("load-*.json"), key=lambda one: one.stat().st_mtime)
    report: dict[str, Any] = json.loads(newest.read_text())
    return report


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
