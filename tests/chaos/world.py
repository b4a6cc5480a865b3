"""A world to break: real NGINX, two versions, clients, and rollouts in compressed time.

with world(folder) as w:
rollout = w.rollout()
rollout.proven(5)
rollout.process.kill()
w.safe(-9, within=3)
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from canaryctl.config.load import load
from canaryctl.core.weight import Weight
from canaryctl.drivers.lock import SHARED
from canaryctl.ports import Mark
from canaryctl.wiring import Build
from tests.chaos import safe
from tests.chaos.running import ChaosError, Running, canaryctl, guards
from tests.chaos.site import RELEASE, Site

LEASE = 3.0
_LOOK = 0.02

# Time is compressed by configuration alone. One gate that is read literally: what these tests
# ask is what becomes of traffic, and evidence takes longer than a second.
_CONFIG: dict[str, Any] = {
    "service": "fragrance-ai",
    "plan": {
        "stages": [1, 5, 25, 100],
        "observe": "500ms",
        "interval": "300ms",
        "extend_to": 10,
        "gateway_lost_after": "2s",
        "deadline": "60s",
    },
    "judge": "threshold",
    "gates": [
        {
            "name": "error rate",
            "kind": "ratio",
            "bad": 'http_requests_total{status=~"5.."}',
            "total": "http_requests_total",
            "max": "50%",
            "on_no_data": "pass",
        }
    ],
}


@dataclass
class World:
    """One gateway with everything around it.

    Attributes:
        site: its parts.
        env: more environment for what is started.
        started: every ``canaryctl`` that was.
        ending: closed with the world; whatever is started for it is entered here.
        prometheus: what stands before its Prometheus, None while nobody needed one.
    """

    site: Site
    env: dict[str, str] = field(default_factory=dict)
    started: list[Running] = field(default_factory=list)
    ending: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    prometheus: Any = None
    _configs: int = 0

    def config(
        self,
        *,
        plan: Mapping[str, Any] | None = None,
        gateway: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a canary.yaml for this world, with some of it changed; give its path."""
        base, ports = self.site.base, self.site.ports
        parsed: dict[str, Any] = yaml.safe_load(yaml.safe_dump(_CONFIG))
        parsed["versions"] = {
            "stable": {"address": f"127.0.0.1:{ports.stable}"},
            "canary": {"address": f"127.0.0.1:{ports.canary}"},
        }
        parsed["gateway"] = {
            "verify": f"http://127.0.0.1:{ports.control}",
            "lease": f"{LEASE:g}s",
            "drain_within": "1s",
            **self.site.gateway(),
            **(gateway or {}),
        }
        parsed["metrics"] = {
            "provider": "scrape",
            "timeout": "500ms",
            "lost_after": "1500ms",
            **(metrics or {}),
        }
        parsed["plan"] |= plan or {}
        parsed |= more or {}
        self._configs += 1
        path = base / f"canary-{self._configs}.yaml"
        path.write_text(yaml.safe_dump(parsed, allow_unicode=True), encoding="utf-8")
        return path

    def environment(self, **env: str) -> dict[str, str]:
        """Give the environment of what is started here; it names this world's state directory."""
        return {**os.environ, "CANARYCTL_STATE_DIR": str(self.site.state), **self.env, **env}

    def run(self, config: Path, *arguments: str, **env: str) -> Running:
        """Start ``canaryctl`` with these arguments."""
        running = Running(canaryctl(config, *arguments), self.environment(**env))
        self.started.append(running)
        return running

    def rollout(self, config: Path | None = None, *arguments: str, **env: str) -> Running:
        """Start a rollout that tells its events."""
        verb = ("rollout", "--version", RELEASE, "--output", "json", *arguments)
        return self.run(config or self.config(), *verb, **env)

    def guard_service(self, config: Path | None = None, **env: str) -> Running:
        """Start ``canaryctl guard`` and wait until it watches."""
        running = self.run(config or self.config(), "guard", **env)
        deadline = time.monotonic() + 15
        while "watching" not in running.said():
            if running.code is not None or time.monotonic() > deadline:
                raise ChaosError(f"the guard's service did not start: {running.said()}")
            time.sleep(_LOOK)
        return running

    def in_force(self) -> dict[str, str] | None:
        """Ask NGINX itself what is in force; None: it does not answer."""
        return self.site.in_force()

    def build(self, config: Path | None = None) -> Build:
        """Give the drivers of this gateway, to act in this process."""
        path = config or self.config()
        return Build(load(path), path.parent)

    def set_weight(self, weight: float) -> None:
        """Set and prove a weight from this process, past any rollout."""
        self.build().router.set(Weight.parse(weight), Mark(owner="chaos", reason="reset"), None)

    def at_zero(self, within: float) -> float:
        """Wait until 0 % is in force and no lease is left; give the seconds that it took."""
        return self._until(lambda: self.site.weight() == safe.ZERO and not self._leased(), within)

    def zero_answers(self, within: float) -> float:
        """Wait until NGINX itself answers 0 %; give the seconds that it took."""
        return self._until(lambda: self.site.weight() == safe.ZERO, within)

    def _leased(self) -> bool:
        return self.site.text(".lease") is not None

    def _until(self, holds: Callable[[], bool], within: float) -> float:
        began = time.monotonic()
        while not holds():
            if time.monotonic() > began + within:
                raise ChaosError(f"0 % was not in force within {within:g} s: {self.in_force()}")
            time.sleep(_LOOK)
        return time.monotonic() - began

    def complaints(self, code: int, *, before: str | None = safe.ZERO) -> list[str]:
        """Say what is not as it has to be after a rollout that ended with this code."""
        build = self.build()
        return [
            *safe.weight_wrong(self.site, code, before=before),
            *safe.nginx_wrong(self.site),
            *safe.left_behind(self.site),
            *safe.still_running(self.site),
            *safe.still_locked(self.site, build.locks.token, SHARED),
        ]

    def safe(self, code: int, *, within: float = 3.0, before: str | None = safe.ZERO) -> None:
        """Assert a safe end, which may take so long to come (a guard ends, a drain).

        Raises:
            ChaosError: it has not come; says all that is wrong.
        """
        deadline = time.monotonic() + within
        while found := self.complaints(code, before=before):
            if time.monotonic() > deadline:
                raise ChaosError("; ".join(found))
            time.sleep(0.1)

    def clear(self) -> None:
        """End what was started here, guards as well; take away what is left at the gateway."""
        for running in self.started:
            running.kill()
        self.started.clear()
        for pid in guards(state=self.site.state):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.site.remove(".lease", ".control")


@contextlib.contextmanager
def world(
    base: Path, *, rate: float = 0, seconds: float = 3600, site: Site | None = None
) -> Iterator[World]:
    """Start one below an empty folder, at 0 % proven, and end it all afterwards.

    Args:
        base: an empty folder.
        rate: of the clients' requests, a second; 0: no clients.
        seconds: after which the clients end by themselves.
        site: its parts; left out: NGINX as a process of this machine.
    """
    site = site or Site(base)
    here = World(site)
    try:
        for name in ("production", "canary"):
            site.start_service(name)
        site.start_nginx()
        here.set_weight(0)
        if rate:
            site.start_load(rate, seconds)
        yield here
    finally:
        here.clear()
        here.ending.close()
        site.close()
