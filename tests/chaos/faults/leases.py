"""The lease beside NGINX' file taken away by somebody, while the rollout lives or dies."""

from __future__ import annotations

from signal import SIGKILL, SIGSTOP

from tests.chaos.faults.base import Cell, Fault


def _removed(cell: Cell) -> None:
    cell.world.site.remove(".lease")


def _removed_and_killed(cell: Cell) -> None:
    """Have it stopped first: it does not see that its lease is gone."""
    cell.orchestrator.send(SIGSTOP)
    _removed(cell)
    cell.orchestrator.send(SIGKILL)


FAULTS = (
    Fault("lease removed", _removed),
    Fault("lease removed, SIGKILL", _removed_and_killed, kills=True),
)
