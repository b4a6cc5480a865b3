"""What a guard says on standard error, which nobody may read any more.

A reader that hangs, or a terminal that was stopped, keeps no traffic on the canary: what cannot be
written waits beside, and is left out in the end.
"""

from __future__ import annotations

import contextlib
import logging
import os

from canaryctl.drivers.aside import Aside
from canaryctl.ports import Clock

_STDERR = 2
_LAST = 2.0
"""Seconds for which the last words may wait for a reader."""


class Words:
    """Says things in their order, beside what is done."""

    def __init__(self, clock: Clock) -> None:
        self._aside = Aside(__name__, clock)
        logging.getLogger().addHandler(_Logged(self))

    def say(self, text: str) -> None:
        """Have it written as soon as somebody reads."""
        self._aside.do(lambda: write(text))

    def close(self) -> None:
        """Wait a moment for what is left."""
        self._aside.close(_LAST)


class _Logged(logging.Handler):
    """Warnings go the same way."""

    def __init__(self, words: Words) -> None:
        super().__init__(logging.WARNING)
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "canaryctl.drivers.aside":  # which would be about too many words
            self._words.say(record.getMessage())


def write(text: str) -> None:
    """Write a line at once. Past ``sys.stderr``, whose lock would keep the process from ending."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(_STDERR, f"canaryctl guard: {text}\n".encode(errors="backslashreplace"))
