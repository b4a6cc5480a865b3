"""One thing that is fuzzed: what makes an input, and what may never come of it."""

from __future__ import annotations

import signal
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

SLOWEST = 5.0
"""Seconds of a processor that one input may take."""
HUNG = 60.0
"""Seconds by the clock that it may take, whatever it waits for."""


class TooSlowError(BaseException):
    """One input took longer than ``SLOWEST``. No ``except Exception`` may swallow that."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed.

    Attributes:
        name: on the command line and in the table.
        check: takes one input from chance and tries it; raises for whatever may not be.
        share: of all inputs, in parts; 0 for one that is expensive and has ``most`` only.
        most: inputs at most; None: as many as its share.
    """

    name: str
    check: Callable[[Random], None]
    share: float = 1.0
    most: int | None = None

    def dice(self, seed: int, number: int) -> Random:
        """Give the chance that input ``number`` is made from: the same one each time."""
        return Random(f"{seed}:{self.name}:{number}")  # noqa: S311  inputs, not keys


def showable(text: str) -> bool:
    """Tell whether a text is one line that a terminal shows and nothing else."""
    unseen = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return text.isprintable() or not any(unicodedata.category(one) in unseen for one in text)


@contextmanager
def bounded(seconds: float = SLOWEST) -> Iterator[None]:
    """Let what is inside take so much of a processor's time and no more, and not wait for ever.

    For the main thread of a process. What other processes of a busy machine take does not count.
    """

    def late(_number: int, _frame: object) -> None:
        raise TooSlowError(f"took more than {seconds:g} s, or hung for {HUNG:g} s")

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, HUNG),
    )
    before = [signal.signal(number, late) for number, _, _ in timers]
    for _, timer, most in timers:
        signal.setitimer(timer, most)
    try:
        yield
    finally:
        for _, timer, _ in timers:
            signal.setitimer(timer, 0)
        for (number, _, _), handler in zip(timers, before, strict=True):
            signal.signal(number, handler)
