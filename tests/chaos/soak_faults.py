"""What happens to a rollout of the soak, and with which exit codes it may end then."""

from __future__ import annotations

import http.client
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from canaryctl.demo.fault import switch
from tests.chaos.machine import Forked, Machine
from tests.chaos.running import ChaosError, eventually
from tests.chaos.site import RELEASE
from tests.chaos.world import World

ROLLOUT = ("rollout", "--version", RELEASE, "--output", "json")
SHORT = {"stages": [50, 100], "observe": "300ms", "interval": "150ms"}
# For what takes its time: a word from a second terminal, metrics that are lost.
LONG = {"stages": [50, 100], "observe": "2500ms", "interval": "250ms"}


class Relay:
    """Passes a version's ``/metrics`` on, until it is told to answer 500.

    Attributes:
        broken: whether it does.
    """

    def __init__(self, port: int) -> None:
        self.broken = False
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = relay.asked(port)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/metrics"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def asked(self, port: int) -> tuple[int, bytes]:
        """Ask the version."""
        if self.broken:
            return 500, b"broken"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 502, b"gone"
        finally:
            connection.close()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class Stage:
    """What a fault acts on.

    Attributes:
        here: the machine that leads rollouts, ``there`` another one: a second terminal.
    """

    def __init__(self, w: World, here: Machine, there: Machine, chance: random.Random) -> None:
        self.w, self.here, self.there, self.chance = w, here, there, chance
        ports = w.site.ports
        self.relays = Relay(ports.stable), Relay(ports.canary)
        stable, canary = ([relay.url] for relay in self.relays)
        metrics = {"targets": {"stable": stable, "canary": canary}}
        gateway = {"lease": "6s", "drain_within": "0s"}
        self.short = w.config(plan=SHORT, gateway=gateway, metrics=metrics)
        self.long = w.config(plan=LONG, gateway=gateway, metrics=metrics)
        self.faults = f"http://127.0.0.1:{ports.canary_admin}/faults"

    def close(self) -> None:
        """End what is in this process."""
        for relay in self.relays:
            relay.close()

    def leads(self, rollout: Forked) -> None:
        """Wait until it leads the gateway, or has ended."""
        eventually(lambda: rollout.proven(0) or rollout.code is not None, "it leads", 30)

    def somewhere(self, seconds: float) -> None:
        """Wait for a moment of the next so many seconds."""
        time.sleep(self.chance.uniform(0, seconds))

    def said(self, verb: str) -> int:
        """Say something to the rollout from the second terminal; gives the exit code."""
        return self.there.start(self.long, verb).end()


def _nothing(stage: Stage, rollout: Forked) -> None:
    """Let it run."""


def _gate(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    switch(stage.faults, {"errors": 1.0})
    rollout.end(40)
    switch(stage.faults, {"errors": 0.0})


def _signal(number: signal.Signals) -> Callable[[Stage, Forked], None]:
    def send(stage: Stage, rollout: Forked) -> None:
        if stage.chance.random() < 0.7:
            stage.leads(rollout)
        stage.somewhere(1.5)
        rollout.send(number)

    return send


def _canary(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    stage.somewhere(3)
    stage.w.site.kill("canary")
    rollout.end(40)
    stage.w.site.start_service("canary")


def _metrics(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    stage.somewhere(1)
    for relay in stage.relays:
        relay.broken = True
    rollout.end(40)
    for relay in stage.relays:
        relay.broken = False


def _nginx(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    stage.somewhere(2)
    stage.w.site.kill("nginx")
    stage.w.site.start_nginx()


def _pause(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    codes = stage.said("pause"), stage.said("continue")
    if codes != (0, 0):
        raise ChaosError(f"pause and continue ended with {codes}")


def _abort(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    if (code := stage.said("abort")) != 0:
        raise ChaosError(f"abort ended with {code}")


def _second(stage: Stage, rollout: Forked) -> None:
    stage.leads(rollout)
    second = stage.there.start(stage.long, *ROLLOUT)
    code = second.end()
    if code != 5 and rollout.code is None:
        raise ChaosError(f"the second rollout ended with {code}")
    if code != 5:
        raise ChaosError(f"the first ended with {rollout.code} before the second could ask: {code}")


@dataclass(frozen=True)
class Happening:
    """One kind of fault.

    Attributes:
        ends: exit codes that it may end with.
        long: whether it takes the longer plan.
        kills: whether it kills what has requests in flight.
    """

    name: str
    act: Callable[[Stage, Forked], None]
    ends: frozenset[int]
    long: bool = False
    kills: bool = False

    def config(self, stage: Stage) -> Path:
        """Give the configuration of its rollout."""
        return stage.long if self.long else stage.short


HAPPENINGS = (
    Happening("nothing", _nothing, frozenset({0})),
    Happening("gate fails", _gate, frozenset({1}), long=True),
    Happening("SIGTERM", _signal(signal.SIGTERM), frozenset({130, 0})),
    Happening("SIGKILL", _signal(signal.SIGKILL), frozenset({-9, 0})),
    # Its last evaluation may lie before the fault.
    Happening("canary down", _canary, frozenset({1, 0}), long=True),
    Happening("metrics down", _metrics, frozenset({1}), long=True),
    Happening("NGINX restarted", _nginx, frozenset({0, 1}), long=True, kills=True),
    Happening("pause, continue", _pause, frozenset({0}), long=True),
    Happening("abort", _abort, frozenset({130}), long=True),
    Happening("second rollout", _second, frozenset({0}), long=True),
)
