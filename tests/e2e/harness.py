"""What the end-to-end tests drive: `canaryctl` as a process, clients, faults, containers."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from canaryctl.demo.docker_stack import BOTH, Containers, versions_up
from canaryctl.demo.fault import switch
from canaryctl.demo.processes import Child
from canaryctl.demo.stack import PLAN_AND_GATES
from canaryctl.drivers.clock import SystemClock
from canaryctl.resources import shipped

Event = dict[str, Any]
RATE = 120
LOAD_AT_MOST_S = 120
GRACE_S = 20
CLIENTS = 48
# What a canary has begun with cannot be repeated elsewhere when it goes. On a quick machine one of
# them is under way on average.
_IN_FLIGHT = 5


def eventually(condition: Callable[[], bool], what: str, within: float = 20.0) -> None:
    """Wait until it holds, bounded."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Ended:
    """How a run of canaryctl ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def events(self) -> list[Event]:
        """What stood on stdout under ``--output json``."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def outcome(self) -> Event:
        """The last line, which is the outcome."""
        last = self.events[-1]
        assert last["event"] == "outcome", f"the last line is no outcome: {last}\n{self.err}"
        return last

    def findings(self, gate: str, stage: int | None = None) -> list[Event]:
        """What a gate found, evaluation by evaluation."""
        return [
            found
            for event in self.events
            if event["event"] == "evaluation" and stage in (None, event["stage"])
            for found in event["findings"]
            if found["gate"] == gate
        ]

    def weights(self) -> list[float]:
        """The weights that were proven, in order."""
        return [e["weight"] for e in self.events if e.get("status") == "proven"]


class Running:
    """A ``canaryctl`` under way."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self._out: list[str] = []
        self._err: list[str] = []
        self._readers = [
            threading.Thread(target=lambda: self._out.extend(self._lines(self._process.stdout))),
            threading.Thread(target=lambda: self._err.extend(self._lines(self._process.stderr))),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _lines(stream: Any) -> Iterator[str]:
        with stream:
            yield from stream

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait_for(self, matches: Callable[[Event], bool], what: str, within: float = 60.0) -> Event:
        """Wait for an event of its stream."""
        found: list[Event] = []

        def seen() -> bool:
            lines = list(self._out)
            found.extend(event for line in lines if matches(event := json.loads(line)))
            assert found or self.runs, f"ended before {what}: {''.join([*self._out, *self._err])}"
            return bool(found)

        eventually(seen, what, within)
        return found[0]

    @property
    def events(self) -> list[Event]:
        """What stood on stdout so far under ``--output json``."""
        return [json.loads(line) for line in list(self._out)]

    def proven(self, weight: float) -> Event:
        """Wait until it has proven this weight."""
        return self.wait_for(
            lambda e: e.get("status") == "proven" and e["weight"] == weight, f"{weight} % proven"
        )

    def judged(self, stage: int) -> Event:
        """Wait until it has judged this stage once, and was content."""
        return self.wait_for(
            lambda e: (
                e["event"] == "evaluation" and e["stage"] == stage and e["verdict"] == "clear"
            ),
            f"stage {stage} judged",
        )

    def said(self, text: str, within: float = 30.0) -> None:
        """Wait until it has said this on stderr."""
        eventually(lambda: text in "".join(list(self._err)), f"{text!r} on stderr", within)

    def heard(self) -> str:
        """Give what it has said on stderr so far."""
        return "".join(list(self._err))

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self, within: float = 60.0) -> Ended:
        """Wait for its end."""
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(
                f"still running after {within:g} s: {''.join([*self._out, *self._err])}"
            ) from None
        for reader in self._readers:
            reader.join()
        took = time.monotonic() - self._began
        return Ended(code, "".join(self._out), "".join(self._err), took)

    def stop(self) -> None:
        """End it as a user would, so that it clears up behind it; after a grace at once."""
        if self.runs:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        self.kill()

    def kill(self) -> None:
        """End it at once, by its own id; nothing happens when it has ended."""
        if self.runs:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()


@dataclass
class Tool:
    """`canaryctl`, started as a user would."""

    state: Path
    started: list[Running] = field(default_factory=list)

    def start(self, *arguments: str, config: Path | None = None, **env: str) -> Running:
        """Start it."""
        chosen = ["--config", str(config)] if config else []
        # Connections that the end of the process closes are no defect of a command.
        strict = ("-W", "error", "-W", "ignore::ResourceWarning")
        argv = [sys.executable, *strict, "-m", "canaryctl", *chosen, *arguments]
        environment = {**os.environ, "CANARYCTL_STATE_DIR": str(self.state), **env}
        running = Running(argv, environment)
        self.started.append(running)
        return running

    def run(
        self, *arguments: str, config: Path | None = None, within: float = 90.0, **env: str
    ) -> Ended:
        """Run it to its end."""
        return self.start(*arguments, config=config, **env).end(within)

    def rollout(self, config: Path, *arguments: str) -> Running:
        """Start a rollout that tells its events on stdout."""
        return self.start(
            "rollout", "--version", "v0.2.0", "--output", "json", *arguments, config=config
        )


@dataclass(frozen=True)
class Clients:
    """What clients get, asked one by one on fresh connections."""

    port: int

    def versions(self, requests: int = 40) -> Counter[str]:
        """Count who serves."""
        return Counter(self.ask("GET", "/health")[1] for _ in range(requests))

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        """Give status and serving version of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("X-Canary-Version", "unknown")
        finally:
            connection.close()


@dataclass(frozen=True)
class Traffic:
    """Steady load by many clients."""

    child: Child
    report: Path

    def ended(self) -> Seen:
        """End it, once what is under way was answered, and tell what became of it."""
        self.child.stop()
        figures: Event = json.loads(self.report.read_text())
        assert not figures["running"], f"the load was cut short: {figures}"
        return Seen(figures)


@dataclass(frozen=True)
class Seen:
    """What a load has seen."""

    figures: Event

    @property
    def errors(self) -> int:
        """Answers of 500 and above, and requests without any answer."""
        statuses: dict[str, int] = self.figures["statuses"]
        bad = sum(n for status, n in statuses.items() if int(status) >= 500)
        return bad + int(self.figures["lost"]) + int(self.figures["unfinished"])

    def under_way(self, share: float) -> int:
        """Bound what can have been under way at a version at one moment.

        No more than come while the slowest is answered (Little's law with the worst time in place
        of the mean), and no more than there are clients.

        Args:
            share: the version's part of the traffic, 0 to 1.
        """
        came = math.ceil(share * RATE * float(self.figures["slowest_s"]))
        return min(max(_IN_FLIGHT, came), CLIENTS)


@contextlib.contextmanager
def load(port: int, folder: Path, rate: int = RATE) -> Iterator[Traffic]:
    """Keep clients busy until the block ends."""
    report = folder / "load.json"
    argv = [
        *(sys.executable, "-m", "canaryctl.demo.load", "--url", f"http://127.0.0.1:{port}"),
        *("--rate", str(rate), "--seconds", str(LOAD_AT_MOST_S), "--connections", str(CLIENTS)),
        *("--report", str(report)),
    ]
    with Child("load", argv, log_dir=folder, clock=SystemClock()) as child:
        eventually(report.exists, "the load's first report")
        yield Traffic(child, report)


@dataclass
class World:
    """The running stack."""

    running: Containers
    engine: Any
    base: Path
    _slow_requests: bool = False

    @property
    def clients(self) -> Clients:
        """Those who use the service."""
        return Clients(self.running.ports.clients)

    def in_force(self) -> dict[str, str]:
        """Ask NGINX itself for generation and weight, past canaryctl."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.ports.control, timeout=5)
        try:
            connection.request("GET", "/generation")
            answer: dict[str, str] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()

    def all_on_stable(self) -> None:
        """Assert that NGINX answers 0 % and that clients get stable only."""
        assert self.in_force()["weight"] == "0"
        assert self.clients.versions() == {"stable": 40}

    def fault(self, **settings: float | bool) -> None:
        """Break the canary."""
        self._slow_requests |= bool(settings.get("latency"))
        switch(f"http://127.0.0.1:{self.running.ports.canary_admin}/faults", settings)

    def heal(self) -> None:
        """Take every fault of the canary away."""
        switch(
            f"http://127.0.0.1:{self.running.ports.canary_admin}/faults",
            {"errors": 0, "latency": 0, "schema": 0, "loss": 1, "down": False},
        )

    def container(self, service: str) -> Any:
        """Give a service's container, the SDK's object."""
        labels = [
            f"com.docker.compose.project={self.running.compose.project}",
            f"com.docker.compose.service={service}",
        ]
        (found,) = self.engine.containers.list(all=True, filters={"label": labels})
        return found

    def fresh_canary(self) -> None:
        """Start the canary's process anew: no counters, nothing under way."""
        self.container("app-canary").restart(timeout=1)
        self._slow_requests = False
        eventually(lambda: _silently(self.heal), "the canary's switches answer")
        self.seen()

    def seen(self) -> None:
        """Wait until Prometheus sees both versions."""
        eventually(
            lambda: versions_up(self.running.ports.prometheus) == BOTH, "both versions are scraped"
        )

    def sum_of(self, query: str) -> float | None:
        """Ask Prometheus for one number; None for an empty result."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.running.ports.prometheus, timeout=5
        )
        try:
            connection.request("GET", f"/api/v1/query?query={quote(query)}")
            result = json.loads(connection.getresponse().read())["data"]["result"]
            return float(result[0]["value"][1]) if result else None
        finally:
            connection.close()

    def reset(self) -> None:
        """Bring the stack back to where every test begins; the weight is the caller's."""
        if self._slow_requests:
            # What still sleeps in the canary would be counted in the next test's window.
            self.fresh_canary()
        self.heal()
        self.seen()

    def config(
        self,
        *,
        stages: Sequence[float] = (25, 100),
        observe: str = "4s",
        plan: Mapping[str, Any] | None = None,
        gates: Sequence[Mapping[str, Any]] | None = None,
        metrics: Mapping[str, Any] | None = None,
        gateway: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a canary.yaml for this stack, with some of it changed."""
        text = self.running.config + PLAN_AND_GATES.format(observe=observe)
        parsed: dict[str, Any] = yaml.safe_load(text)
        parsed["plan"] |= {"stages": list(stages), **(plan or {})}
        parsed["metrics"] |= metrics or {}
        parsed["gateway"] |= gateway or {}
        if gates is not None:
            parsed["gates"] = list(gates)
        path = self.base / f"canary-{len(list(self.base.glob('canary-*.yaml')))}.yaml"
        path.write_text(yaml.safe_dump(parsed, allow_unicode=True))
        return path


def with_a_mistake(folder: Path) -> Path:
    """Write a template that renders to something NGINX does not know."""
    text = shipped("nginx/upstream.conf.j2").read_text()
    broken = text.replace("keepalive {{ keepalive }};", "keep_alive 64;")
    assert broken != text
    path = folder / "broken.j2"
    path.write_text(broken)
    return path


def _silently(act: Callable[[], None]) -> bool:
    try:
        act()
    except (OSError, http.client.HTTPException):
        return False
    return True
