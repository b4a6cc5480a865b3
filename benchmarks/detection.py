"""From the fault's first bad sample in the metrics source to 0 % proven.

A real rollout with a check each second, on a real NGINX with load, as a process of its own.
The canary begins to answer with errors at a chosen phase between two checks. Its metrics page
is watched for the first bad sample; the rollout's own events say when it judged and proved.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.figure import Figure, Settings
from benchmarks.gateway import packaged_nginx
from canaryctl.config.load import load
from canaryctl.core.weight import Weight
from canaryctl.demo.fault import SETTINGS, Fault, switch
from canaryctl.demo.local_stack import local_stack
from canaryctl.demo.processes import Child
from canaryctl.demo.stack import RELEASE, Stack
from canaryctl.drivers.clock import SystemClock
from canaryctl.ports import Mark
from canaryctl.wiring import Build

INTERVAL = 1.0
_STAGE, _OBSERVE, _ROLLOUT_AT_MOST_S = "25", "30s", 60.0
_RATE, _CONNECTIONS, _LOAD_AT_MOST_S = 150, 48, 600
_CHECKS_BEFORE = 2
_LOOK_EVERY_S = 0.005
_NAME = "detection"
_FAILED = re.compile(rb'^http_requests_total\{[^}]*status="5[^}]*\} ([0-9.e+]+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds on this process' performance counter."""

    bad: float
    judged: float
    proven: float


def run(settings: Settings) -> Iterator[Figure]:
    """Give detection ÷ interval, and its two parts: until judged, and until proven."""
    packaged_nginx()
    runs = settings.repeats(8, 1)
    with _running() as (stack, page):
        seen = [_one(stack, page, (number + 0.5) / runs) for number in range(runs)]
    parts: dict[str, Callable[[Times], float]] = {
        "first bad sample to 0 % proven": lambda one: one.proven - one.bad,
        "first bad sample to the verdict": lambda one: one.judged - one.bad,
        "verdict to 0 % proven": lambda one: one.proven - one.judged,
    }
    for name, part in parts.items():
        yield Figure(
            _NAME,
            f"{name} ÷ check interval",
            tuple(part(one) / INTERVAL for one in seen),
            note=f"interval {INTERVAL:g} s; the fault begins at {runs} phases spread over it",
        )


@contextlib.contextmanager
def _running() -> Iterator[tuple[Stack, str]]:
    clock = SystemClock()
    with contextlib.ExitStack() as up:
        base = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="canaryctl-bench-")))
        stack = up.enter_context(local_stack(base, clock, _OBSERVE))
        build = Build(load(stack.config), base)
        build.router.set(Weight.ZERO, Mark(reason="a benchmark begins"), None)
        argv = [sys.executable, "-m", "canaryctl.demo.load", "--url", stack.url]
        argv += ["--rate", str(_RATE), "--connections", str(_CONNECTIONS)]
        argv += ["--seconds", str(_LOAD_AT_MOST_S)]
        up.enter_context(Child("load", argv, log_dir=base / "logs", clock=clock))
        yield stack, f"http://{build.config.versions.canary.address[0]}/metrics"


def _one(stack: Stack, page: str, phase: float) -> Times:
    """Run one rollout into a fault that begins at ``phase`` (0 to 1) between two checks."""
    argv = [sys.executable, "-m", "canaryctl", "--config", str(stack.config), "rollout"]
    argv += ["--version", RELEASE, "--stages", _STAGE, "--observation-period", _OBSERVE]
    argv += ["--interval", f"{INTERVAL:g}s", "--output", "json"]
    environment = {**os.environ, "CANARYCTL_STATE_DIR": str(stack.config.parent / "state")}
    log = stack.config.parent / "logs" / "rollout.log"
    watch = _Watch(page, stack.faults, phase * INTERVAL)
    with (
        log.open("wb") as errors,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, env=environment) as rollout,
    ):
        limit = threading.Timer(_ROLLOUT_AT_MOST_S, rollout.kill)
        limit.start()
        try:
            judged, proven = _followed(rollout, watch)
        finally:
            limit.cancel()
            rollout.terminate()  # it has ended, unless something went wrong here
            watch.close()
    if rollout.returncode != 1 or not watch.bad or not proven:
        raise RuntimeError(
            f"the rollout ended with {rollout.returncode}, not with 1: {log.read_text()}"
        )
    return Times(watch.bad, judged, proven)


def _followed(rollout: subprocess.Popen[bytes], watch: _Watch) -> tuple[float, float]:
    """Read the events as they come; give when the failing verdict and the proof came."""
    assert rollout.stdout is not None  # noqa: S101  a pipe was asked for
    checks, judged, proven = 0, 0.0, 0.0
    for line in rollout.stdout:
        now, event = time.perf_counter(), json.loads(line)
        if event["event"] == "evaluation":
            checks += 1
            judged = now
            if checks == _CHECKS_BEFORE:
                watch.start()
        elif event["event"] == "weight" and event["status"] == "proven" and event["weight"] == 0:
            proven = now
    rollout.wait()
    return judged, proven


class _Watch(threading.Thread):
    """Switches the fault on after a while, and looks when the first bad sample shows."""

    def __init__(self, page: str, faults: str, delay: float) -> None:
        super().__init__(name="watch", daemon=True)
        self.bad = 0.0
        self._page, self._faults, self._delay = page, faults, delay
        self._over = threading.Event()

    def run(self) -> None:
        before = _failures(self._page)
        self._over.wait(self._delay)
        switch(self._faults, SETTINGS[Fault.ERRORS])
        while not self._over.wait(_LOOK_EVERY_S):
            # The last time that it was not there yet: what is reported is never too short.
            asked = time.perf_counter()
            if _failures(self._page) > before:
                self.bad = asked
                return

    def close(self) -> None:
        """End, and mend the canary."""
        self._over.set()
        if self.ident is not None:
            self.join(10)
        switch(self._faults, {"errors": 0.0})


def _failures(page: str) -> float:
    """Read how many requests the canary's own metrics say have failed."""
    parts = urlsplit(page)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path)
        body = connection.getresponse().read()
    finally:
        connection.close()
    return sum(float(number) for number in _FAILED.findall(body))
