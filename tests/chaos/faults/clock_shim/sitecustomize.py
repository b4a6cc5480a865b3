"""Lets a process believe in another wall clock: what a file says is added to it.

Python runs this at its start where the folder is on PYTHONPATH. The monotonic clock and the
kernel's uptime are left alone, as an administrator's ``date -s`` leaves them alone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_FILE = Path(os.environ.get("CHAOS_CLOCK", "/nonexistent"))
_real, _real_ns = time.time, time.time_ns


def _offset() -> float:
    try:
        return float(_FILE.read_text())
    except (OSError, ValueError):
        return 0.0


time.time = lambda: _real() + _offset()
time.time_ns = lambda: _real_ns() + int(_offset() * 1e9)
