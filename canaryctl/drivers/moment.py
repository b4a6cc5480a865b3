"""The present moment of this machine."""

from __future__ import annotations

from pathlib import Path

from canaryctl.core.moment import Moment, parse_moment
from canaryctl.drivers.clock import monotonic

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_UPTIME = Path("/proc/uptime")


def moment() -> Moment:
    """Give it; where there is no /proc, what the clock driver says counts as one boot."""
    try:
        found = parse_moment(f"{_BOOT.read_text().strip()}\n{_UPTIME.read_text()}")
    except OSError:
        found = None
    return found or Moment("this-machine", monotonic())
