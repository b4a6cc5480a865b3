"""Starting the guard of a rollout, and keeping it alive."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from canaryctl.core.errors import HostError
from canaryctl.guarding.process import ALIVE, DEAF_TO, DONE, LEAVING, READY
from canaryctl.ports import Clock

EVERY = 1.0
"""Seconds between two signs of life."""
START_WITHIN = 20.0
"""Seconds that the guard may take until it is ready."""
END_WITHIN = 5.0
"""Seconds that it may take to end, once it was told."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class GuardProcess:
    """The guard of one rollout.

    Attributes:
        spec: what it has to know; see ``process.spec_of``.
        clock: for the signs of life.
    """

    spec: dict[str, Any]
    clock: Clock
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _beaten: float = field(default=0.0, init=False)
    _ready: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start it; it gets ready while other things are done.

        Raises:
            HostError: this machine has no process left to give.
        """
        try:
            with _held_back():
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "canaryctl.guarding.process"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
        except OSError as error:
            raise HostError(
                f"the guard of the rollout cannot be started: {error}",
                next_step="without it nobody would return the traffic if this process died",
            ) from error
        self._ready = False
        self._write(json.dumps(self.spec).encode() + b"\n")

    @property
    def pid(self) -> int | None:
        """Its process id, None before it was started."""
        return self._process.pid if self._process else None

    def ready(self) -> None:
        """See ``Guardian.ready``. It says so once; one that has ended meanwhile is started anew."""
        if self._process is not None and self._process.poll() is not None:
            self._close()
            self.start()
        process = self._process
        if self._ready:
            return
        said = b""
        if process is not None and process.stdout is not None:
            with contextlib.suppress(OSError, ValueError):
                if select.select([process.stdout], [], [], START_WITHIN)[0]:
                    said = os.read(process.stdout.fileno(), len(READY))
        if said != READY:
            raise HostError(
                "the guard of the rollout did not start: without it nobody would return the "
                "traffic if this process died",
                next_step="see what it said above; a machine without memory or processes left?",
            )
        self._ready = True

    def beat(self) -> None:
        """Give a sign of life; a guard that is gone is started anew."""
        now = self.clock.now()
        if self._process is None or now < self._beaten + EVERY:
            return
        self._beaten = now
        if self._process.poll() is not None:
            _log.warning("the guard of the rollout was ended; another one is started")
            self._close()
            try:
                self.start()
            except HostError as error:
                _log.warning("%s; it is tried again", error)
                return
        self._write(ALIVE)

    def leaving(self) -> None:
        """Tell it that the rollout has ended as it should, and gives the gateway back now."""
        self._write(LEAVING)

    def done(self) -> None:
        """Tell it that the rollout has ended as it should, and wait for its end."""
        if self._process is None:
            return
        self._write(DONE)
        self._close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_WITHIN)

    def abandon(self) -> None:
        """Leave the traffic to it: it could not be proven from here."""
        if self._process is not None:
            self._close()

    def _write(self, what: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # beat() starts another one
                self._process.stdin.write(what)
                self._process.stdin.flush()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout) if self._process else ():
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Hold signals back while a guard is made: it inherits that, until it ignores them itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
