"""Locks of this machine: one rollout a gateway, one change at a time.

The kernel gives a lock back when its process ends, however it ends, so none can be left over.
The directory is shared by all users of the machine; what is in the files is only shown.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canaryctl.core.errors import GatewayHeld
from canaryctl.ports import Clock

WRITING_PATIENCE = 3.0
"""Seconds to wait for another process' change; then go on, for a rollback may not be blocked."""
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Locks:
    """The two locks of one gateway.

    Attributes:
        identity: what names the gateway on this machine, the same from every process.
        owner: written into the lock, for the message to the next one.
    """

    identity: str
    owner: str
    clock: Clock

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
    def writing(self) -> Iterator[None]:
        """Take a turn at changing the gateway; after ``WRITING_PATIENCE`` without one, anyway."""
        held = self._open("writing")
        try:
            if held is not None:
                deadline = self.clock.now() + WRITING_PATIENCE
                while not _locked(held) and self.clock.now() < deadline:
                    self.clock.sleep(_POLL)
            yield
        finally:
            if held is not None:
                os.close(held)

    def _open(self, kind: str) -> int | None:
        """Open a lock file; None where no directory can be had (then nothing is locked)."""
        directory = Path(tempfile.gettempdir()) / "canaryctl-locks"
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            directory.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):
                directory.chmod(0o1777)
            descriptor = os.open(directory / f"{self.token}.{kind}", flags, 0o666)
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
