"""The one place that knows the time and waits."""

from __future__ import annotations

import time


class SystemClock:
    """Wall time at the start plus monotonic time since: an adjusted clock moves no window."""

    def __init__(self) -> None:
        self._epoch = time.time() - time.monotonic()

    def now(self) -> float:
        """Epoch seconds; never runs backwards."""
        return self._epoch + time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        if seconds > 0:
            time.sleep(seconds)


def monotonic() -> float:
    """Give seconds that never jump, counted from an arbitrary start of this machine's."""
    return time.monotonic()
