"""A gateway of this machine for end-to-end tests: a real NGINX, two versions, busy clients."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from canaryctl.cli.control import ask
from canaryctl.config.load import load as read_config
from canaryctl.core.control import Verb
from canaryctl.core.weight import Weight
from canaryctl.demo.fault import switch
from canaryctl.demo.local_stack import local_stack
from canaryctl.demo.processes import Child
from canaryctl.demo.stack import Stack
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.lease_file import Found
from canaryctl.drivers.template import intact
from canaryctl.ports import Mark
from canaryctl.wiring import Build
from tests.e2e.harness import Ended, Running, Tool, Traffic, eventually, load

RATE = 60
HEALTHY: dict[str, float | bool] = {
    "errors": 0,
    "latency": 0,
    "schema": 0,
    "loss": 1,
    "down": False,
}
# What these tests ask is what becomes of traffic; evidence takes longer than a second.
GATES: list[dict[str, Any]] = [
    {
        "name": "error rate",
        "kind": "ratio",
        "bad": 'http_requests_total{status=~"5.."}',
        "total": "http_requests_total",
        "max": "50%",
        "on_no_data": "pass",
    }
]


@dataclass
class LocalWorld:
    """The running gateway.

    Attributes:
        stack: what runs.
        base: its folder, and NGINX's prefix.
        ended: whatever is started beside it ends with this.
    """

    stack: Stack
    base: Path
    ended: contextlib.ExitStack
    _configs: int = 0
    _starts: int = 0
    _gateway: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._gateway = yaml.safe_load(self.stack.config.read_text())["gateway"]

    @property
    def live(self) -> Path:
        """The file of canaryctl's."""
        return Path(self._gateway["config"])

    @property
    def desk(self) -> Path:
        """Where people ask."""
        return self.live.with_name(f"{self.live.name}.control")

    @property
    def lease(self) -> Path:
        """Who holds the gateway."""
        return self.live.with_name(f"{self.live.name}.lease")

    def config(
        self,
        *,
        stages: Sequence[Any] = (50, 100),
        observe: str = "10m",
        gateway: Mapping[str, Any] | None = None,
        interval: str = "500ms",
        breaker: Any = "off",
        **more: Any,
    ) -> Path:
        """Write a canary.yaml with stages of this world, and with more of its own keys."""
        parsed: dict[str, Any] = yaml.safe_load(self.stack.config.read_text())
        parsed["plan"] = {"stages": list(stages), "observe": observe, "interval": interval}
        parsed["gateway"] |= {"lease": "10s", **(gateway or {})}
        parsed |= {"gates": GATES, "judge": "threshold", "breaker": breaker} | more
        self._configs += 1
        path = self.base / f"canary-{self._configs}.yaml"
        path.write_text(yaml.safe_dump(parsed))
        return path

    def build(self) -> Build:
        """Bring the gateway to life in this process, for looking at it."""
        return Build(read_config(self.stack.config), self.base)

    def in_force(self) -> dict[str, str]:
        """Ask NGINX itself for generation and weight, past canaryctl."""
        parts = urlsplit(self._gateway["verify"])
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        try:
            connection.request("GET", "/generation")
            answer: dict[str, str] = json.loads(connection.getresponse().read())
            del answer["worker"]
            return answer
        finally:
            connection.close()

    def ask(self, verb: Verb) -> None:
        """Ask something of the rollout, where it is not what is tested."""
        answer = ask(self.build(), verb, "")
        assert answer.accepted, answer.said

    def found(self) -> Found:
        """See who holds the gateway."""
        return self.build().lease.look()

    def fault(self, **settings: float | bool) -> None:
        """Break the canary."""
        switch(self.stack.faults, settings)

    def heal(self) -> None:
        """Take every fault of the canary away."""
        switch(self.stack.faults, HEALTHY)

    def reset(self) -> None:
        """Bring it to where every test begins: healthy, nobody leads, 0 %."""
        self.heal()
        self.lease.unlink(missing_ok=True)
        self.desk.unlink(missing_ok=True)
        if not intact(self.live.read_text() if self.live.exists() else None):
            self.live.unlink(missing_ok=True)
        self.build().router.set(Weight.ZERO, Mark(reason="the next test begins"), None)

    def master(self) -> int:
        """Give the process id of NGINX's master."""
        return int(Path(self._gateway["pid_file"]).read_text())

    def reload(self) -> None:
        """Tell NGINX to load what is on disk, as somebody else would."""
        os.kill(self.master(), signal.SIGHUP)

    def restart(self) -> None:
        """End NGINX at once, and start it with what is on disk."""
        pid_file, before = Path(self._gateway["pid_file"]), self.master()
        os.kill(before, signal.SIGTERM)
        eventually(lambda: not Path(f"/proc/{before}").exists(), "NGINX has ended")
        self._starts += 1
        argv = [self._gateway["binary"], "-p", str(self.base), "-c", str(self.base / "nginx.conf")]
        again = Child(
            f"nginx-{self._starts}",
            [*argv, "-g", "daemon off;"],
            log_dir=self.base / "logs",
            clock=SystemClock(),
        )
        self.ended.enter_context(again)
        again.wait_for_port(urlsplit(self.stack.url).port or 0, within=60)
        eventually(lambda: pid_file.is_file() and self.master() != before, "NGINX's process id")


@contextlib.contextmanager
def local_world(base: Path) -> Iterator[LocalWorld]:
    """Start everything, with 0 % in force."""
    with contextlib.ExitStack() as ended:
        stack = ended.enter_context(local_stack(base, SystemClock(), "4s"))
        world = LocalWorld(stack, base, ended)
        world.reset()
        yield world


@contextlib.contextmanager
def busy(world: LocalWorld, folder: Path) -> Iterator[Traffic]:
    """Keep clients busy until the block ends."""
    with load(urlsplit(world.stack.url).port or 0, folder, RATE) as traffic:
        yield traffic


def guards_of(pid: int) -> list[int]:
    """Give the process ids of a rollout's guards."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    named = [(int(one), Path(f"/proc/{one}/cmdline").read_bytes()) for one in children]
    return [one for one, said in named if b"canaryctl.guarding.process" in said]


def together(tool: Tool, config: Path, *commands: Sequence[str]) -> list[Ended]:
    """Run commands at once, each in a process of its own; give their ends in the same order."""
    started: list[Running] = [tool.start(*one, config=config) for one in commands]
    return [one.end(within=60) for one in started]


def one_clear_message(ended: Ended, *texts: str, code: int = 4) -> None:
    """Assert that a command was refused with one message that says these things."""
    assert ended.code == code, ended.err + ended.out
    assert "Traceback" not in ended.err + ended.out
    messages = [line for line in ended.err.splitlines() if line.startswith("canaryctl: ")]
    assert len(messages) == 1, ended.err
    for text in texts:
        assert text in ended.err, ended.err
