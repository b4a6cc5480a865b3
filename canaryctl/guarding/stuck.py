"""An owner that neither lives nor dies: asleep while it holds a lock of the gateway.

What it would do when it wakes is fenced off. But a lock is the kernel's, and only the end of the
process gives it back: until then everybody would wait for it in vain at each change.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
from dataclasses import dataclass
from pathlib import Path

from canaryctl.drivers.nginx_stage import LOCK
from canaryctl.wiring import Build, machine

END_WITHIN = 1.0
"""Seconds that the kernel may take to end it."""
_FLOCK = re.compile(r"FLOCK\s+\S+\s+\S+\s+(\d+)\s+\S+:(\d+)\s")
"""Of a line of ``/proc/locks``: who, and the file's inode."""
_NAMED = re.compile(r".+@(?P<machine>[^@:]+):(?P<pid>\d{1,9})")
"""As ``wiring.owner`` names a process."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that leads a rollout, held so that no other one can get its number.

    Attributes:
        pid: as this process numbers it.
        handle: refers to that very process, also after its end.
    """

    pid: int
    handle: int

    def end_if_stuck(self, build: Build) -> bool:
        """End it if it is in the middle of a change; tells whether it was ended.

        Only for one whose lease ran out, or that gave no sign of life for as long. The lock at
        the gateway is held for milliseconds by whoever lives. This machine's is held for a whole
        change, in which an engine may keep somebody waiting, who will tell how it ended: so
        there it takes one that is stopped.
        """
        local = build.config.gateway.driver == "local"
        amid = local and self._holds(Path(build.config.gateway.config + LOCK))
        if not amid and not (self._stopped() and self._holds(build.locks.path)):
            return False
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            return bool(select.select([self.handle], [], [], END_WITHIN)[0])
        return False

    def _stopped(self) -> bool:
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[:1] == ["T"]

    def _holds(self, path: Path) -> bool:
        try:
            inode = path.stat().st_ino
            locks = Path("/proc/locks").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        return (str(self.pid), str(inode)) in _FLOCK.findall(locks)


def parent(pid: int) -> Owner | None:
    """Get hold of the process that started this one; None when it has ended already."""
    if os.getppid() != pid:
        return None
    owner = _held(pid)
    if owner is not None and os.getppid() != pid:
        os.close(owner.handle)  # it ended in between, and the number may be another one's
        return None
    return owner


def end_if_named(build: Build, name: str) -> bool:
    """End the owner of a lease that ran out, where it is stopped on this machine amid a change."""
    said = _NAMED.fullmatch(name)
    if said is None or said["machine"] != machine():
        return False
    owner = _held(int(said["pid"]))
    if owner is None:
        return False
    try:
        return owner._stopped() and owner.end_if_stuck(build)  # noqa: SLF001  this module's own
    finally:
        os.close(owner.handle)


def _held(pid: int) -> Owner | None:
    try:
        return Owner(pid, os.pidfd_open(pid))
    except (OSError, AttributeError):  # it is gone; a kernel without such handles
        return None
