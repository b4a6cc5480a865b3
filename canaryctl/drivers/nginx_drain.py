"""Measuring how long the workers of before live on after a change.

Old is a worker that says that it is shutting down, and one that is older than the change: it may
not have heard yet. So workers of all earlier generations count, also those that somebody else's
reload left behind: each knows some weight of before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from canaryctl.core.drained import Drained
from canaryctl.core.errors import HostError
from canaryctl.drivers.nginx_timeouts import Timeouts
from canaryctl.ports import Clock, Host, Worker

EVERY, LATER = 0.1, 0.5
"""Seconds between two looks; in a container one costs about 0.1 s of its machine."""
OFTEN = 4.0
"""Seconds for which it is looked more often: requests follow within them, streams later."""
SLACK = 0.05
"""Seconds by which a worker's age may be wrong: the kernel counts hundredths."""


def drained(
    host: Host,
    clock: Clock,
    began: float,
    within: float,
    timeouts: Timeouts | None = None,
    alive: Callable[[], object] = lambda: None,
) -> Drained:
    """Look until no worker is left that knew the weight before. Never raises for the host.

    To be called when the change was proven: from then on all old workers have been told to stop.

    Args:
        host: where NGINX runs.
        clock: the one that ``began`` was read from.
        began: when the change began, epoch seconds: before NGINX was told to reload.
        within: seconds to look for, from now on.
        timeouts: what the configuration of before says.
        alive: called between two looks: this may take longer than a lease.
    """
    timeouts = timeouts or Timeouts()
    proven = clock.now()
    seen = _Seen(began, proven + timeouts.keeps, timeouts.cuts)
    while True:
        try:
            workers = host.workers()
        except HostError as error:
            seen.problem = str(error)
        else:
            now = clock.now()
            seen.note(now, [one for one in workers if _is_old(one, now - began)])
            if not seen.left:
                break
        alive()
        left = proven + within - clock.now()
        if left <= 0:
            break
        often = clock.now() < proven + max(OFTEN, timeouts.keeps)
        clock.sleep(min(left, EVERY if often else LATER))
    return seen.told()


def _is_old(worker: Worker, since: float) -> bool:
    return worker.old or worker.age > since + SLACK


@dataclass(slots=True)
class _Seen:
    """What the looks gave.

    Attributes:
        began: when the change began.
        idle_until: when no idle connection can be left any more, epoch seconds.
        limit: worker_shutdown_timeout, seconds.
        problem: of the last look, when it failed.
        looks: when it was looked, and how many connections there were.
    """

    began: float
    idle_until: float
    limit: float | None
    problem: str = ""
    first: tuple[int, int | None] | None = None
    left: dict[int, int | None] = field(default_factory=dict)
    cut: int = 0
    looks: list[tuple[float, int | None]] = field(default_factory=list)

    def note(self, now: float, old: Sequence[Worker]) -> None:
        """Take in one look."""
        self.problem = ""
        before, self.left = self.left, {one.pid: one.connections for one in old}
        held = _total(list(self.left.values()))
        if self.first is None:
            self.first = (len(old), held)
        self.looks.append((now, held))
        if self.limit is not None and now >= self.began + self.limit:
            gone = [count for pid, count in before.items() if pid not in self.left]
            self.cut += sum(count or 0 for count in gone)

    def told(self) -> Drained:
        """Give what it came to."""
        if self.first is None or (self.problem and self.left):
            why = self.problem or "the workers were not looked at"
            return Drained(0, None, None, None, limit=self.limit, problem=why)
        last, _ = self.looks[-1]
        workers, connections = self.first
        return Drained(
            workers=workers,
            connections=connections,
            requests=self._requests(),
            took=None if self.left else last - self.began,
            left=len(self.left),
            held=_total(list(self.left.values())),
            cut=self.cut,
            limit=self.limit,
        )

    def _requests(self) -> float | None:
        """Tell when there were first no more connections than those in use later on.

        After ``idle_until`` each that is left is in use, by a stream or by a request under way.
        """
        last, _ = self.looks[-1]
        if not self.left and last <= self.idle_until:
            return last - self.began
        in_use = next((held for at, held in self.looks if at >= self.idle_until), None)
        if in_use is None:
            return last - self.began if not self.left else None
        return next(
            at - self.began for at, held in self.looks if held is not None and held <= in_use
        )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
