"""A progress bar on a terminal, on stderr; nothing where there is none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """Counts rollouts. It steps aside while a row is written."""

    def __init__(self, total: int) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

            self._progress = Progress(
                "simulating",
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                auto_refresh=False,
            )
            self._task = self._progress.add_task("simulating", total=total)

    def __enter__(self) -> Self:
        """Draw it."""
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        if self._progress is not None:
            self._progress.stop()

    def done(self, count: int) -> None:
        """Count so many rollouts more."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=count, refresh=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to what is written meanwhile."""
        if self._progress is not None:
            self._progress.stop()
        yield
        if self._progress is not None:
            self._progress.start()
