"""Several machines on this one: each has its host name, its locks in ``/tmp``, and its home."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from canaryctl.drivers.lock import SHARED
from tests.chaos.running import ChaosError, Event, eventually, guards

# A host name of its own, and an empty directory of locks over the one that all share.
_APART = 'hostname "$1" && mount -t tmpfs none "$2" && shift 2 && exec "$@"'


@dataclass
class Forked:
    """One ``canaryctl`` on such a machine.

    Attributes:
        pid: its process id.
        out: what it tells, a file.
    """

    pid: int
    out: Path

    @property
    def events(self) -> list[Event]:
        """What it told so far."""
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):  # the last one may be half written
                found.append(json.loads(line))
        return found

    @property
    def said(self) -> str:
        """What it said for people."""
        return self.out.with_suffix(".err").read_text()

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        try:
            return int(Path(f"{self.out}.code").read_text())
        except OSError:
            return None

    def proven(self, weight: float) -> bool:
        """Tell whether it has proven this weight."""
        return any(e.get("status") == "proven" and e["weight"] == weight for e in self.events)

    def stopped(self) -> bool:
        """Tell whether it was stopped by a signal."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens once it has ended."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, within: float = 30.0) -> int:
        """Wait for its end; give its exit code."""
        eventually(lambda: self.code is not None, f"the end of {self.out.name}", within)
        code = self.code
        assert code is not None
        return code


class Machine:
    """A machine, ended with the ``with`` block.

    Attributes:
        name: its host name.
    """

    def __init__(self, name: str, folder: Path) -> None:
        if os.geteuid() != 0:
            raise ChaosError("a machine of its own takes root: unshare(1), hostname, mount")
        self.name, self.folder = name, folder
        self.home = folder / f"home-{name}"
        self.home.mkdir()
        SHARED.mkdir(exist_ok=True)
        apart = ["unshare", "--uts", "--mount", "--propagation", "private"]
        server = [sys.executable, "-m", "tests.chaos.machine_server"]
        self._process = subprocess.Popen(
            [*apart, "sh", "-c", _APART, "sh", name, str(SHARED), *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._count = 0
        self.children: list[Forked] = []

    def __enter__(self) -> Self:
        if self._line() != "ready":
            raise ChaosError(f"machine {self.name} did not start")
        return self

    @property
    def locks(self) -> str:
        """Where its own directory of locks is seen from here."""
        return f"/proc/{self._process.pid}/root{SHARED}"

    def clear(self) -> None:
        """End what was started on it."""
        for child in self.children:
            child.send(signal.SIGKILL)
        for pid in guards(state=self.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __exit__(self, *_: object) -> None:
        self.clear()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(10)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def start(
        self, config: Path, *verb: str, at: float | None = None, stop: str = "", **env: str
    ) -> Forked:
        """Start ``canaryctl``, at an instant (monotonic), to stop itself somewhere."""
        assert self._process.stdin is not None
        self._count += 1
        out = self.folder / f"{self.name}-{self._count}.out"
        told: dict[str, Any] = {
            "argv": ["--config", str(config), *verb],
            "env": {"CANARYCTL_STATE_DIR": str(self.home), "HOME": str(self.home), **env},
            "out": str(out),
            "err": str(out.with_suffix(".err")),
            "at": time.monotonic() if at is None else at,
            "stop": stop,
        }
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()
        child = Forked(int(self._line()), out)
        self.children = [one for one in self.children if one.code is None] + [child]
        return child
