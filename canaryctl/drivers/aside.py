"""Work that goes on beside a rollout: in order, bounded, and nobody waits for it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread

from canaryctl.ports import Clock

MOST = 200
"""Jobs that may wait; what comes on top of them is left out."""
_LOOK_EVERY = 0.05

_log = logging.getLogger(__name__)


class Aside:
    """Does what it is given in a thread of its own, one after the other. Nothing here raises."""

    def __init__(self, name: str, clock: Clock) -> None:
        """Begin with nothing to do; the thread is started by the first job.

        Args:
            name: what is done, for messages: ``hooks``.
            clock: for the wait at the end.
        """
        self._name = name
        self._clock = clock
        self._jobs: Queue[Callable[[], None]] = Queue(MOST)
        self._thread: Thread | None = None
        self.stopped = Event()
        """Set once nobody waits any more; what is under way should end soon."""

    def do(self, job: Callable[[], None]) -> None:
        """Have this done when all before it is."""
        try:
            self._jobs.put_nowait(job)
        except Full:
            _log.warning("%s: %d are waiting already; one is left out", self._name, MOST)
            return
        if self._thread is None:
            # A daemon: whatever hangs in it, the process ends when it is told to.
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def close(
        self, within: float, stopped: Callable[[], object] = lambda: None, grace: float = 0.0
    ) -> int:
        """Wait until all is done; gives how many jobs were left out.

        Args:
            within: seconds to wait, at most.
            stopped: asked again and again; once it gives something true nobody waits any more.
            grace: seconds that what is under way has to end, once nobody waits.
        """
        if self._thread is None:
            return 0
        until = self._clock.now() + within
        while self._jobs.unfinished_tasks and self._clock.now() < until and not stopped():
            self._clock.sleep(_LOOK_EVERY)
        left = self._jobs.unfinished_tasks
        self.stopped.set()
        with contextlib.suppress(Empty):
            while True:
                self._jobs.get_nowait()
        self._thread.join(grace if left else _LOOK_EVERY)
        return left

    def _work(self) -> None:
        while not self.stopped.is_set():
            try:
                job = self._jobs.get(timeout=_LOOK_EVERY * 4)
            except Empty:
                continue
            try:
                job()
            except Exception:  # noqa: BLE001  it is beside the rollout, and stays there
                _log.warning("%s: unforeseen", self._name, exc_info=True)
            finally:
                self._jobs.task_done()
