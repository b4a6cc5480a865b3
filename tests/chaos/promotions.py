"""``kill -9`` of `promote` at any moment, then run again: promoted, and no request is lost.

    python -m tests.chaos.promotions --n 50 --seed 1

One stack of ``compose/`` under load. Again and again the other release is rolled out with
``--deploy``, and promoted; the promotion is killed at a moment drawn from its whole course: a point
first, all alike, then up to so long after it. Then it is run again, to its end.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.demo.processes import Child
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.docker_connect import connect
from tests.chaos.figures import busy, spread, tell
from tests.e2e.compose_world import RELEASES, ComposeWorld, compose_world
from tests.e2e.harness import Ended, Running, Seen, Tool, eventually

# Points of a promotion's course, and the seconds after each from which the moment is drawn.
POINTS = (
    ("process", 2.0),
    ("watch", 2.0),
    ("start", 3.0),
    ("healthy", 2.0),
    ("version", 0.5),
    ("warm-up", 0.5),
    ("weights", 1.0),
    ("stable", 2.0),
    ("last weights", 1.0),
    ("drain", 1.0),
    ("remove", 2.0),
    ("log", 0.1),
)
WITHIN = 300.0
_RATE = 20


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        point: after which it was drawn.
        seconds: of the run after it, to its end.
        wrong: what was not as it must be.
    """

    point: str
    seconds: float
    wrong: tuple[str, ...]


@dataclass
class Promotions:
    """Promotes the other release again and again, and kills it.

    Attributes:
        ended: promotions that had ended before their moment; they do not count.
        report: of the clients, who are looked at after each kill; None: there are none.
    """

    w: ComposeWorld
    tool: Tool
    chance: random.Random
    done: list[Kill] = field(default_factory=list)
    ended: int = 0
    report: Path | None = None
    _failed: int = field(default=0, init=False)
    _promoted: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Begin with what the stack runs, and with what was promoted before."""
        self._promoted = len(self._log())
        self.config = self.w.config(
            plan={"stages": [100], "observe": "1s", "warm_up": "0s", "interval": "500ms"},
            deploy={"smoke_test": False, "warm_up": {"path": "/health", "requests": 3}},
            promotion={"watch": "1s", "settle": "1s", "interval": "500ms"},
            gates=[
                {
                    "name": "error rate",
                    "kind": "ratio",
                    "bad": 'http_requests_total{status=~"5.."}',
                    "total": "http_requests_total",
                    "max": "5%",
                    "on_no_data": "pass",
                }
            ],
            liveness=0,
        )

    def _log(self) -> list[str]:
        """Give the lines of the deployment log, without its head."""
        path = self.w.base / "deployments.tsv"
        return path.read_text().splitlines()[1:] if path.exists() else []

    def run(self, count: int, *, shown: bool = True) -> None:
        """Kill so many."""
        while len(self.done) < count:
            kill = self.one()
            if kill is None:
                continue
            self.done.append(kill)
            if shown:
                wrong = f"WRONG {kill.wrong}" if kill.wrong else ""
                tell(f"{len(self.done):4} {kill.point:14} {kill.seconds:6.1f} s {wrong}")
            for line in self._clients():
                tell(f"     {line}")

    def _clients(self) -> Iterator[str]:
        """Say what clients lost since the last look, with NGINX's own words on it."""
        if self.report is None:
            return
        figures = json.loads(self.report.read_text())
        bad = sum(n for status, n in figures["statuses"].items() if int(status) >= 500)
        failed = bad + int(figures["lost"])
        if failed == self._failed:
            return
        yield f"{failed - self._failed} requests failed or were lost; NGINX's last words:"
        self._failed = failed
        nginx = self.w.container("nginx")
        said = nginx.logs(tail=400).decode(errors="replace").splitlines() if nginx else []
        yield from [line for line in said if "[error]" in line or "[warn]" in line][-8:]

    def one(self) -> Kill | None:
        """Roll the other release out, promote it, kill that, and promote it again."""
        target = RELEASES[1] if self.w.image_of("app").endswith(RELEASES[0]) else RELEASES[0]
        out = self._to_end("rollout", "--version", target, "--deploy")
        if out.code != 0:
            return Kill("rollout", 0.0, (f"the rollout ended with {out.code}: {out.err[-600:]}",))
        point, longest = self.chance.choice(POINTS)
        running = self.tool.start(
            "promote", "--version", target, "--output", "json", config=self.config
        )
        killed = _killed(running, point, self.chance.uniform(0, longest))
        self.tool.started.remove(running)
        began = time.monotonic()
        again = self._to_end("promote", "--version", target)
        seconds = time.monotonic() - began
        self._promoted += 1
        wrong = tuple(self._wrong(again, target))
        if not killed and not wrong:
            self.ended += 1
            return None
        return Kill(point if killed else f"{point} (ended)", seconds, wrong)

    def _to_end(self, *arguments: str) -> Ended:
        running = self.tool.start(*arguments, config=self.config)
        ended = running.end(WITHIN)
        self.tool.started.remove(running)
        return ended

    def _wrong(self, again: Ended, target: str) -> Iterator[str]:
        if again.code != 0:
            yield f"it ended with {again.code}: {again.out[-900:]} {again.err[-600:]}"
        if (force := self.w.in_force())["weight"] != "0":
            yield f"in force: {force}"
        if not self.w.image_of("app").endswith(f":{target}"):
            yield f"stable runs {self.w.image_of('app')}"
        if f"PRODUCTION_VERSION={target}\n" not in self.w.env_file.read_text():
            yield "the environment file has another version"
        if self.w.container("app-canary") is not None:
            yield "the canary is still there"
        lines = self._log()
        if len(lines) != self._promoted:
            yield f"the log has {len(lines)} lines, not {self._promoted}"
        nginx = self.w.container("nginx")
        assert nginx is not None
        left = nginx.exec_run(["ls", "/etc/nginx/conf.d"]).output.decode().split()
        if more := [one for one in left if one.endswith((".lease", ".promotion"))]:
            yield f"left at the gateway: {more}"


def _killed(running: Running, point: str, after: float) -> bool:
    """Kill it so long after a point; tells whether it was killed before its end."""
    if point != "process":
        eventually(lambda: not running.runs or _reached(running, point), point, WITHIN)
    time.sleep(after)
    killed = running.runs
    running.send(signal.SIGKILL)
    running.kill()
    return killed


def _reached(running: Running, point: str) -> bool:
    seen: Counter[str] = Counter()
    for line in list(running._out):
        event = json.loads(line)
        if event.get("event") == "evaluation":
            seen["watch"] += 1
        if event.get("status") == "begun":
            seen[str(event["step"])] += 1
    return seen["weights"] > 1 if point == "last weights" else seen[point] > 0


@contextmanager
def long_load(port: int, folder: Path) -> Iterator[Path]:
    """Keep clients busy until the block ends; gives the report's file."""
    report = folder / "long-load.json"
    argv = [
        *(sys.executable, "-m", "canaryctl.demo.load", "--url", f"http://127.0.0.1:{port}"),
        *("--rate", str(_RATE), "--seconds", "3600", "--connections", "12"),
        *("--report", str(report)),
    ]
    with Child("long-load", argv, log_dir=folder, clock=SystemClock()) as child:
        eventually(report.exists, "the load's first report")
        yield report
        child.stop()


def tell_all(kills: Promotions, figures: dict[str, Any]) -> int:
    """Show the figures; gives how much went wrong."""
    wrong = [kill for kill in kills.done if kill.wrong]
    lost = Seen(figures).errors
    points = Counter(kill.point for kill in kills.done)
    tell(f"kill -9 of `promote`: {len(kills.done)} ({kills.ended} had ended before)")
    tell("  after: " + ", ".join(f"{point} {n}" for point, n in sorted(points.items())))
    tell(f"  run again, to its end: {spread([kill.seconds for kill in kills.done])}")
    tell(
        f"  wrong: {len(wrong)}; requests: {figures['sent']} sent, {lost} failed or lost "
        f"{figures['lost_because'] or ''} {figures['statuses']}; {busy()}"
    )
    return len(wrong) + lost


def main(argv: list[str]) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.promotions", description=__doc__)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    tell(f"{given.n} kills, seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="cp-") as folder:
        base = Path(folder)
        with compose_world(connect(timeout=60), base) as w:
            kills = Promotions(w, Tool(base / "state"), random.Random(given.seed))  # noqa: S311
            with long_load(w.ports["HTTP_PORT"], base) as report:
                kills.report = report
                kills.run(given.n)
            figures: dict[str, Any] = json.loads(report.read_text())
    return int(tell_all(kills, figures) > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
