# ruff: noqa: INP001 - a folder of one program, not a package
"""What a service of this kind leans on, in small: a pool of connections, and a cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pool:
    """Connections to a database that is not there: a request waits for one, and holds it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = threading.BoundedSemaphore(size)
        self._count = threading.Lock()
        self.in_use = 0

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Hold one."""
        with self._free:
            self._counted(+1)
            try:
                yield
            finally:
                self._counted(-1)

    def _counted(self, more: int) -> None:
        with self._count:
            self.in_use += more


class Cache:
    """Remembers keys for a while. What for does not matter: hits and misses are what it shows."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def hit(self, key: str) -> bool:
        """Tell whether it is there; from now on it is. Few keys: nothing is ever thrown out."""
        now = time.monotonic()
        found = self._until.get(key, 0.0) > now
        if not found:
            self._until[key] = now + self._seconds
        return found
