"""Sums over the last few minutes, in a fixed number of cells."""

from __future__ import annotations

from math import floor


class Trailing:
    """How much of each of some quantities the last ``seconds`` held, in steps of a tenth of it."""

    __slots__ = ("_cells", "_newest", "_step", "_width")

    def __init__(self, seconds: float, width: int, cells: int = 10) -> None:
        self._step = seconds / cells
        self._width = width
        self._cells = [[0.0] * width for _ in range(cells)]
        self._newest: int | None = None

    def add(self, at: float, *amounts: float) -> None:
        """Add amounts that were counted up to ``at``."""
        self._forward(at)
        cell = self._cells[(self._newest or 0) % len(self._cells)]
        for index, amount in enumerate(amounts):
            cell[index] += amount

    def sums(self, at: float) -> list[float]:
        """Give the sums up to ``at``."""
        self._forward(at)
        return [sum(column) for column in zip(*self._cells, strict=True)]

    def _forward(self, at: float) -> None:
        now = floor(at / self._step)
        if self._newest is None:
            self._newest = now
        for index in range(self._newest + 1, min(now, self._newest + len(self._cells)) + 1):
            self._cells[index % len(self._cells)] = [0.0] * self._width
        self._newest = max(now, self._newest)
