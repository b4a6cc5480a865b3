"""All faults that need no Docker."""

from __future__ import annotations

from tests.chaos.faults import clocks, disks, gateway, leases, metrics, names, network, processes
from tests.chaos.faults.base import Fault

FAULTS: tuple[Fault, ...] = (
    *processes.FAULTS,
    *gateway.FAULTS,
    *leases.FAULTS,
    *names.FAULTS,
    *metrics.FAULTS,
    *disks.FAULTS,
    *clocks.FAULTS,
    *network.FAULTS,
)
