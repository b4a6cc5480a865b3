"""The lock of a gateway on this machine, held for some steps of a change.

It is the same lock that ``flock`` takes in a container which shares the directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from types import TracebackType
from typing import Self

from canaryctl.ports import Clock

_POLL = 0.02


class LockBusy(Exception):
    """Somebody else held it all the time."""


class LocalLock:
    """At most one lock at a time; given back at the end in any case."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: int | None = None

    def take(self, path: str, patience: float, *, needed: bool) -> bool:
        """Wait up to ``patience`` seconds; when it is not needed, go on without it then.

        Tells whether it was had.

        Raises:
            LockBusy: it is needed, and was not to be had in time.
            OSError: it is needed, and its file cannot be opened.
        """
        self.release()
        try:
            # O_NOFOLLOW: nobody who may write beside it can have another file made.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._held = os.open(path, flags, 0o644)
        except OSError:
            if needed:
                raise
            return False
        deadline = self._clock.now() + patience
        while not self._locked():
            if self._clock.now() >= deadline:
                if needed:
                    raise LockBusy(f"{path}: another change held it for {patience:g} s")
                return False
            self._clock.sleep(_POLL)
        return True

    def _locked(self) -> bool:
        assert self._held is not None  # noqa: S101  take opened it
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def release(self) -> None:
        """Give it back, if it is held."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
