"""The parts of the world: NGINX, two versions of a service, clients. Each can be ended alone."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.demo.local_stack import _nginx_config, _service, nginx_binary
from canaryctl.demo.processes import Child, free_ports
from canaryctl.drivers.clock import SystemClock
from tests.chaos.running import eventually

UP_WITHIN = 20.0
RELEASE = "v0.2.0"
OLD_RELEASE = "v0.1.0"


@dataclass(frozen=True)
class Ports:
    """Where things listen, all on 127.0.0.1."""

    clients: int
    control: int
    stable: int
    canary: int
    stable_admin: int
    canary_admin: int


@dataclass
class Site:
    """NGINX, production and canary below one folder.

    Attributes:
        base: NGINX's prefix; everything of this world is below it.
    """

    base: Path
    ports: Ports = field(default_factory=lambda: Ports(*free_ports(6)))
    _children: dict[str, Child] = field(default_factory=dict)
    _starts: int = 0

    def __post_init__(self) -> None:
        self.base.chmod(0o755)  # NGINX's workers may run as nobody
        for folder in ("conf.d", "logs", "state"):
            (self.base / folder).mkdir(exist_ok=True)
        main = _nginx_config(self.base, self.ports.clients)
        (self.base / "nginx.conf").write_text(main, encoding="utf-8")

    @property
    def binary(self) -> Path:
        """NGINX's."""
        return nginx_binary()

    @property
    def live(self) -> Path:
        """Canaryctl's file."""
        return self.base / "conf.d/canaryctl-upstream.conf"

    @property
    def state(self) -> Path:
        """The state directory of whoever leads rollouts here."""
        return self.base / "state"

    def gateway(self) -> dict[str, str]:
        """Give what a configuration says of where NGINX runs."""
        return {
            "driver": "local",
            "binary": str(self.binary),
            "prefix": str(self.base),
            "main": str(self.base / "nginx.conf"),
            "pid_file": str(self.base / "nginx.pid"),
            "config": str(self.live),
            "attempts": str(self.base / "logs/canaryctl-attempts.log"),
        }

    def start_service(self, name: str, host: str = "127.0.0.1") -> None:
        """Start ``production`` or ``canary``; nothing happens when it runs."""
        if self.runs(name):
            return
        ports = self.ports
        port, admin, release = {
            "production": (ports.stable, ports.stable_admin, OLD_RELEASE),
            "canary": (ports.canary, ports.canary_admin, RELEASE),
        }[name]
        argv = _service(name, port, admin, release)
        argv[argv.index("127.0.0.1")] = host
        child = self._start(name, argv)
        child.wait_for_url(f"http://{host}:{port}/health", within=UP_WITHIN)

    def start_nginx(self) -> None:
        """Start NGINX with what is on disk; nothing happens when it runs."""
        if self.runs("nginx"):
            return
        pid_file = self.base / "nginx.pid"
        pid_file.unlink(missing_ok=True)
        argv = [str(self.binary), "-p", str(self.base), "-c", str(self.base / "nginx.conf")]
        child = self._start("nginx", [*argv, "-g", "daemon off;"])
        child.wait_for_port(self.ports.clients, within=UP_WITHIN)
        eventually(lambda: pid_file.is_file() and bool(pid_file.read_text()), "nginx.pid", 10)

    def start_load(self, rate: float, seconds: float, connections: int = 20) -> Path:
        """Start clients; give the file of their report."""
        self._starts += 1
        report = self.base / f"load-{self._starts}.json"
        url = f"http://127.0.0.1:{self.ports.clients}"
        argv = [sys.executable, "-m", "canaryctl.demo.load", "--url", url, "--rate", str(rate)]
        argv += ["--seconds", str(seconds), "--connections", str(connections)]
        self._start("load", [*argv, "--report", str(report)])
        eventually(report.exists, "the load's first report", UP_WITHIN)
        return report

    def _start(self, name: str, argv: list[str]) -> Child:
        self.stop(name)
        child = Child(name, argv, log_dir=self.base / "logs", clock=SystemClock())
        self._children[name] = child
        child.__enter__()
        return child

    def runs(self, name: str) -> bool:
        """Tell whether a part was started and has not ended."""
        child = self._children.get(name)
        return child is not None and child.exit_code is None

    def pid(self, name: str) -> int:
        """Give a part's process id."""
        return self._children[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a part and to all its processes, by its own process group."""
        if self.runs(name):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid(name), number)
        if number is signal.SIGKILL:
            self.stop(name)

    def stop(self, name: str) -> None:
        """End a part in an orderly way; nothing happens when it does not run."""
        child = self._children.pop(name, None)
        if child is not None:
            child.stop()

    def close(self) -> None:
        """End everything."""
        for name in list(self._children):
            self.kill(name, signal.SIGCONT)
            self.stop(name)

    def wipe(self) -> None:
        """Empty NGINX's configuration directory, as a new container has it."""
        for path in (self.base / "conf.d").iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def in_force(self, timeout: float = 1.0) -> dict[str, str] | None:
        """Ask NGINX itself for generation and weight, past canaryctl; None: no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports.control, timeout=timeout)
        try:
            connection.request("GET", "/generation")
            said: Any = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return said if isinstance(said, dict) and "weight" in said else None

    def weight(self) -> str | None:
        """Give the weight in force, None when NGINX does not answer."""
        seen = self.in_force()
        return seen["weight"] if seen else None

    def tested(self) -> str:
        """Give what ``nginx -t`` has against the configuration; empty: nothing."""
        argv = [str(self.binary), "-p", str(self.base), "-c", str(self.base / "nginx.conf")]
        ended = subprocess.run(
            [*argv, "-t", "-q"], capture_output=True, text=True, timeout=20, check=False
        )
        return (ended.stderr or f"exit {ended.returncode}") if ended.returncode else ""

    def text(self, ending: str = "") -> str | None:
        """Give canaryctl's file, or with an ending what is beside it; None: there is none."""
        path = Path(f"{self.live}{ending}")
        return path.read_text() if path.exists() else None

    def listing(self) -> list[str]:
        """Give the names of what is in conf.d, and beside NGINX's main file."""
        found = [*(self.base / "conf.d").iterdir(), *self.base.glob(".canaryctl*")]
        return sorted(path.name for path in found)

    def lock_free(self) -> bool:
        """Tell whether nobody holds the gateway's lock."""
        return free(Path(f"{self.live}.lock"))

    def remove(self, *endings: str) -> None:
        """Take away what is beside canaryctl's file."""
        for ending in endings:
            Path(f"{self.live}{ending}").unlink(missing_ok=True)


def free(path: Path) -> bool:
    """Tell whether nobody holds a lock on a file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
