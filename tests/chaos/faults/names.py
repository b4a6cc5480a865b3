"""The canary behind a name: recreated with another address, or its name unknown.

The names stand in a hosts file of this mount namespace alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

from tests.chaos.faults.base import Cell, Fault, Overrides

HOSTS = Path("/etc/hosts")
FIRST, SECOND = "127.0.0.1", "127.0.0.2"
_WRITING = threading.Lock()


def private_hosts(folder: Path) -> Path:
    """Lay a file of our own over /etc/hosts, in this mount namespace; give its path."""
    own = folder / "hosts"
    own.write_text(HOSTS.read_text())
    argv = ["mount", "--bind", str(own), str(HOSTS)]
    subprocess.run(argv, check=True, capture_output=True, timeout=10)
    return own


def _name(cell: Cell) -> str:
    return f"canary-{cell.world.site.ports.canary}.test"


def _point(cell: Cell, address: str | None) -> None:
    """Let the name lead there; None: nowhere. Written in place: it is mounted."""
    name = _name(cell)
    with _WRITING, HOSTS.open("r+") as file:
        kept = [line for line in file.read().splitlines() if name not in line]
        if address is not None:
            kept.append(f"{address} {name}")
        file.seek(0)
        file.write("\n".join(kept) + "\n")
        file.truncate()
        os.fsync(file.fileno())


def _named(cell: Cell) -> Overrides:
    _point(cell, FIRST)
    cell.ending.callback(_point, cell, None)
    ports = cell.world.site.ports
    return {
        "more": {
            "versions": {
                "stable": {"address": f"127.0.0.1:{ports.stable}"},
                "canary": {"address": f"{_name(cell)}:{ports.canary}"},
            }
        }
    }


def _recreate(cell: Cell) -> None:
    """End the canary and start it at another address, as Docker does."""
    site = cell.world.site
    site.kill("canary")
    _point(cell, SECOND)
    site.start_service("canary", host=SECOND)


def _as_it_was(cell: Cell) -> None:
    site = cell.world.site
    site.kill("canary")
    _point(cell, FIRST)
    site.start_service("canary")


def _gone_and_killed(cell: Cell) -> None:
    """Nobody is left who had looked at NGINX' configuration before NGINX refused it."""
    _point(cell, None)
    cell.orchestrator.send(signal.SIGKILL)


FAULTS = (
    Fault(
        "name gone, SIGKILL",
        _gone_and_killed,
        lambda cell: _point(cell, FIRST),
        _named,
        kills=True,
        mounts=True,
    ),
    Fault("canary recreated", _recreate, _as_it_was, _named, lasts=30.0, mounts=True),
    Fault(
        "canary unresolvable",
        lambda cell: _point(cell, None),
        lambda cell: _point(cell, FIRST),
        _named,
        lasts=2.5,
        mounts=True,
    ),
)
