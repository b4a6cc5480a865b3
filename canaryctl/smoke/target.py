"""What is tested: where it answers, and where its log is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from canaryctl.core.errors import HostError
from canaryctl.drivers.tls import Tls


class NotThereYetError(HostError):
    """There is no such log, and one may still come."""


class LogSource(Protocol):
    """The log of what is tested. All of it raises ``HostError`` where it cannot be read."""

    def describe(self) -> str:
        """Name it for people, such as ``container shop-app-canary-1``."""
        ...

    def begin(self) -> None:
        """Remember where the log ends now: what comes later belongs to this run."""
        ...

    def lines(self) -> Sequence[str]:
        """Give the lines written since ``begin``, oldest first; bounded in size."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """One version of a service.

    Attributes:
        name: for people: canary, stable, or the URL.
        url: ``http://`` or ``https://``; a path is put before those of the suite.
        logs: None: no log can be read, and every step that looks into one fails.
        headers: sent with every request; secrets.
        tls: for ``https://``; None: the system's authorities.
    """

    name: str
    url: str
    logs: LogSource | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Tls | None = None
