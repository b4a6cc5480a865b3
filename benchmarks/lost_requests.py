"""Requests lost while weights change, under keep-alive connections.

Lost is a request without an answer, or with a 5xx. The clients write on a connection without
looking whether it was closed meanwhile, which is the hard case: each idle connection that
NGINX closes costs a request.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, Settings
from benchmarks.gateway import gateway, packaged_nginx
from canaryctl.core.weight import Weight
from canaryctl.demo.processes import Child
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.nginx_version import NginxVersion
from canaryctl.ports import Mark

CHANGES, CONNECTIONS, RATE = 60, 50, 1500
_STAGES = ("1", "5", "25", "100", "0")
_AT_MOST_S = 120  # the load ends by itself, whatever becomes of this process


@dataclass(frozen=True, slots=True)
class Seen:
    """What the clients of one run saw."""

    version: str
    keeps: bool
    sent: int
    lost: int


def run(settings: Settings) -> Iterator[Figure]:
    """Give lost ÷ sent for the packaged NGINX, and for this machine's own where there is one."""
    changes = 3 if settings.quick else CHANGES
    binaries = [packaged_nginx(), *_own()]
    seen: dict[Path, list[Seen]] = {binary: [] for binary in binaries}
    for _ in range(settings.repeats(3, 1)):
        for binary in binaries:
            seen[binary].append(_one(binary, changes))
    for binary in binaries:
        runs = seen[binary]
        lost = ", ".join(f"{one.lost} of {one.sent}" for one in runs)
        yield Figure(
            "lost_requests",
            f"lost ÷ sent, NGINX {runs[0].version}",
            tuple(one.lost / one.sent for one in runs),
            at_most=0 if runs[0].keeps else None,
            note=f"{changes} weight changes, {CONNECTIONS} keep-alive connections: {lost}",
        )


def _own() -> list[Path]:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return [Path(found)] if found else []


def _one(binary: Path, changes: int) -> Seen:
    with gateway(binary) as running:
        report = running.base / "load.json"
        argv = [sys.executable, "-m", "canaryctl.demo.load", "--url", running.url]
        argv += ["--rate", str(RATE), "--connections", str(CONNECTIONS)]
        argv += ["--seconds", str(_AT_MOST_S), "--report", str(report)]
        with Child("load", argv, log_dir=running.base / "logs", clock=SystemClock()) as load:
            _under_way(report)
            for percent in islice(cycle(_STAGES), changes):
                running.router.set(Weight.parse(percent), Mark(reason="benchmark"), None)
            if load.exit_code is not None:
                raise RuntimeError(f"the load ended first: {load.log.read_text(errors='replace')}")
        # Complete only now that the load has ended.
        return _seen(running.version, json.loads(report.read_text(encoding="utf-8")))


def _under_way(report: Path) -> None:
    """Wait until every client has its connection: two reports are a second apart."""
    clock = SystemClock()
    deadline = clock.now() + 15
    while clock.now() < deadline:
        if report.exists():
            figures = json.loads(report.read_text(encoding="utf-8"))
            if figures["answered"] > 4 * CONNECTIONS:
                return
        clock.sleep(0.05)
    raise RuntimeError("the load did not begin within 15 s")


def _seen(version: NginxVersion, figures: dict[str, Any]) -> Seen:
    errors = sum(n for status, n in figures["statuses"].items() if int(status) >= 500)  # noqa: PLR2004
    lost = int(figures["lost"]) + errors
    return Seen(str(version), version.keeps_idle_connections, int(figures["sent"]), lost)
