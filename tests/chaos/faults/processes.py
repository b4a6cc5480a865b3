"""Signals to the orchestrator, to its guard, and to both."""

from __future__ import annotations

import contextlib
import os
import signal
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

from tests.chaos.faults.base import Cell, Fault
from tests.chaos.running import guards
from tests.chaos.world import LEASE


def _orchestrator(number: Signals, *, kills: bool = False) -> Fault:
    def strike(cell: Cell) -> None:
        cell.orchestrator.send(number)

    return Fault(f"{number.name} orchestrator", strike, kills=kills)


def _guard(number: Signals) -> Fault:
    def strike(cell: Cell) -> None:
        for pid in guards(parent=cell.orchestrator.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    return Fault(f"{number.name} guard", strike)


def _group(number: Signals) -> Fault:
    """Send it to both, as a terminal or a service manager does to all that it had started."""

    def strike(cell: Cell) -> None:
        for pid in (*guards(parent=cell.orchestrator.pid), cell.orchestrator.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    return Fault(f"{number.name} both", strike)


def _service_beside(cell: Cell) -> dict[str, str]:
    """Start the guard's service. It has a state directory of its own: it is not the rollout's."""
    own = cell.world.site.base / "guard-state"
    own.mkdir(exist_ok=True)
    service = cell.world.guard_service(cell.config, CANARYCTL_STATE_DIR=str(own))
    cell.ending.callback(service.kill)
    return {}


def _both(cell: Cell) -> None:
    """Have both stopped first: neither sees the end of the other."""
    rollout = cell.orchestrator
    rollout.send(signal.SIGSTOP)
    for pid in guards(parent=rollout.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
    rollout.send(SIGKILL)


FAULTS = (
    _orchestrator(SIGINT),
    _orchestrator(SIGTERM),
    _orchestrator(SIGHUP),
    _orchestrator(SIGKILL, kills=True),
    *map(_guard, (SIGINT, SIGTERM, SIGHUP, SIGKILL)),
    *map(_group, (SIGINT, SIGTERM, SIGHUP)),
    Fault(
        "SIGKILL both",
        _both,
        kills=True,
        within=LEASE + 2.0,
        env=_service_beside,
        nobody_left=True,
    ),
)
