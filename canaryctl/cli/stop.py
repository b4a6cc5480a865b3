"""Ctrl-C, SIGTERM and a closed terminal during a rollout: a flag, not an exception."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = {
    signal.SIGINT: "Ctrl-C (SIGINT)",
    signal.SIGTERM: "ended by SIGTERM",
    signal.SIGHUP: "the terminal was closed (SIGHUP)",
}


class StopFlag:
    """Remembers the first signal; the rollout looks at it between its steps.

    A weight change that has begun is finished and proven first: half a change is worse than
    a quarter of a second. Later signals change nothing, since going back is already under way.
    """

    def __init__(self) -> None:
        self._by: str | None = None
        self._times = 0
        self._before: dict[signal.Signals, Any] = {}

    def by(self) -> str | None:
        """Give who asked to stop; None while nobody has."""
        return self._by

    def more(self) -> Callable[[], bool]:
        """Give what tells whether somebody asked again since now."""
        before = self._times
        return lambda: self._times > before

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _asked(self, number: int, _: FrameType | None) -> None:
        self._times += 1
        self._by = self._by or _SIGNALS[signal.Signals(number)]
