"""Locks of this machine: one rollout a gateway, one change at a time.

The kernel gives a lock back when its process ends, however it ends, so none can be left over.
The directory is shared by all users of the machine; what is in the files is only shown, or is
the name of a staged file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canaryctl.core.errors import GatewayHeld
from canaryctl.ports import Clock

WRITING_PATIENCE = 3.0
"""Seconds to wait for another process' change; then go on, for a rollback may not be blocked."""
SHARED = Path("/tmp/canaryctl-locks")  # noqa: S108  not $TMPDIR, which differs between users
_POLL = 0.02
_SUFFIX = re.compile(r"\b[0-9a-f]{6}\b")
_MOST_LEFT = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """One process' turn at changing the gateway.

    Attributes:
        mine: part of the names of what this change stages; no other change has it.
        left: the same of changes that were not finished. One may still be under way: what an
            engine was told goes on when the teller is killed.
    """

    mine: str
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Locks:
    """The two locks of one gateway.

    Attributes:
        identity: what names the gateway on this machine, the same from every process.
        owner: written into the lock, for the message to the next one.
        directory: where the lock files are, the same for every process.
    """

    identity: str
    owner: str
    clock: Clock
    directory: Path = SHARED

    @property
    def token(self) -> str:
        """A short name made from the identity, safe in a path."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:12]

    @contextlib.contextmanager
    def rollout(self) -> Iterator[None]:
        """Hold the gateway for a rollout.

        Raises:
            GatewayHeld: another process holds it; says who.
        """
        held = self._open("rollout")
        if held is None:
            yield
            return
        try:
            if not _locked(held):
                who = os.pread(held, 300, 0).decode("utf-8", "replace").strip() or "another process"
                raise GatewayHeld(
                    f"another rollout holds this gateway: {who}",
                    next_step="wait for its end, or end it with `canaryctl rollback`",
                )
            os.ftruncate(held, 0)
            os.pwrite(held, self.owner.encode(), 0)
            yield
        finally:
            os.close(held)

    def holder(self) -> str | None:
        """Tell who holds the gateway for a rollout on this machine; None when nobody does."""
        held = self._open("rollout")
        if held is None:
            return None
        try:
            if _locked(held):
                return None
            return os.pread(held, 300, 0).decode("utf-8", "replace").strip() or "another process"
        finally:
            os.close(held)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Turn]:
        """Take a turn at changing the gateway; after ``WRITING_PATIENCE`` without one, anyway."""
        mine = secrets.token_hex(3)
        held = self._open("writing")
        if held is None:
            yield Turn(mine)
            return
        try:
            deadline = self.clock.now() + WRITING_PATIENCE
            while not (taken := _locked(held)) and self.clock.now() < deadline:
                self.clock.sleep(_POLL)
            left = _SUFFIX.findall(os.pread(held, 500, 0).decode("ascii", "replace"))[:_MOST_LEFT]
            if taken:
                os.ftruncate(held, os.pwrite(held, " ".join([mine, *left]).encode(), 0))
            yield Turn(mine, tuple(left))
            if taken:  # not after an error: then something may be left, or still under way
                os.ftruncate(held, 0)
        finally:
            os.close(held)

    def _open(self, kind: str) -> int | None:
        """Open a lock file; None where none can be had (then nothing is locked)."""
        path = self.directory / f"{self.token}.{kind}"
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.directory.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):
                self.directory.chmod(0o1777)
            try:
                # Without O_CREAT: with it, Linux (protected_regular) refuses to open another
                # user's file in a directory that all may write to.
                return os.open(path, flags)
            except FileNotFoundError:
                descriptor = os.open(path, flags | os.O_CREAT, 0o666)
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o666)
        return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
