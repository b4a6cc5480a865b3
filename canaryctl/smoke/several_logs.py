"""Several sources read as one log."""

from __future__ import annotations

from collections.abc import Sequence

from canaryctl.smoke.target import LogSource


class SeveralLogs:
    """All of them, one after the other."""

    def __init__(self, sources: Sequence[LogSource]) -> None:
        self._sources = tuple(sources)

    def describe(self) -> str:
        """Name them."""
        return " and ".join(one.describe() for one in self._sources)

    def begin(self) -> None:
        """Remember where each ends."""
        for one in self._sources:
            one.begin()

    def lines(self) -> Sequence[str]:
        """Give what came since, of each."""
        return [line for one in self._sources for line in one.lines()]
