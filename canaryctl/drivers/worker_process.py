"""How processes of NGINX look in /proc, wherever that is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from canaryctl.core.errors import HostError
from canaryctl.ports import Worker

SOCKET = re.compile(r"socket:\[(\d+)\]")
_TITLE = re.compile(r"[a-z][\w.-]*: (master|worker) process(.*)", re.DOTALL)
_SHUTTING_DOWN = " is shutting down"
_TICKS = 100.0
"""A second, as Linux counts it for programs (USER_HZ), on every processor of today."""
_PARENT, _STARTED = 1, 19  # fields of /proc/PID/stat, counted from the one after the name


@dataclass(frozen=True, slots=True)
class Process:
    """One process of some NGINX.

    Attributes:
        pid: its id.
        parent: its parent's id.
        started: seconds from the machine's start to its own.
        master: whether it is a master, not a worker.
        old: whether it is a worker that is shutting down.
        title: what it calls itself; a master tells its command line there.
    """

    pid: int
    parent: int
    started: float
    master: bool
    old: bool
    title: str

    def worker(self, uptime: float, connections: int | None) -> Worker:
        """Give what the port calls it.

        Args:
            uptime: of the machine when this was read, seconds.
            connections: what it holds, None when that was not counted.
        """
        return Worker(self.pid, self.old, max(0.0, uptime - self.started), connections)


def parse_process(stat: str, title: str) -> Process | None:
    """Read ``/proc/PID/stat`` and ``/proc/PID/cmdline``; None for what is not NGINX."""
    found = _TITLE.match(title)
    # The program's name stands in brackets and may hold anything, brackets too.
    pid, _, rest = stat.partition(" ")
    fields = rest.rpartition(") ")[2].split()
    if found is None or not pid.isdigit() or len(fields) <= _STARTED:
        return None
    if not (fields[_PARENT].isdigit() and fields[_STARTED].isdigit()):
        return None
    return Process(
        pid=int(pid),
        parent=int(fields[_PARENT]),
        started=int(fields[_STARTED]) / _TICKS,
        master=found.group(1) == "master",
        old=found.group(1) == "worker" and found.group(2).startswith(_SHUTTING_DOWN),
        title=title,
    )


def the_master(masters: Sequence[Process], named: Collection[str], place: str) -> Process:
    """Choose this NGINX's master among all.

    Args:
        masters: those that were found.
        named: words of its command line (``-p``, ``-c``), where they are known; they are looked
            at only when there are several.
        place: for the message.

    Raises:
        HostError: there is none, or they cannot be told apart.
    """
    if len(masters) > 1:
        masters = [one for one in masters if all(word in one.title for word in named)] or masters
    if len(masters) == 1:
        return masters[0]
    if not masters:
        raise HostError(
            f"no master process of NGINX was found: {place}",
            next_step="check that NGINX runs there",
        )
    listed = ", ".join(str(one.pid) for one in masters)
    raise HostError(
        f"several masters of NGINX run there (processes {listed}): {place}",
        next_step="set gateway.prefix and gateway.main as the NGINX was started with them, or "
        "gateway.pid_file",
    )
