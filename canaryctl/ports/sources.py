"""What is measured, counted and timed: metrics, attempts, the clock, servers' identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.series import Readings, Wanted
from canaryctl.core.streaks import Streaks


class Metrics(Protocol):
    """Where numbers come from. Reading is idempotent."""

    def read(self, wanted: Sequence[Wanted], since: float) -> Readings:
        """Give raw series from before ``since`` (epoch seconds) up to now.

        At least one sample at or before ``since`` is included where the source has one,
        so that increments over the window can be counted from it.

        Raises:
            MetricsUnavailable: the source as a whole does not answer.
        """
        ...


class Counting(Protocol):
    """Who counts attempts at each version's servers."""

    def read(self) -> Attempts | None:
        """Give the increments since the last call; never raises.

        None: not known, such as at the first call, after a gap in the log, or while it cannot
        be read. What could not be read is in the next increments, or lost; never a zero.
        """
        ...

    def watch(self) -> Streaks:
        """Give what failed one after the other since the last call; never raises.

        ``Streaks()``: nothing is known. Where something of the log is lost it holds a gap.
        """
        ...


class Clock(Protocol):
    """Time, injected. The fake advances itself."""

    def now(self) -> float:
        """Epoch seconds; never runs backwards within a process."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Identified:
    """What one peer said of itself.

    Attributes:
        address: as configured.
        peer: ``ip:port``.
        right: whether it is who it should be; None when that cannot be told from here.
        said: in words.
    """

    address: str
    peer: str
    right: bool | None
    said: str


class Identifying(Protocol):
    """Who asks the peers behind each address which version they are."""

    def check(self, release: str) -> tuple[Identified, ...]:
        """Ask each of them; the canary's are to be of ``release``.

        Raises:
            HostError: the host cannot be reached.
        """
        ...
